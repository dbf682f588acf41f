import Tensors

/// Random zeros that values of a recurrence are multiplied with, drawn anew for every run.
package struct Mask: Hashable, Sendable {
  /// What a number of the mask is for.
  package enum Span: Hashable, Sendable {
    /// One time step of one sequence.
    case step
    /// All time steps of one sequence.
    case sequence
    /// Everything in a run: the mask is a matrix, for weights.
    case run
  }
  let span: Span
  /// [width], or the matrix's extents.
  let shape: Shape
  /// Probability of a 0.
  let rate: Float
  /// Whether the other numbers are 1 / (1 - rate), so that the mean is 1; else they are 1.
  let keepsMean: Bool

  package init(_ span: Span, _ shape: Shape, rate: Float, keepsMean: Bool = true) {
    self.span = span
    self.shape = shape
    self.rate = rate
    self.keepsMean = keepsMean
  }

  /// The mask for a batch: a matrix, or packed rows. What a row holds depends on the number of its sequence and its
  /// time step alone, never on lengths.
  package func draw(for layout: Layout, using random: inout RandomSource) -> Tensor {
    func rows(_ places: [Int], of count: Int) -> Tensor {
      random.mask(
        rows: places, of: count, width: shape.last, rate: rate, kept: keepsMean ? 1 / (1 - rate) : 1)
    }
    switch span {
    case .step: return rows(layout.paddedIndex, of: layout.time * layout.batch)
    case .sequence:
      return rows(Array(0..<layout.batch), of: layout.batch)
        .gatheringRows(layout.paddedIndex.map { Int32($0 % layout.batch) })
    case .run: return rows(Array(0..<shape[0]), of: shape[0])
    }
  }
}

/// Collects the masks that are written into a step's graph, each a leaf of its own: an input behind the step's own for
/// those with rows, a given tensor for the others.
struct MaskLeaves {
  /// Inputs of the step itself.
  let inputCount: Int
  private(set) var rows: [Mask] = []
  private(set) var given: [Mask] = []

  init(inputCount: Int) { self.inputCount = inputCount }

  /// A new mask in the trace of `tensor`.
  mutating func leaf(_ mask: Mask, beside tensor: Tensor) -> Tensor {
    if mask.span == .run {
      given.append(mask)
      return tensor.beside(.given(given.count - 1), shape: mask.shape)
    }
    rows.append(mask)
    return tensor.beside(.input(inputCount + rows.count - 1), shape: [1, mask.shape.last])
  }
}
