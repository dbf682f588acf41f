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
}
