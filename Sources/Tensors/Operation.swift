import CKernels

/// An elementwise operation, with the kernel that computes it.
package enum Pointwise: Hashable, Sendable {
  case add, subtract, multiply, divide, maximum
  /// scale · a + offset
  case affine(scale: Float, offset: Float)
  case exp, log, tanh, sigmoid, relu, square, squareRoot, reciprocal, cosine
  /// Cotangent of the argument from (result, cotangent of the result).
  case tanhGradient, sigmoidGradient, reluGradient

  package var arity: Int {
    switch self {
    case .add, .subtract, .multiply, .divide, .maximum, .tanhGradient, .sigmoidGradient, .reluGradient: 2
    default: 1
    }
  }

  package var opcode: ur_opcode {
    switch self {
    case .add: UR_ADD
    case .subtract: UR_SUBTRACT
    case .multiply: UR_MULTIPLY
    case .divide: UR_DIVIDE
    case .maximum: UR_MAXIMUM
    case .affine: UR_AFFINE
    case .exp: UR_EXP
    case .log: UR_LOG
    case .tanh: UR_TANH
    case .sigmoid: UR_SIGMOID
    case .relu: UR_RELU
    case .square: UR_SQUARE
    case .squareRoot: UR_SQRT
    case .reciprocal: UR_RECIPROCAL
    case .cosine: UR_COSINE
    case .tanhGradient: UR_TANH_GRADIENT
    case .sigmoidGradient: UR_SIGMOID_GRADIENT
    case .reluGradient: UR_RELU_GRADIENT
    }
  }

  /// The instruction of a pointwise program that computes it.
  package func instruction(destination: Int, a: Int, b: Int) -> ur_instruction {
    var scale: Float = 0
    var offset: Float = 0
    if case .affine(let s, let o) = self { (scale, offset) = (s, o) }
    return ur_instruction(
      opcode: UInt16(opcode.rawValue), destination: UInt16(destination), a: UInt16(a), b: UInt16(b), scale: scale,
      offset: offset)
  }
}

/// A list of row numbers, or of classes, that an operation reads.
package struct Indices: Hashable, Sendable {
  package let values: [Int32]
  package init(_ values: [Int32]) { self.values = values }
  package var count: Int { values.count }
}

/// The axis that a concatenation or a slice works along: the rows (axis 0) or the features (the innermost axis).
package enum Along: Hashable, Sendable {
  case rows, features
  package func axis(in shape: Shape) -> Int { self == .rows ? 0 : shape.rank - 1 }
}

/// Everything that can stand between a tensor and the next one. Each case has one shape rule, one kernel and one
/// derivative rule, and no other part of the code computes with values.
package enum Operation: Hashable, Sendable {
  case pointwise(Pointwise)
  /// op(a) · op(b) of two matrices.
  case product(transposeA: Bool, transposeB: Bool)
  case concatenate(Along)
  case slice(Along, from: Int, to: Int)
  /// Zeros around the operand: it begins at `from` in an axis of extent `extent`.
  case pad(Along, from: Int, extent: Int)
  /// A matrix of its own for each row.
  case rowMatrices(RowMatrices)
  /// Sum over what a broadcast to the operand's shape had repeated.
  case reduce(to: Shape)
  case broadcast(to: Shape)
  case reshape(Shape)
  /// Rows of the operand, by number.
  case gather(Indices)
  /// Adds row i of the operand to row indices[i] of zeros.
  case scatter(Indices, rows: Int)
  /// Over the innermost axis.
  case softmax, logSoftmax
  /// Each row to mean 0 and variance 1; the cotangent of the rows from (rows, cotangent of the result).
  case normalize(epsilon: Float), normalizeGradient(epsilon: Float)
  /// -log softmax(a)[row, target], one value a row; a negative target gives 0.
  case crossEntropy(Indices)
  /// Cotangent of the logits from (softmax, cotangent of the losses).
  case crossEntropyGradient(Indices)
}

