/// TensorFlow's record: a length, its checksum, the content, its checksum, all little-endian.
enum RecordFraming {
  /// The content as a record.
  static func record(_ content: [UInt8]) -> [UInt8] {
    let length = littleEndian(UInt64(content.count))
    return length + littleEndian(masked(length)) + content + littleEndian(masked(content))
  }

  /// A checksum of data that hold checksums themselves is weak, so TensorFlow turns and shifts it.
  private static func masked(_ bytes: [UInt8]) -> UInt32 {
    let sum = crc32c(bytes)
    return (sum >> 15 | sum << 17) &+ 0xA282_EAD8
  }

  /// CRC-32C, with Castagnoli's polynomial.
  private static func crc32c(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(~0) { sum, byte in table[Int(UInt8(truncatingIfNeeded: sum) ^ byte)] ^ sum >> 8 }
  }

  /// What each byte does to the sum.
  private static let table: [UInt32] = (0..<256).map { byte in
    (0..<8).reduce(UInt32(byte)) { sum, _ in sum & 1 == 0 ? sum >> 1 : sum >> 1 ^ 0x82F6_3B78 }
  }

  private static func littleEndian(_ value: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: value.littleEndian) { Array($0) }
  }
}
