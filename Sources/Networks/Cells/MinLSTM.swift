import Tensors

/// The minimal LSTM (Feng, Tung, Ahmed, Bengio & Hajimirsadeghi 2024, "Were RNNs all we needed?"), its equations as
/// they stand there for a step, without logarithms: gates and candidate see the input alone, so that the step is linear
/// in the state and all products run before the loop.
///
///     f  = σ(Wf·x + bf)             what of the past stays
///     i  = σ(Wi·x + bi)             what of the new is written
///     h~ = W·x + b
///     h' = f / (f + i) * h + i / (f + i) * h~
///
/// Input [batch, inputSize], state and output h [batch, hiddenSize]. The state begins as zeros, the forget gate's bias
/// as 1 (the paper: a larger one remembers longer from the beginning, and trains faster), the others as 0.
///
///     let layer = Recurrent(MinLSTM(inputSize: 3, hiddenSize: 8, using: &random))
public struct MinLSTM: RecurrentCell {
  /// f before its σ, a layer on x.
  public let forget: Linear
  /// i before its σ, a layer on x.
  public let input: Linear
  /// h~, a layer on x.
  public let candidate: Linear

  /// A new cell. Weights begin as Glorot's, or as the initialization says for the input.
  public init(
    inputSize: Int, hiddenSize: Int, forgetBias: Float = 1, initialization: CellInitialization = CellInitialization(),
    using random: inout RandomSource
  ) {
    func layer(bias: Float) -> Linear {
      Linear(
        hidden: 0, input: inputSize, outputs: hiddenSize, bias: bias, initialization: initialization, using: &random)
    }
    forget = layer(bias: forgetBias)
    input = layer(bias: 0)
    candidate = layer(bias: 0)
  }

  /// Values of the hidden state.
  public var hiddenSize: Int { forget.outputSize }
  /// Values in a row of the input.
  public var inputSize: Int { forget.inputSize }

  /// Zeros [batch, hiddenSize].
  public func initialState(batch: Int) -> Tensor { .zeros([batch, hiddenSize]) }

  /// The equations.
  public func step(_ x: Tensor, _ h: Tensor) -> (output: Tensor, state: Tensor) {
    let f = sigmoid(forget(x))
    let i = sigmoid(input(x))
    let new = f / (f + i) * h + i / (f + i) * candidate(x)
    return (output: new, state: new)
  }
}
