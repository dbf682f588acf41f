import Foundation
import Tensors

/// How a weight begins.
public enum Initializer: Hashable, Sendable, Codable {
  /// 0 everywhere.
  case zeros
  /// One value everywhere.
  case constant(Float)
  /// Evenly spread over -limit…limit.
  case uniform(limit: Float)
  /// Normally distributed around 0.
  case normal(deviation: Float)
  /// Evenly spread over ±√(6 / (inputs + outputs)) (Glorot & Bengio 2010).
  case glorotUniform
  /// A random matrix with orthonormal rows or columns, times `gain` (Saxe et al. 2014): products with it keep lengths,
  /// so signals neither fade nor grow at the first steps of training.
  case orthogonal(gain: Float)
  /// `scale` where output and input have the same number, 0 elsewhere: a state that stays as it is, for rectified units
  /// (Le, Jaitly & Hinton 2015).
  case identity(scale: Float)

  /// A weight [outputs, inputs] of this kind.
  public func callAsFunction(outputs: Int, inputs: Int, using random: inout RandomSource) -> Tensor {
    let shape: Shape = [outputs, inputs]
    switch self {
    case .zeros: return .zeros(shape)
    case .constant(let value): return Tensor(shape: shape, repeating: value)
    case .uniform(let limit): return random.uniform(shape, in: -limit...limit)
    case .normal(let deviation): return random.normal(shape, deviation: deviation)
    case .glorotUniform:
      let limit = (6 / Float(max(1, inputs + outputs))).squareRoot()
      return random.uniform(shape, in: -limit...limit)
    case .orthogonal(let gain):
      return orthonormal(outputs, inputs, gain, &random)
    case .identity(let scale):
      return Tensor(
        shape: shape, values: (0..<outputs * inputs).map { $0 / max(1, inputs) == $0 % max(1, inputs) ? scale : 0 })
    }
  }
}

/// Orthonormal vectors by Gram & Schmidt, each made orthogonal twice, which is enough for Double ("twice is enough",
/// Giraud et al. 2005).
private func orthonormal(_ rows: Int, _ columns: Int, _ gain: Float, _ random: inout RandomSource) -> Tensor {
  let (count, length) = (min(rows, columns), max(rows, columns))
  var vectors: [[Double]] = []
  for _ in 0..<count {
    var vector = random.normal([length]).values.map(Double.init)
    for _ in 0..<2 {
      for other in vectors {
        var dot = 0.0
        for i in 0..<length { dot += vector[i] * other[i] }
        for i in 0..<length { vector[i] -= dot * other[i] }
      }
    }
    var squares = 0.0
    for value in vector { squares += value * value }
    let scale = 1 / squares.squareRoot()
    for i in 0..<length { vector[i] *= scale }
    vectors.append(vector)
  }
  var values = [Float](repeating: 0, count: rows * columns)
  for (k, vector) in vectors.enumerated() {
    for (i, value) in vector.enumerated() {
      values[rows <= columns ? k * columns + i : i * columns + k] = gain * Float(value)
    }
  }
  return Tensor(shape: [rows, columns], values: values)
}
