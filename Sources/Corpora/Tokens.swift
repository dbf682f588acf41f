import Tensors

/// A long sequence of token numbers, kept as narrow as they allow: one byte each when there are at most 256 different.
///
///     let tokens = Tokens([3, 1, 2])
///     tokens[1]                 // 1
///     tokens.part(1..<3)        // 1 2, without a copy
public struct Tokens: RandomAccessCollection, Sendable {
  private enum Storage: Sendable {
    case bytes([UInt8])
    case words([UInt16])
    case wide([Int32])
  }
  private let storage: Storage
  private let range: Range<Int>

  /// Tokens of any numbers.
  public init(_ values: some Sequence<Int32>) {
    let values = Array(values)
    self.init(storage: .wide(values), range: 0..<values.count)
  }

  /// Tokens in 0..<kinds, kept as narrow as that allows. Traps on others.
  init(_ values: [Int32], kinds: Int) {
    demand(values.allSatisfy { $0 >= 0 && $0 < kinds }, "a token outside 0..<\(kinds)")
    let storage: Storage =
      switch kinds {
      case ...(1 << 8): .bytes(values.map { UInt8(truncatingIfNeeded: $0) })
      case ...(1 << 16): .words(values.map { UInt16(truncatingIfNeeded: $0) })
      default: .wide(values)
      }
    self.init(storage: storage, range: 0..<values.count)
  }

  /// Bytes, each a token.
  init(bytes: [UInt8]) { self.init(storage: .bytes(bytes), range: 0..<bytes.count) }

  private init(storage: Storage, range: Range<Int>) {
    self.storage = storage
    self.range = range
  }

  /// 0.
  public var startIndex: Int { 0 }
  /// Number of tokens.
  public var endIndex: Int { range.count }

  /// A token's number. Traps outside 0..<count.
  public subscript(position: Int) -> Int32 {
    demand(position >= 0 && position < range.count, "token \(position) of \(range.count)")
    let position = range.lowerBound + position
    switch storage {
    case .bytes(let values): return Int32(values[position])
    case .words(let values): return Int32(values[position])
    case .wide(let values): return values[position]
    }
  }

  /// The tokens of a range, counted from 0 again; shares the memory. Traps when the range is not inside 0..<count.
  public func part(_ part: Range<Int>) -> Tokens {
    demand(part.lowerBound >= 0 && part.upperBound <= range.count, "tokens \(part) of \(range.count)")
    return Tokens(
      storage: storage, range: range.lowerBound + part.lowerBound..<range.lowerBound + part.upperBound)
  }

  /// How often each token of 0..<kinds is there. Traps on others.
  package func counts(of kinds: Int) -> [Int] {
    reduce(into: [Int](repeating: 0, count: kinds)) { $0[Int($1)] += 1 }
  }

  /// Tokens of well-formed UTF-8.
  ///
  /// - Parameters:
  ///   - table: The token of each Unicode scalar value, -1 for none; what lies behind its end has none.
  ///   - kinds: Number of different tokens.
  /// - Returns: The tokens, or the offset of the first character that has none.
  static func encoding(
    _ bytes: UnsafeBufferPointer<UInt8>, table: [Int32], kinds: Int
  ) -> (tokens: Tokens, unknown: Int?) {
    func tokens<Value>(_ storage: ([Value]) -> Storage, _ result: (values: [Value], unknown: Int?)) -> (Tokens, Int?) {
      (Tokens(storage: storage(result.values), range: 0..<result.values.count), result.unknown)
    }
    return switch kinds {
    case ...(1 << 8): tokens(Storage.bytes, values(of: bytes, table))
    case ...(1 << 16): tokens(Storage.words, values(of: bytes, table))
    default: tokens(Storage.wide, values(of: bytes, table))
    }
  }

  private static func values<Value: FixedWidthInteger>(
    of bytes: UnsafeBufferPointer<UInt8>, _ table: [Int32]
  ) -> (values: [Value], unknown: Int?) {
    var unknown: Int?
    let values = [Value](unsafeUninitializedCapacity: UTF8Scan.count(in: bytes)) { values, count in
      table.withUnsafeBufferPointer { table in
        var index = 0
        unknown = UTF8Scan.firstStop(in: bytes) { scalar in
          guard scalar < table.count, table[Int(scalar)] >= 0 else { return false }
          values[index] = Value(truncatingIfNeeded: table[Int(scalar)])
          index += 1
          return true
        }
        count = index
      }
    }
    return (values, unknown)
  }
}
