/// A dense array of 32-bit floats with up to four axes, row-major, with value semantics.
///
///     let x = Tensor([[1, 2], [3, 4]])
///     let y = tanh(x * 2 - 1)         // elementwise
///     let z = matmul(x, y)            // [2, 2]
///
/// A tensor is *concrete* (it has values) or *symbolic* (it stands for a value inside a trace of a recurrent step;
/// reading its values traps). Elementwise operations broadcast an operand whose shape is a suffix of the other's
/// (`[features]` over `[batch, features]`) or whose innermost extent is 1. Wrong shapes trap with the operation, the
/// shapes and the layer.
public struct Tensor: Sendable {
  /// Extents of the axes.
  public let shape: Shape
  package var content: Content
  /// Where the value stands on the tape that recorded it, if one did.
  package var slot: TapeSlot?

  package enum Content: Sendable {
    case values(Storage)
    case symbol(Symbol)
  }

  package init(shape: Shape, storage: Storage, slot: TapeSlot? = nil) {
    assert(storage.count == shape.count)
    self.shape = shape
    content = .values(storage)
    self.slot = slot
  }

  package init(shape: Shape, symbol: Symbol) {
    self.shape = shape
    content = .symbol(symbol)
  }

  /// A tensor from its values in row-major order. Traps when their number is not the shape's count.
  public init(shape: Shape, values: [Float]) {
    demand(values.count == shape.count, "\(values.count) values do not fill shape \(shape)")
    let storage = Storage(count: values.count)
    values.withUnsafeBufferPointer { source in
      if let base = source.baseAddress { storage.floats.update(from: base, count: source.count) }
    }
    self.init(shape: shape, storage: storage)
  }

  /// A tensor with one value everywhere.
  public init(shape: Shape, repeating value: Float) {
    self.init(shape: shape, storage: Storage(count: shape.count, repeating: value))
  }

  /// A vector.
  public init(_ values: [Float]) { self.init(shape: [values.count], values: values) }

  /// A matrix from its rows. Traps when they differ in length.
  public init(_ rows: [[Float]]) {
    let columns = rows.first?.count ?? 0
    demand(rows.allSatisfy { $0.count == columns }, "rows differ in length")
    self.init(shape: [rows.count, columns], values: rows.flatMap { $0 })
  }

  /// Zeros.
  public static func zeros(_ shape: Shape) -> Tensor { Tensor(shape: shape, repeating: 0) }
  /// Ones.
  public static func ones(_ shape: Shape) -> Tensor { Tensor(shape: shape, repeating: 1) }

  /// Whether the tensor stands for a value inside a trace and has none of its own.
  public var isSymbolic: Bool {
    if case .symbol = content { return true }
    return false
  }

  package var storage: Storage {
    switch content {
    case .values(let storage): return storage
    case .symbol:
      mistake("a step's equations cannot look at values: a tensor of shape \(shape) is symbolic here")
    }
  }

  /// The values in row-major order. Traps on a symbolic tensor.
  public var values: [Float] { Array(storage.buffer) }

  /// The only value of a tensor of count 1. Traps on others.
  public var scalar: Float {
    demand(shape.count == 1, "shape \(shape) is not a scalar")
    return storage.floats[0]
  }

  /// One value by its indices, one an axis. Traps when an index is out of range.
  public subscript(indices: Int...) -> Float {
    get { storage.floats[offset(indices)] }
    set {
      let offset = offset(indices)
      makeUnique()
      storage.floats[offset] = newValue
    }
  }

  private func offset(_ indices: [Int]) -> Int {
    demand(indices.count == shape.rank, "\(indices.count) indices for shape \(shape)")
    return zip(indices, shape.extents).reduce(0) { sum, pair in
      demand(pair.0 >= 0 && pair.0 < pair.1, "index \(indices) is outside shape \(shape)")
      return sum * pair.1 + pair.0
    }
  }

  /// Calls `body` with the values for writing, after making them this tensor's own. A tape forgets the tensor.
  package mutating func withMutableFloats<R>(_ body: (UnsafeMutableBufferPointer<Float>) throws -> R) rethrows -> R {
    makeUnique()
    return try body(UnsafeMutableBufferPointer(start: storage.floats, count: shape.count))
  }

  private mutating func makeUnique() {
    slot = nil
    guard case .values(var storage) = content else { mistake("a symbolic tensor has no values to change") }
    content = .values(Storage.empty)
    if !isKnownUniquelyReferenced(&storage) {
      let copy = Storage(count: storage.count)
      copy.floats.update(from: storage.floats, count: storage.count)
      storage = copy
    }
    content = .values(storage)
  }

  /// The same values, unknown to any tape: no gradient flows through the result.
  public var detached: Tensor {
    var copy = self
    copy.slot = nil
    return copy
  }
}

extension Storage {
  fileprivate static let empty = Storage(count: 0)
}

extension Tensor: Equatable {
  /// Whether shapes and values are equal, value by value.
  public static func == (a: Tensor, b: Tensor) -> Bool {
    a.shape == b.shape && a.storage.buffer.elementsEqual(b.storage.buffer)
  }
}

extension Tensor: CustomStringConvertible {
  /// The shape and the first values.
  public var description: String {
    guard !isSymbolic else { return "Tensor \(shape) (symbolic)" }
    let shown = storage.buffer.prefix(8).map { "\($0)" }.joined(separator: ", ")
    return "Tensor \(shape) [\(shown)\(shape.count > 8 ? ", …" : "")]"
  }
}
