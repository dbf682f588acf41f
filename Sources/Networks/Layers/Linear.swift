import Tensors

/// A fully connected layer: y = x · Wᵀ + b.
///
///     var random = RandomSource(seed: 1)
///     let layer = Linear(inputs: 3, outputs: 2, using: &random)
///     layer(Tensor([[1, 2, 3]])).shape  // [1, 2]
public struct Linear: Module, FeedforwardLayer {
  /// [outputs, inputs].
  public let weight: Parameter
  /// [outputs]; nil: no bias.
  public let bias: Parameter?

  /// A layer of given parameters: weight [outputs, inputs], bias [outputs]. Traps when they do not fit.
  public init(weight: Parameter, bias: Parameter?) {
    demand(
      weight.shape.rank == 2 && (bias == nil || bias?.shape == [weight.shape[0]]),
      "Linear: a weight \(weight.shape) and a bias \(bias?.shape.description ?? "") do not fit")
    self.weight = weight
    self.bias = bias
  }

  /// A new layer. The weight is Glorot's by default; the bias starts as 0 everywhere.
  public init(
    inputs: Int, outputs: Int, bias: Bool = true, initializer: Initializer = .glorotUniform,
    using random: inout RandomSource
  ) {
    self.init(
      weight: Parameter(initializer(outputs: outputs, inputs: inputs, using: &random)),
      bias: bias ? Parameter(.zeros([outputs])) : nil)
  }

  /// Values in a row of the input.
  public var inputSize: Int { weight.shape[1] }
  /// Values in a row of the output.
  public var outputSize: Int { weight.shape[0] }

  /// x [rows, inputs] to [rows, outputs].
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let product = matmul(x, weight.tensor, transposeB: true)
    return bias.map { product + $0.tensor } ?? product
  }

  /// Cross-entropy of this layer's outputs, as logits, with the right classes: one loss a row, in nats. A negative
  /// target is left out: its loss and its gradient are 0.
  ///
  ///     readout.crossEntropy(rows, targets).sum()   // as crossEntropy(readout(rows), targets).sum()
  ///
  /// The logits [rows, outputs] never stand in memory as a whole, unless a gradient is taken, and then once: with a
  /// vocabulary of tens of thousands of words they are by far the largest array of a training.
  ///
  /// Traps when the sizes do not fit or a target is not below ``outputSize``.
  public func crossEntropy(_ x: Tensor, _ targets: [Int32]) -> Tensor {
    linearCrossEntropy(x, weight: weight.tensor, bias: bias?.tensor, targets: Indices(targets))
  }
}

/// A network without a cycle: rows in, rows out, each row by itself.
public protocol FeedforwardLayer: Module {
  /// Values in a row of the input.
  var inputSize: Int { get }
  /// Values in a row of the output.
  var outputSize: Int { get }
  /// x [rows, inputSize] to [rows, outputSize].
  func callAsFunction(_ x: Tensor) -> Tensor
}

/// An elementwise function between layers.
public enum Activation: String, Hashable, Sendable, Codable, CaseIterable {
  /// tanh
  case tanh
  /// max(x, 0)
  case relu
  /// 1 / (1 + e^-x)
  case sigmoid
  /// x itself
  case identity

  /// The function of every value.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    switch self {
    case .tanh: Tensors.tanh(x)
    case .relu: Tensors.relu(x)
    case .sigmoid: Tensors.sigmoid(x)
    case .identity: x
    }
  }
}

/// Dense layers one after the other, with an activation after each.
///
///     Feedforward(sizes: [4, 8, 2], activations: [.relu, .tanh], using: &random)
public struct Feedforward: FeedforwardLayer {
  /// The dense layers, first to last.
  public let layers: [Linear]
  /// The function after each layer.
  public let activations: [Activation]

  /// A network of `sizes.count - 1` dense layers. Traps unless there is one activation for each layer, and one layer at
  /// least.
  public init(sizes: [Int], activations: [Activation], using random: inout RandomSource) {
    demand(
      sizes.count >= 2 && activations.count == sizes.count - 1,
      "Feedforward: \(sizes.count) sizes need \(sizes.count - 1) activations, not \(activations.count)")
    layers = zip(sizes, sizes.dropFirst()).map { Linear(inputs: $0, outputs: $1, using: &random) }
    self.activations = activations
  }

  /// Values in a row of the input.
  public var inputSize: Int { layers[0].inputSize }
  /// Values in a row of the output.
  public var outputSize: Int { layers[layers.count - 1].outputSize }

  /// x [rows, inputSize] to [rows, outputSize].
  public func callAsFunction(_ x: Tensor) -> Tensor {
    zip(layers, activations).reduce(x) { $1.1($1.0($0)) }
  }
}
