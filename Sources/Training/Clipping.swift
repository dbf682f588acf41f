import CKernels
import Interchange
import Networks
import Tensors

/// How gradients that are too large are made smaller; backpropagation through long times makes them explode.
///
///     let (norm, scale) = Clipping.norm(5).clip(&gradients, of: model.parameters)
///     optimizer.update(model.parameters, with: gradients, learningRate: 0.002, gradientScale: scale)
public enum Clipping: Hashable, Sendable, Codable {
  /// Leaves gradients as they are.
  case none
  /// Scales all gradients together so that their global norm is at most this (Pascanu et al. 2013); keeps the
  /// direction.
  case norm(Float)
  /// Moves every value of a gradient into -limit...limit.
  case value(Float)
  /// Scales the gradient of each unit, the row of a matrix that its output comes from, so that its norm is at most this
  /// many times the norm of the row's weights, or of 0.001 where these are less (adaptive gradient clipping, AGC, Brock
  /// et al. 2021); a vector, a bias say, counts as one row. The authors take 0.01 for large batches and more for small
  /// ones.
  case adaptive(Float)

  /// Clips the gradients of the parameters.
  ///
  /// - Returns: The global norm before clipping, √Σg² over all values of all parameters, summed in Double; and the
  ///   factor that the gradients have still to be multiplied with, which the optimiser does on its way: 1 unless the
  ///   norm was too large. The norm is not finite when a value is not.
  public func clip(_ gradients: inout Gradients, of parameters: [NamedParameter]) -> (norm: Double, scale: Float) {
    let norm = globalNorm(of: parameters.compactMap { gradients[$0.parameter] })
    switch self {
    case .none: return (norm, 1)
    case .norm(let limit): return (norm, norm > Double(limit) ? Float(Double(limit) / norm) : 1)
    case .value(let limit):
      gradients.change(parameters) { clamp(&$1, to: limit) }
      return (norm, 1)
    case .adaptive(let ratio):
      gradients.change(parameters) { shrink(&$1, to: ratio, of: $0.value) }
      return (norm, 1)
    }
  }

  /// Throws when the limit is not above 0.
  package func validate() throws(UnrollError) {
    switch self {
    case .none: return
    case .norm(let limit), .value(let limit), .adaptive(let limit):
      try require(limit > 0 && limit.isFinite, "a limit of gradients is above 0, not \(limit)", hint: "change --clip")
    }
  }
}

/// √Σx² over all tensors. Summed in pieces of one size and in one order, so that the number of threads does not matter.
private func globalNorm(of tensors: [Tensor]) -> Double {
  let piece = 1 << 16
  let pieces = tensors.flatMap { tensor in
    stride(from: 0, to: tensor.shape.count, by: piece).map { first in
      (storage: tensor.storage, first: first, count: min(piece, tensor.shape.count - first))
    }
  }
  let table = Kernels.active.table
  let sums = [Double](unsafeUninitializedCapacity: pieces.count) { sums, count in
    let sums = sums.baseAddress
    parallel(pieces.count) { i in
      let sum = table.pointee.sum_of_squares(pieces[i].count, pieces[i].storage.floats + pieces[i].first)
      sums?.advanced(by: i).initialize(to: sum)
    }
    count = pieces.count
  }
  return sums.reduce(0, +).squareRoot()
}

private func clamp(_ tensor: inout Tensor, to limit: Float) {
  tensor.withMutableFloats { buffer in
    guard let values = buffer.baseAddress else { return }
    parallelRanges(buffer.count, grain: 1 << 16) { range in
      for i in range { values[i] = min(max(values[i], -limit), limit) }
    }
  }
}

/// Scales each row of a gradient to at most so many times the norm of the row of weights.
private func shrink(_ gradient: inout Tensor, to ratio: Float, of weights: Tensor) {
  let rows = weights.shape.rank >= 2 ? weights.shape[0] : 1
  guard weights.shape.count > 0 else { return }
  let length = weights.shape.count / rows
  let table = Kernels.active.table
  let weights = weights.storage
  gradient.withMutableFloats { buffer in
    guard let values = buffer.baseAddress else { return }
    parallelRanges(rows, grain: max(1, (1 << 14) / length)) { range in
      for first in range.lazy.map({ $0 * length }) {
        let own = table.pointee.sum_of_squares(length, weights.floats + first).squareRoot()
        let norm = table.pointee.sum_of_squares(length, values + first).squareRoot()
        let limit = Double(ratio) * max(own, 1e-3)
        guard norm > limit else { continue }
        let scale = Float(limit / norm)
        for i in first..<first + length { values[i] *= scale }
      }
    }
  }
}

extension Gradients {
  /// Changes the gradients of some parameters in place, those that there are.
  fileprivate mutating func change(_ parameters: [NamedParameter], _ body: (Parameter, inout Tensor) -> Void) {
    for named in parameters {
      guard var gradient = self[named.parameter] else { continue }
      // Given away first, so that nobody else has it.
      self[named.parameter] = nil
      body(named.parameter, &gradient)
      self[named.parameter] = gradient
    }
  }
}
