/// XXH64 with seed 0 (Yann Collet's xxHash): finds damage, is no defence against intent.
///
/// 64 bits, because a checkpoint of thousands of tensors is checked at every load; and it runs as fast as memory reads.
package struct Checksum: Hashable, Sendable, CustomStringConvertible {
  private let value: UInt64

  private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
  private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
  private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
  private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
  private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5

  /// The checksum of some bytes.
  package init(_ bytes: UnsafeRawBufferPointer) {
    var position = 0
    var hash = bytes.count >= 32 ? Self.stripes(bytes, &position) : Self.prime5
    hash &+= UInt64(bytes.count)
    while position + 8 <= bytes.count {
      hash ^= Self.round(0, Self.word(bytes, position))
      hash = Self.rotate(hash, 27) &* Self.prime1 &+ Self.prime4
      position += 8
    }
    if position + 4 <= bytes.count {
      let half = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self))
      hash ^= UInt64(half) &* Self.prime1
      hash = Self.rotate(hash, 23) &* Self.prime2 &+ Self.prime3
      position += 4
    }
    while position < bytes.count {
      hash ^= UInt64(bytes[position]) &* Self.prime5
      hash = Self.rotate(hash, 11) &* Self.prime1
      position += 1
    }
    hash = (hash ^ hash >> 33) &* Self.prime2
    hash = (hash ^ hash >> 29) &* Self.prime3
    value = hash ^ hash >> 32
  }

  /// All whole stripes of 32 bytes, as four independent lanes.
  private static func stripes(_ bytes: UnsafeRawBufferPointer, _ position: inout Int) -> UInt64 {
    var (a, b, c, d) = (prime1 &+ prime2, prime2, 0 as UInt64, 0 &- prime1)
    while position + 32 <= bytes.count {
      a = round(a, word(bytes, position))
      b = round(b, word(bytes, position + 8))
      c = round(c, word(bytes, position + 16))
      d = round(d, word(bytes, position + 24))
      position += 32
    }
    var hash = rotate(a, 1) &+ rotate(b, 7) &+ rotate(c, 12) &+ rotate(d, 18)
    for lane in [a, b, c, d] { hash = (hash ^ round(0, lane)) &* prime1 &+ prime4 }
    return hash
  }

  private static func round(_ lane: UInt64, _ word: UInt64) -> UInt64 {
    rotate(lane &+ word &* prime2, 31) &* prime1
  }

  private static func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 {
    value << count | value >> (64 - count)
  }

  private static func word(_ bytes: UnsafeRawBufferPointer, _ position: Int) -> UInt64 {
    UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
  }

  /// `xxh64:` and 16 hexadecimal digits.
  package var description: String {
    let digits = String(value, radix: 16)
    return Self.prefix + String(repeating: "0", count: Self.digits - digits.count) + digits
  }

  static let prefix = "xxh64:"
  static let digits = 16
}
