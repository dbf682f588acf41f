import Foundation
import Tensors

extension Double {
  static func exponential(_ x: Double) -> Double { exp(x) }
  static func logarithm(_ x: Double) -> Double { log(x) }
}

extension Pointwise {
  /// The function in Double.
  package func reference(_ a: Double, _ b: Double) -> Double {
    switch self {
    case .add: a + b
    case .subtract: a - b
    case .multiply: a * b
    case .divide: a / b
    case .maximum: max(a, b)
    case .affine(let scale, let offset): Double(scale) * a + Double(offset)
    case .exp: Foundation.exp(a)
    case .log: Foundation.log(a)
    case .tanh: Foundation.tanh(a)
    case .sigmoid: 1 / (1 + Foundation.exp(-a))
    case .relu: max(a, 0)
    case .square: a * a
    case .squareRoot: a.squareRoot()
    case .reciprocal: 1 / a
    case .cosine: Foundation.cos(a)
    case .tanhGradient: b * (1 - a * a)
    case .sigmoidGradient: b * a * (1 - a)
    case .reluGradient: a > 0 ? b : 0
    }
  }
}
