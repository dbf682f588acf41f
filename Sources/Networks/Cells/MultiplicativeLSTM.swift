import Tensors

/// The multiplicative LSTM (Krause, Lu, Murray & Renals 2016, "Multiplicative LSTM for sequence modelling"): an LSTM
/// whose gates see m instead of h, where each input chooses a recurrent matrix of its own, Um·diag(Vm·x)·Wm.
///
///     m  = (Wm·h) * (Vm·x)
///     f  = σ(Wf·[m, x] + bf)
///     i  = σ(Wi·[m, x] + bi)
///     o  = σ(Wo·[m, x] + bo)
///     C~ = tanh(Wc·[m, x] + bc)
///     C' = f * C + i * C~
///     h' = o * tanh(C')
///
/// Input [batch, inputSize], state h and C and all else [batch, hiddenSize], output h'. The state begins as zeros, the
/// forget gate's bias as 1, the others as 0.
///
///     let layer = Recurrent(MultiplicativeLSTM(inputSize: 3, hiddenSize: 8, using: &random))
public struct MultiplicativeLSTM: RecurrentCell {
  /// Hidden state and memory, as in an ``LSTM``.
  public typealias State = LSTM.State

  /// The first factor of m, a layer on h without a bias.
  public let recurrentFactor: Linear
  /// The second factor of m, a layer on x without a bias.
  public let inputFactor: Linear
  /// The gates and the candidate, each a layer on [m, x].
  public let forget: Linear
  /// The input gate.
  public let input: Linear
  /// The output gate.
  public let output: Linear
  /// C~ before its tanh.
  public let candidate: Linear

  /// A new cell. Columns for h and m begin orthogonal, the others Glorot's.
  public init(
    inputSize: Int, hiddenSize: Int, forgetBias: Float = 1, initialization: CellInitialization = CellInitialization(),
    using random: inout RandomSource
  ) {
    func layer(hidden: Int, input: Int, bias: Float?) -> Linear {
      Linear(
        hidden: hidden, input: input, outputs: hiddenSize, bias: bias, initialization: initialization, using: &random)
    }
    recurrentFactor = layer(hidden: hiddenSize, input: 0, bias: nil)
    inputFactor = layer(hidden: 0, input: inputSize, bias: nil)
    forget = layer(hidden: hiddenSize, input: inputSize, bias: forgetBias)
    input = layer(hidden: hiddenSize, input: inputSize, bias: 0)
    output = layer(hidden: hiddenSize, input: inputSize, bias: 0)
    candidate = layer(hidden: hiddenSize, input: inputSize, bias: 0)
  }

  /// Values of the hidden state.
  public var hiddenSize: Int { recurrentFactor.inputSize }
  /// Values in a row of the input.
  public var inputSize: Int { inputFactor.inputSize }

  /// Zeros, [batch, hiddenSize] each.
  public func initialState(batch: Int) -> State {
    State(hidden: .zeros([batch, hiddenSize]), cell: .zeros([batch, hiddenSize]))
  }

  /// The equations.
  public func step(_ x: Tensor, _ previous: State) -> (output: Tensor, state: State) {
    let m = recurrentFactor(previous.hidden) * inputFactor(x)
    let mx = concatenated(m, x)
    let f = sigmoid(forget(mx))
    let i = sigmoid(input(mx))
    let o = sigmoid(output(mx))
    let cell = f * previous.cell + i * tanh(candidate(mx))
    let hidden = o * tanh(cell)
    return (output: hidden, state: State(hidden: hidden, cell: cell))
  }
}
