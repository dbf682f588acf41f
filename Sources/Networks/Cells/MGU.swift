import Tensors

/// The minimal gated unit (Zhou, Wu, Zhang & Zhou 2016, "Minimal gated unit for recurrent neural networks"): a GRU
/// whose one gate both resets and updates.
///
///     f  = σ(Wf·[h, x] + bf)        how much is new, and what of the past the candidate sees
///     h~ = tanh(W·[f * h, x] + b)
///     h' = (1 - f) * h + f * h~
///
/// Input [batch, inputSize], state and output h [batch, hiddenSize]. The state begins as zeros, and so do the biases.
///
///     let layer = Recurrent(MGU(inputSize: 3, hiddenSize: 8, using: &random))
public struct MGU: RecurrentCell {
  /// f before its σ, a layer on [h, x].
  public let forget: Linear
  /// h~ before its tanh, a layer on [f * h, x].
  public let candidate: Linear

  /// A new cell. Recurrent columns begin orthogonal, the others Glorot's, biases as 0.
  public init(
    inputSize: Int, hiddenSize: Int, initialization: CellInitialization = CellInitialization(),
    using random: inout RandomSource
  ) {
    func layer() -> Linear {
      Linear(
        hidden: hiddenSize, input: inputSize, outputs: hiddenSize, initialization: initialization, using: &random)
    }
    forget = layer()
    candidate = layer()
  }

  /// Values of the hidden state.
  public var hiddenSize: Int { forget.outputSize }
  /// Values in a row of the input.
  public var inputSize: Int { forget.inputSize - hiddenSize }

  /// Zeros [batch, hiddenSize].
  public func initialState(batch: Int) -> Tensor { .zeros([batch, hiddenSize]) }

  /// The equations.
  public func step(_ x: Tensor, _ h: Tensor) -> (output: Tensor, state: Tensor) {
    let f = sigmoid(forget(concatenated(h, x)))
    let new = (1 - f) * h + f * tanh(candidate(concatenated(f * h, x)))
    return (output: new, state: new)
  }
}