extension Operation {
  /// The shape of the result. Traps when the operands do not fit.
  package func shape(_ operands: [Shape]) -> Shape {
    switch self {
    case .pointwise:
      guard operands.count == 2 else { return operands[0] }
      guard let shape = Shape.broadcast(operands[0], operands[1]) else { mismatch(operands) }
      return shape
    case .product(let transposeA, let transposeB):
      guard operands[0].rank == 2, operands[1].rank == 2 else { mismatch(operands, "needs two matrices") }
      let (m, k) = transposeA ? (operands[0][1], operands[0][0]) : (operands[0][0], operands[0][1])
      let (k2, n) = transposeB ? (operands[1][1], operands[1][0]) : (operands[1][0], operands[1][1])
      guard k == k2 else { mismatch(operands, "\(k) and \(k2) should be equal") }
      return [m, n]
    case .rowMatrices(let kind):
      guard operands.allSatisfy({ $0.rank == 2 }), operands[0][0] == operands[1][0],
        let extents = kind.extents(operands[0][1], operands[1][1])
      else { mismatch(operands) }
      return [operands[0][0], extents.width]
    case .concatenate(let along):
      let axis = along.axis(in: operands[0])
      let first = operands[0].replacing(axis: axis, with: 0)
      guard operands.allSatisfy({ $0.rank == first.rank && $0.replacing(axis: axis, with: 0) == first }) else {
        mismatch(operands)
      }
      return first.replacing(axis: axis, with: operands.reduce(0) { $0 + $1[axis] })
    case .slice(let along, let from, let to):
      let axis = along.axis(in: operands[0])
      guard operands[0].rank >= 1, from >= 0, from <= to, to <= operands[0][axis] else {
        mismatch(operands, "\(from)..<\(to)")
      }
      return operands[0].replacing(axis: axis, with: to - from)
    case .pad(let along, let from, let extent):
      let axis = along.axis(in: operands[0])
      guard from >= 0, from + operands[0][axis] <= extent else { mismatch(operands) }
      return operands[0].replacing(axis: axis, with: extent)
    case .reduce(let shape):
      guard Broadcast(shape, to: operands[0]) != nil else { mismatch(operands, "to \(shape)") }
      return shape
    case .broadcast(let shape):
      guard Broadcast(operands[0], to: shape) != nil else { mismatch(operands, "to \(shape)") }
      return shape
    case .reshape(let shape):
      guard shape.count == operands[0].count else { mismatch(operands, "to \(shape)") }
      return shape
    case .gather(let indices):
      guard operands[0].rank == 2 else { mismatch(operands, "needs a matrix") }
      return [indices.count, operands[0][1]]
    case .scatter(let indices, let rows):
      guard operands[0].rank == 2, operands[0][0] == indices.count else { mismatch(operands) }
      return [rows, operands[0][1]]
    case .softmax, .logSoftmax, .normalize:
      guard operands[0].rank >= 1 else { mismatch(operands) }
      return operands[0]
    case .crossEntropy(let targets):
      guard operands[0].rank == 2, operands[0][0] == targets.count else {
        mismatch(operands, "for \(targets.count) targets")
      }
      return [targets.count]
    case .crossEntropyGradient, .normalizeGradient:
      return operands[0]
    }
  }

  private func mismatch(_ operands: [Shape], _ detail: String = "shapes do not fit") -> Never {
    mistake("\(name): \(operands.map(\.description).joined(separator: " and ")) \(detail)")
  }

  /// The name that messages and printed graphs use.
  package var name: String {
    switch self {
    case .pointwise(let operation):
      if case .affine(let scale, let offset) = operation { return "affine(\(scale), \(offset))" }
      return "\(operation)"
    case .product(let a, let b): return "product" + (a ? "ᵀ" : "·") + (b ? "ᵀ" : "·")
    case .rowMatrices(let kind): return "row matrices \(kind)"
    case .concatenate(let along): return "concatenate(\(along))"
    case .slice(let along, let from, let to): return "slice(\(along), \(from), \(to))"
    case .pad(let along, let from, let extent): return "pad(\(along), \(from), \(extent))"
    case .reduce(let shape): return "reduce(\(shape))"
    case .broadcast(let shape): return "broadcast(\(shape))"
    case .reshape(let shape): return "reshape(\(shape))"
    case .gather(let indices): return "gather(\(indices.count) rows)"
    case .scatter(let indices, let rows): return "scatter(\(indices.count) of \(rows) rows)"
    case .softmax: return "softmax"
    case .logSoftmax: return "logSoftmax"
    case .normalize: return "normalize"
    case .normalizeGradient: return "normalizeGradient"
    case .crossEntropy: return "crossEntropy"
    case .crossEntropyGradient: return "crossEntropyGradient"
    }
  }
}

/// The path of the layer that is being evaluated, for messages: `encoder.0`.
public enum LayerPath {
  /// The path so far; empty outside any layer.
  @TaskLocal public static var current = ""

  /// Runs `body` with one more component in the path.
  public static func entering<R>(_ name: String, _ body: () throws -> R) rethrows -> R {
    try $current.withValue(current.isEmpty ? name : current + "." + name, operation: body)
  }
}
