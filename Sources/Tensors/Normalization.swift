import CKernels

/// Each row moved and scaled to mean 0 and variance 1, by the mean of the squares; `epsilon` is added to the variance.
package func normalized(_ x: Tensor, epsilon: Float) -> Tensor { x.applying(.normalize(epsilon: epsilon)) }

extension Operation {
  /// Rows [rows, columns] in parts on all threads, with the offset of each part's first value.
  private static func inRows(_ shape: Shape, _ body: (_ rows: Int, _ offset: Int) -> Void) {
    let columns = shape.last
    parallelRanges(shape.rows, grain: max(1, (1 << 14) / max(1, columns))) { body($0.count, $0.lowerBound * columns) }
  }

  static func normalize(_ x: Tensor, _ epsilon: Float) -> Storage {
    let result = Storage(count: x.shape.count)
    let (columns, values) = (x.shape.last, x.storage)
    inRows(x.shape) { rows, offset in
      Kernels.active.table.pointee.normalize(
        rows, columns, values.floats + offset, columns, epsilon, result.floats + offset, columns)
    }
    return result
  }

  static func normalizeGradient(_ x: Tensor, _ g: Tensor, _ epsilon: Float) -> Storage {
    let result = Storage(count: x.shape.count)
    let (columns, values, cotangent) = (x.shape.last, x.storage, g.storage)
    inRows(x.shape) { rows, offset in
      Kernels.active.table.pointee.normalize_gradient(
        rows, columns, values.floats + offset, columns, cotangent.floats + offset, columns, epsilon,
        result.floats + offset, columns)
    }
    return result
  }

  /// The derivative of the derivative. With y the normalised rows, σ their deviation and r(x, c) the cotangent of x
  /// that a cotangent c of y gives, which is linear in c and symmetric:
  ///
  ///     r(x, c) = (c - mean(c) - y * mean(y * c)) / σ
  ///     c · ∂r(x, g)/∂x = -(y * mean(c * r(x, g)) + mean(y * g) * r(x, c) + mean(y * c) * r(x, g)) / σ
  static func normalizeGradient(
    _ operands: [Tensor], _ result: Tensor, _ c: Tensor, _ epsilon: Float, _ needed: [Bool]
  ) -> [Tensor?] {
    let (x, g) = (operands[0], operands[1])
    let column = x.shape.replacing(axis: x.shape.rank - 1, with: 1)
    func mean(_ a: Tensor) -> Tensor { a.applying(.reduce(to: column)) / Float(max(1, x.shape.last)) }
    let own = Tensor.apply(.normalizeGradient(epsilon: epsilon), [x, c])
    guard needed[0] else { return [nil, own] }
    let y = normalized(x, epsilon: epsilon)
    let inverse = 1 / sqrt(mean(square(x - mean(x))) + epsilon)
    let sum = y * mean(c * result) + mean(y * g) * own + mean(y * c) * result
    return [-(sum * inverse), needed[1] ? own : nil]
  }
}
