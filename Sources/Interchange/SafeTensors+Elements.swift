import Tensors

// Values that are no 32-bit floats in the file.

extension SafeTensors.ElementType {
  /// Turns a tensor's bytes, which stand at the end of `memory`, into floats that fill it. A value is read before the
  /// float that comes into its place is written.
  func expand(_ bytes: UnsafeMutableRawBufferPointer, into memory: UnsafeMutableRawBufferPointer) {
    switch self {
    case .float32: break
    case .bfloat16:
      for i in 0..<memory.count / 4 {
        let bits = UInt32(bytes[2 * i]) << 16 | UInt32(bytes[2 * i + 1]) << 24
        memory.storeBytes(of: bits, toByteOffset: 4 * i, as: UInt32.self)
      }
    case .int8:
      for i in 0..<memory.count / 4 {
        let value = Float(Int8(bitPattern: bytes[i]))
        memory.storeBytes(of: value, toByteOffset: 4 * i, as: Float.self)
      }
    }
  }

  /// The bytes of floats of this type; the first value that is none in their place.
  func encode(_ floats: UnsafeBufferPointer<Float>) -> (bytes: [UInt8], misfit: Float?) {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(floats.count * byteCount)
    for value in floats {
      switch self {
      case .float32: for shift in [0, 8, 16, 24] { bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> shift)) }
      case .bfloat16:
        guard value.bitPattern & 0xFFFF == 0 else { return ([], value) }
        for shift in [16, 24] { bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> shift)) }
      case .int8:
        guard let whole = Int8(exactly: value) else { return ([], value) }
        bytes.append(UInt8(bitPattern: whole))
      }
    }
    return (bytes, nil)
  }
}
