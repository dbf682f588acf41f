import Interchange
import Tensors

/// How a gradient moves the weights; the settings of an ``Optimizer``.
///
///     Optimizer(.sgd(momentum: 0.9, nesterov: true))
///     Optimizer(.adamW(weightDecay: 0.1))
///
/// With g the gradient, w the weight and r the learning rate:
/// - `sgd`: v = momentum · v + g; w -= r · v, or r · (g + momentum · v) with Nesterov's look ahead (Sutskever et al.
///   2013). Weight decay is added to g as decay · w.
/// - `adam` (Kingma & Ba 2015): m and v are the decaying means of g and g², both corrected for their start at zero;
///   w -= r · m / (√v + epsilon). Weight decay is added to g as decay · w.
/// - `adamW` (Loshchilov & Hutter 2019): as `adam`, but the decay bypasses the means: w -= r · decay · w.
public enum UpdateRule: Hashable, Sendable, Codable {
  /// Stochastic gradient descent.
  case sgd(momentum: Float = 0, nesterov: Bool = false, weightDecay: WeightDecay = 0)
  /// Adam.
  case adam(beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8, weightDecay: WeightDecay = 0)
  /// Adam with decoupled weight decay.
  case adamW(beta1: Float = 0.9, beta2: Float = 0.999, epsilon: Float = 1e-8, weightDecay: WeightDecay = 0.01)

  /// Names of the tensors that the rule keeps for every parameter.
  package var slots: [String] {
    switch self {
    case .sgd(let momentum, _, _): momentum == 0 ? [] : ["velocity"]
    case .adam, .adamW: ["mean", "variance"]
    }
  }

  /// How strongly weights are pulled to zero.
  public var weightDecay: WeightDecay {
    get {
      switch self {
      case .sgd(_, _, let decay), .adam(_, _, _, let decay), .adamW(_, _, _, let decay): decay
      }
    }
    set {
      switch self {
      case .sgd(let momentum, let nesterov, _):
        self = .sgd(momentum: momentum, nesterov: nesterov, weightDecay: newValue)
      case .adam(let beta1, let beta2, let epsilon, _):
        self = .adam(beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: newValue)
      case .adamW(let beta1, let beta2, let epsilon, _):
        self = .adamW(beta1: beta1, beta2: beta2, epsilon: epsilon, weightDecay: newValue)
      }
    }
  }

  /// Throws when a number is outside its range.
  package func validate() throws(UnrollError) {
    switch self {
    case .sgd(let momentum, let nesterov, let decay):
      try require(momentum >= 0 && momentum < 1, "a momentum is in 0..<1, not \(momentum)", hint: "change --momentum")
      try require(!nesterov || momentum > 0, "Nesterov's look ahead needs a momentum above 0")
      try decay.validate()
    case .adam(let beta1, let beta2, let epsilon, let decay), .adamW(let beta1, let beta2, let epsilon, let decay):
      try require(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1, "betas are in 0..<1, not \(beta1) and \(beta2)")
      try require(epsilon > 0 && epsilon.isFinite, "an epsilon is above 0, not \(epsilon)")
      try decay.validate()
    }
  }
}

/// How strongly weights are pulled to zero.
///
///     .adamW(weightDecay: 0.01)                                     // matrices only
///     .adamW(weightDecay: WeightDecay(0.01, includesVectors: true)) // biases and scales too
public struct WeightDecay: Hashable, Sendable, Codable, ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
  /// The factor of the weight; 0 is none.
  public var amount: Float
  /// Whether parameters of one axis or none (biases) decay too; by default they do not, as a bias cannot overfit much.
  public var includesVectors: Bool

  /// Creates a decay.
  public init(_ amount: Float, includesVectors: Bool = false) {
    self.amount = amount
    self.includesVectors = includesVectors
  }

  /// A decay of matrices.
  public init(floatLiteral value: Float) { self.init(value) }
  /// A decay of matrices.
  public init(integerLiteral value: Int) { self.init(Float(value)) }

  func amount(for shape: Shape) -> Float { includesVectors || shape.rank >= 2 ? amount : 0 }

  func validate() throws(UnrollError) {
    try require(
      amount >= 0 && amount.isFinite, "a weight decay is 0 or more, not \(amount)", hint: "change --weight-decay")
  }
}

/// Throws a usage error with the message unless the condition holds. NaN fulfils no comparison, so it is refused too.
func require(
  _ condition: Bool, _ message: @autoclosure () -> String, hint: String? = nil
) throws(UnrollError) {
  if !condition { throw UnrollError(.usage, message(), hint: hint) }
}
