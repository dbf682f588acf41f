import CKernels

/// Work with a matrix of its own for each row of a batch, [p, q], stored row by row in p · q values of the row.
package enum RowMatrices: Hashable, Sendable {
  /// (m, v) -> m · v: [rows, p · q] and [rows, q] to [rows, p].
  case timesVectors
  /// (m, u) -> uᵀ · m: [rows, p · q] and [rows, p] to [rows, q].
  case vectorsTimes
  /// (u, v) -> u · vᵀ: [rows, p] and [rows, q] to [rows, p · q].
  case outer

  /// The result's width and the matrices' p and q; nil when the operands' widths do not fit.
  package func extents(_ first: Int, _ second: Int) -> (width: Int, p: Int, q: Int)? {
    if self == .outer { return (first * second, first, second) }
    guard second > 0 ? first % second == 0 : first == 0 else { return nil }
    let other = second > 0 ? first / second : 0
    return self == .timesVectors ? (other, other, second) : (other, second, other)
  }

  /// Runs it for `rows` rows, each operand with its distance between rows; an outer product is added to `initial`
  /// where there is one.
  package func run(
    _ table: UnsafePointer<ur_kernels>, rows: Int, p: Int, q: Int, _ a: UnsafePointer<Float>, _ strideA: Int,
    _ b: UnsafePointer<Float>, _ strideB: Int, initial: UnsafePointer<Float>?, _ strideInitial: Int,
    into result: UnsafeMutablePointer<Float>, _ strideResult: Int
  ) {
    switch self {
    case .timesVectors:
      table.pointee.matrices_times_vectors(rows, p, q, a, strideA, b, strideB, result, strideResult)
    case .vectorsTimes:
      table.pointee.vectors_times_matrices(rows, p, q, a, strideA, b, strideB, result, strideResult)
    case .outer:
      table.pointee.vectors_outer(rows, p, q, a, strideA, b, strideB, initial, strideInitial, result, strideResult)
    }
  }

  /// Cotangents of the operands: each is work of the same kind.
  func cotangents(_ a: Tensor, _ b: Tensor, _ g: Tensor, _ needed: [Bool]) -> [Tensor?] {
    func of(_ kind: RowMatrices, _ x: Tensor, _ y: Tensor) -> Tensor { .apply(.rowMatrices(kind), [x, y]) }
    switch self {
    case .timesVectors: return [needed[0] ? of(.outer, g, b) : nil, needed[1] ? of(.vectorsTimes, a, g) : nil]
    case .vectorsTimes: return [needed[0] ? of(.outer, b, g) : nil, needed[1] ? of(.timesVectors, a, g) : nil]
    case .outer: return [needed[0] ? of(.timesVectors, g, b) : nil, needed[1] ? of(.vectorsTimes, g, a) : nil]
    }
  }
}

/// For each row of a batch a matrix times a vector: matrices [rows, p · q], each [p, q] row by row, and vectors
/// [rows, q] to [rows, p]. With `transposed` the transposed matrices: vectors [rows, p] to [rows, q].
///
///     rowwiseProduct(memory, query)                      // a score for each of p keys of q values
///     rowwiseProduct(memory, weights, transposed: true)  // the weighted sum of the keys
///
/// Traps when the number of rows differs, or a matrix cannot be made of the vector's width.
public func rowwiseProduct(_ matrices: Tensor, _ vectors: Tensor, transposed: Bool = false) -> Tensor {
  .apply(.rowMatrices(transposed ? .vectorsTimes : .timesVectors), [matrices, vectors])
}

/// For each row of a batch the outer product of two vectors: [rows, p] and [rows, q] to matrices [rows, p · q], each
/// [p, q] row by row.
///
///     memory = forget * memory + rowwiseOuterProduct(value, key)
///
/// Traps when the number of rows differs.
public func rowwiseOuterProduct(_ u: Tensor, _ v: Tensor) -> Tensor { .apply(.rowMatrices(.outer), [u, v]) }

extension Operation {
  static func rowMatrices(_ kind: RowMatrices, _ a: Tensor, _ b: Tensor, _ shape: Shape) -> Storage {
    let result = Storage(count: shape.count)
    let (wideA, wideB) = (a.shape[1], b.shape[1])
    guard let extents = kind.extents(wideA, wideB) else { mistake("\(kind): \(a.shape) and \(b.shape)") }
    parallelRanges(shape[0], grain: max(1, (1 << 14) / max(1, extents.p * extents.q))) { part in
      kind.run(
        Kernels.active.table, rows: part.count, p: extents.p, q: extents.q,
        a.storage.floats + part.lowerBound * wideA, wideA, b.storage.floats + part.lowerBound * wideB, wideB,
        initial: nil, 0, into: result.floats + part.lowerBound * shape[1], shape[1])
    }
    return result
  }
}
