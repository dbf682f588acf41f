import Tensors

/// Layer normalisation (Ba, Kiros & Hinton 2016): each row by itself is moved and scaled to mean 0 and variance 1, and
/// then given a learnt gain and shift.
///
///     y = gain * (x - mean(x)) / √(variance(x) + epsilon) + shift
///
/// Rows [rows, size] to the same shape; the variance is the mean of the squares, as in torch.nn.LayerNorm. It is used
/// on packed rows and inside the step of a cell alike:
///
///     let normalise = LayerNorm(size: 8)
///     let calm = batch.mapRows(normalise.callAsFunction)
///
///     func step(_ x: Tensor, _ h: Tensor) -> (output: Tensor, state: Tensor) {
///       let new = tanh(normalise(mix(concatenated(h, x))))
///       return (output: new, state: new)
///     }
public struct LayerNorm: Module, FeedforwardLayer {
  /// [size]; begins as 1.
  public let gain: Parameter
  /// [size], begins as 0; nil: none.
  public let shift: Parameter?
  /// What is added to the variance, so that a row of equal values can be divided by it.
  public let epsilon: Float

  /// A new layer. Without a shift where a bias follows anyway. Traps unless epsilon is above 0.
  public init(size: Int, shift: Bool = true, epsilon: Float = 1e-5) {
    demand(epsilon > 0, "LayerNorm: an epsilon of \(epsilon), and it must be above 0")
    gain = Parameter(.ones([size]))
    self.shift = shift ? Parameter(.zeros([size])) : nil
    self.epsilon = epsilon
  }

  /// Values in a row of the input.
  public var inputSize: Int { gain.shape.last }
  /// Values in a row of the output.
  public var outputSize: Int { gain.shape.last }

  /// x [rows, size] to [rows, size].
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let normal = normalized(x, epsilon: epsilon) * gain.tensor
    return shift.map { normal + $0.tensor } ?? normal
  }
}
