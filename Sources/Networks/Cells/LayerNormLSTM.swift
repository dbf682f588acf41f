import Tensors

/// The LSTM with layer normalisation (Ba, Kiros & Hinton 2016, equations 20 to 22): what comes from the input, what
/// comes from the state, and the memory before it is shown are normalised, each by itself, the first two over all four
/// gates together.
///
///     (f, i, o, g) = N(V·x) + N(U·h) + b         gains of their own; the shifts are b
///     C' = σ(f) * C + σ(i) * tanh(g)
///     h' = σ(o) * tanh(N(C'))                    gain and shift
///
/// N is ``LayerNorm``. Input [batch, inputSize], state h and C [batch, hiddenSize], output h'. The state begins as
/// zeros, gains as 1, the forget gate's part of b as 1, the rest as 0. In this form, with two shifts in the place of b,
/// it is LayerNormLSTMCell of PyTorch's benchmarks.
///
///     let layer = Recurrent(LayerNormLSTM(inputSize: 3, hiddenSize: 8, using: &random))
public struct LayerNormLSTM: RecurrentCell {
  /// Hidden state and memory, as in an ``LSTM``.
  public typealias State = LSTM.State

  /// V, a layer on x without a bias that gives 4 · hiddenSize values: f, i, o and g one after the other.
  public let input: Linear
  /// U, the same on h.
  public let recurrent: Linear
  /// b, [4 · hiddenSize].
  public let bias: Parameter
  /// N of V·x.
  public let inputNorm: LayerNorm
  /// N of U·h.
  public let recurrentNorm: LayerNorm
  /// N of the memory.
  public let cellNorm: LayerNorm

  /// A new cell. The part of each gate in U begins orthogonal, in V Glorot's.
  public init(
    inputSize: Int, hiddenSize: Int, forgetBias: Float = 1, initialization: CellInitialization = CellInitialization(),
    using random: inout RandomSource
  ) {
    recurrent = Linear(
      gates: 4, inputs: hiddenSize, outputs: hiddenSize, initializer: initialization.recurrent, using: &random)
    input = Linear(gates: 4, inputs: inputSize, outputs: hiddenSize, initializer: initialization.input, using: &random)
    let forget = Tensor(shape: [hiddenSize], repeating: forgetBias)
    bias = Parameter(concatenated(forget, .zeros([3 * hiddenSize])))
    inputNorm = LayerNorm(size: 4 * hiddenSize, shift: false)
    recurrentNorm = LayerNorm(size: 4 * hiddenSize, shift: false)
    cellNorm = LayerNorm(size: hiddenSize)
  }

  /// Values of the hidden state.
  public var hiddenSize: Int { recurrent.inputSize }
  /// Values in a row of the input.
  public var inputSize: Int { input.inputSize }

  /// Zeros, [batch, hiddenSize] each.
  public func initialState(batch: Int) -> State {
    State(hidden: .zeros([batch, hiddenSize]), cell: .zeros([batch, hiddenSize]))
  }

  /// The equations.
  public func step(_ x: Tensor, _ previous: State) -> (output: Tensor, state: State) {
    let gates = inputNorm(input(x)) + recurrentNorm(recurrent(previous.hidden)) + bias.tensor
    func gate(_ number: Int) -> Tensor { gates.features(number * hiddenSize..<(number + 1) * hiddenSize) }
    let f = sigmoid(gate(0))
    let i = sigmoid(gate(1))
    let o = sigmoid(gate(2))
    let cell = f * previous.cell + i * tanh(gate(3))
    let hidden = o * tanh(cellNorm(cell))
    return (output: hidden, state: State(hidden: hidden, cell: cell))
  }
}
