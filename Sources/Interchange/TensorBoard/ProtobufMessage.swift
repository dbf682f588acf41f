/// A message in protocol buffers' wire form, made field by field: as much of it as event files need.
///
///     var message = ProtobufMessage()
///     message.add(1, "loss")
///     message.add(2, Float(0.5))
///
/// Fields are known by their numbers in TensorFlow's `event.proto` and `summary.proto`.
struct ProtobufMessage: Sendable {
  private(set) var bytes: [UInt8] = []

  private enum WireType: UInt64 { case variable = 0, fixed64 = 1, counted = 2, fixed32 = 5 }

  /// A whole number, `int32` or `int64`.
  mutating func add(_ field: Int, _ value: Int) {
    begin(field, .variable)
    append(UInt64(bitPattern: Int64(value)))
  }

  /// A `float`.
  mutating func add(_ field: Int, _ value: Float) {
    begin(field, .fixed32)
    append(littleEndian: value.bitPattern)
  }

  /// A `double`.
  mutating func add(_ field: Int, _ value: Double) {
    begin(field, .fixed64)
    append(littleEndian: value.bitPattern)
  }

  /// A `repeated double`, packed.
  mutating func add(_ field: Int, _ values: [Double]) {
    begin(field, .counted)
    append(UInt64(8 * values.count))
    for value in values { append(littleEndian: value.bitPattern) }
  }

  /// `bytes`.
  mutating func add(_ field: Int, bytes content: some Collection<UInt8>) {
    begin(field, .counted)
    append(UInt64(content.count))
    bytes += content
  }

  /// A `string`.
  mutating func add(_ field: Int, _ text: String) { add(field, bytes: Array(text.utf8)) }

  /// A message inside this one.
  mutating func add(_ field: Int, _ message: ProtobufMessage) { add(field, bytes: message.bytes) }

  private mutating func begin(_ field: Int, _ type: WireType) { append(UInt64(field) << 3 | type.rawValue) }

  /// Seven bits a byte, the lowest first; the highest bit says that more follow.
  private mutating func append(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  private mutating func append(littleEndian value: some FixedWidthInteger) {
    withUnsafeBytes(of: value.littleEndian) { bytes += $0 }
  }
}
