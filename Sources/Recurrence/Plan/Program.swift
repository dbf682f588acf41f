import CKernels
import Tensors

/// Where a row of values stands at run time.
struct Address: Hashable, Sendable {
  enum Kind: UInt8, Sendable {
    /// A buffer with a row for every packed row of the batch; at time t its rows of step t.
    case sequence
    /// A buffer with a row for every packed row of the running stretch of time steps.
    case stretch
    /// Scratch of the running step.
    case step
    /// Part `index` of the state before the step, where the states of all steps are kept.
    case previous
    /// Part `index` of the state before and after the step, where only the running one is kept.
    case carriedIn, carriedOut
    /// Part `index` of the state of a scan, which changes in place.
    case scanned
    /// A sequence's row of context `index`, the same at all its time steps.
    case context
    /// A weight's vector, the same for every row.
    case vector
  }
  var kind: Kind
  var index: Int
  var column: Int
}

/// A buffer with one row per packed row of the batch, or per running sequence.
struct BufferSpec: Hashable, Sendable {
  let width: Int
  /// Floats between rows. Tensors that leave the plan are dense; others avoid strides that crowd one cache set.
  let stride: Int

  init(width: Int, dense: Bool) {
    self.width = width
    let rounded = (width + 15) / 16 * 16
    stride = dense ? width : rounded % 256 == 0 ? rounded + 16 : rounded
  }
}

/// One piece of work for a range of rows.
enum Instruction: Sendable {
  /// c = d + a · packed, `width` columns
  case product(a: Address, packed: Int, d: Address?, c: Address, width: Int)
  /// `code` over `operands`, for `width` columns.
  case pointwise(code: [ur_instruction], operands: [Address], width: Int)
  /// A function of rows a, or of rows a and b.
  case rows(RowFunction, a: Address, b: Address?, result: Address, width: Int)
  /// state = a * state + b, over any number of steps at once. `before` gets the state before each step, `after` that
  /// after it.
  case scan(a: Address, b: Address, state: Address, before: Address?, after: Address?, width: Int)
  /// Matrices [p, q] of the rows, or with them; an outer product adds d.
  case matrices(RowMatrices, a: Address, b: Address, d: Address?, result: Address, p: Int, q: Int)

  var addresses: [Address] {
    switch self {
    case .product(let a, _, let d, let c, _): [a, c] + (d.map { [$0] } ?? [])
    case .pointwise(_, let operands, _): operands
    case .rows(_, let a, let b, let result, _): [a, result] + (b.map { [$0] } ?? [])
    case .scan(let a, let b, let state, let before, let after, _): [a, b, state] + [before, after].compactMap { $0 }
    case .matrices(_, let a, let b, let d, let result, _, _): [a, b, result] + (d.map { [$0] } ?? [])
    }
  }
}

/// Functions of a whole row that are no elementwise operations.
enum RowFunction: Sendable {
  case softmax, logSoftmax, sum
  case normalize(epsilon: Float), normalizeGradient(epsilon: Float)
}

/// A product operand: weight number `weight` as it must be packed.
struct Packing: Hashable, Sendable {
  let weight: Int
  let transposed: Bool
}

/// A weight's cotangent, summed over all rows and time steps.
enum Reduction: Sendable {
  /// a' · b
  case outer(weight: Int, a: Address, m: Int, b: Address, n: Int)
  case columnSum(weight: Int, a: Address, width: Int)

  var weight: Int {
    switch self {
    case .outer(let weight, _, _, _, _), .columnSum(let weight, _, _): weight
    }
  }
}

/// A graph lowered to instructions and buffers: what runs, in which order, where the values stand.
struct Program: Sendable {
  var before: [Instruction] = []
  var loop: [Instruction] = []
  var after: [Instruction] = []
  var reductions: [Reduction] = []
  /// Sequence buffers, those inherited from the forward program first.
  var sequences: [BufferSpec] = []
  var inheritedSequences = 0
  var stretches: [BufferSpec] = []
  var steps: [BufferSpec] = []
  var packings: [Packing] = []
  /// Weights that are read as vectors.
  var vectors: [Int] = []
  /// How a team of threads runs the loop.
  var teamSchedule = TeamSchedule()
  /// Whether the loop is nothing but scans.
  var isScan = false
  /// Widths of the state's parts, and where each one's new value goes.
  var stateWidths: [Int] = []
  var newStates: [Address] = []
  /// Widths of the contexts.
  var contextWidths: [Int] = []
  var outputs: [Address] = []
  /// In an adjoint: the buffers that take the outputs' cotangents.
  var outputCotangents: [Int: Address] = [:]
  /// Sequence buffers that must be zero where nothing is written: they hold paddings.
  var zeroed: Set<Int> = []
  /// Temporaries that the largest pointwise program needs.
  var temporaries = 0
  /// Address of every node that has one; for adjoints that read it.
  var addresses: [Int: Address] = [:]
}
