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
      for named in parameters {
        guard var gradient = gradients[named.parameter] else { continue }
        // Given away by the dictionary first, so that it is changed in place.
        gradients[named.parameter] = nil
        clamp(&gradient, to: limit)
        gradients[named.parameter] = gradient
      }
      return (norm, 1)
    }
  }

  /// Throws when the limit is not above 0.
  package func validate() throws(UnrollError) {
    switch self {
    case .none: return
    case .norm(let limit), .value(let limit):
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
