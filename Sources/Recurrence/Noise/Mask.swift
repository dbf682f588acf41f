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

  /// The mask for a batch: packed rows, a row for each sequence, or the matrix. What a row holds depends on the number
  /// of its sequence and its time step alone, never on lengths.
  package func draw(for layout: Layout, using random: inout RandomSource) -> Tensor {
    func rows(_ places: [Int], of count: Int) -> Tensor {
      random.mask(
        rows: places, of: count, width: shape.last, rate: rate, kept: keepsMean ? 1 / (1 - rate) : 1)
    }
    switch span {
    case .step: return rows(layout.paddedIndex, of: layout.time * layout.batch)
    case .sequence: return rows(Array(0..<layout.batch), of: layout.batch)
    case .run: return rows(Array(0..<shape[0]), of: shape[0])
    }
  }
}

/// Collects the masks that are written into a step's graph, each a leaf of its own: an input behind the step's own for
/// those of time steps, a context for those of sequences, a given tensor for matrices.
struct MaskLeaves {
  /// Inputs and contexts of the step itself.
  private let inputCount, contextCount: Int
  private var all: [Mask.Span: [Mask]] = [:]

  init(_ step: StepFunction) {
    inputCount = step.inputWidths.count
    contextCount = step.contexts.count
  }

  subscript(span: Mask.Span) -> [Mask] { all[span] ?? [] }

  /// A new mask in the trace of `tensor`.
  mutating func leaf(_ mask: Mask, beside tensor: Tensor) -> Tensor {
    let number = self[mask.span].count
    all[mask.span, default: []].append(mask)
    switch mask.span {
    case .step: return tensor.beside(.input(inputCount + number), shape: [1, mask.shape.last])
    case .sequence: return tensor.beside(.context(contextCount + number), shape: [1, mask.shape.last])
    case .run: return tensor.beside(.given(number), shape: mask.shape)
    }
  }
}
