import Foundation
import Tensors

/// The real-gated linear recurrent unit (De et al. 2024, "Griffin: mixing gated linear recurrences with local attention
/// for efficient language models"): gates see the input alone, so that the step is linear in the state and all products
/// run before the loop.
///
///     r  = σ(Wa·x + ba)             how much the memory decays
///     i  = σ(Wx·x + bx)             what is written
///     a  = σ(Λ)^(8·r)
///     h' = a * h + √(1 - a²) * (i * x)
///
/// Input [batch, inputSize], state and output h [batch, hiddenSize]. Where the two sizes differ, a product W·x stands
/// in the place of x in the last line. The state begins as zeros, biases as 0, Λ so that σ(Λ)^8 is evenly spread over
/// 0.9…0.999, as in the paper. Under the root at least 10⁻⁶ is taken, so that its derivative stays finite where nothing
/// decays. Checked against RGLRU of Google DeepMind's recurrentgemma, whose parameter is -Λ, whose gates are
/// block-diagonal, and which writes the first time step without the root.
///
///     let layer = Recurrent(RGLRU(inputSize: 8, hiddenSize: 8, using: &random))
public struct RGLRU: RecurrentCell {
  /// r before its σ, a layer on x.
  public let decayGate: Linear
  /// i before its σ, a layer on x.
  public let input: Linear
  /// Λ, [hiddenSize].
  public let decay: Parameter
  /// W, a layer on x without a bias; nil: input and hidden size are equal, and x is written itself.
  public let value: Linear?

  /// A new cell. Weights begin as Glorot's, or as the initialization says for the input.
  public init(
    inputSize: Int, hiddenSize: Int, initialization: CellInitialization = CellInitialization(),
    using random: inout RandomSource
  ) {
    func layer(bias: Bool) -> Linear {
      Linear(inputs: inputSize, outputs: hiddenSize, bias: bias, initializer: initialization.input, using: &random)
    }
    decayGate = layer(bias: true)
    input = layer(bias: true)
    let shares = random.uniform([hiddenSize], in: 0.9...0.999).values.map { pow(Double($0), 1 / 8.0) }
    decay = Parameter(Tensor(shares.map { Float(Foundation.log($0 / (1 - $0))) }))
    value = inputSize == hiddenSize ? nil : layer(bias: false)
  }

  /// Values of the hidden state.
  public var hiddenSize: Int { decay.shape.last }
  /// Values in a row of the input.
  public var inputSize: Int { input.inputSize }

  /// Zeros [batch, hiddenSize].
  public func initialState(batch: Int) -> Tensor { .zeros([batch, hiddenSize]) }

  /// The equations.
  public func step(_ x: Tensor, _ h: Tensor) -> (output: Tensor, state: Tensor) {
    let r = sigmoid(decayGate(x))
    let i = sigmoid(input(x))
    let a = exp(8 * log(sigmoid(decay.tensor)) * r)
    let scale = sqrt(maximum(1 - square(a), Tensor([1e-6])))
    let new = a * h + scale * (i * (value.map { $0(x) } ?? x))
    return (output: new, state: new)
  }
}
