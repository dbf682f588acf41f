import Tensors

/// Long short-term memory (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000):
///
///     f  = σ(Wf·[h, x] + bf)        what of the memory stays
///     i  = σ(Wi·[h, x] + bi)        what of the new is written
///     o  = σ(Wo·[h, x] + bo)        what is shown
///     C~ = tanh(Wc·[h, x] + bc)     the new
///     C' = f * C + i * C~
///     h' = o * tanh(C')
///
/// Input [batch, inputSize], state h and C [batch, hiddenSize], output h'. The state begins as zeros, the forget gate's
/// bias as 1 (Jozefowicz et al. 2015), the others as 0.
///
///     let layer = Recurrent(LSTM(inputSize: 3, hiddenSize: 8, using: &random))
public struct LSTM: RecurrentCell {
  /// Hidden state and memory, each [batch, hiddenSize].
  public struct State: RecurrentState {
    /// h, what the next layer sees.
    public var hidden: Tensor
    /// C, the memory.
    public var cell: Tensor

    /// Creates a state.
    public init(hidden: Tensor, cell: Tensor) {
      self.hidden = hidden
      self.cell = cell
    }

    /// Hidden, cell.
    public static var parts: [WritableKeyPath<State, Tensor>] { [\.hidden, \.cell] }
  }

  /// The gates and the candidate, each a layer on [h, x].
  public let forget: Linear
  /// The input gate.
  public let input: Linear
  /// The output gate.
  public let output: Linear
  /// C~ before its tanh.
  public let candidate: Linear

  /// A new cell. Recurrent columns begin orthogonal, the others Glorot's.
  public init(
    inputSize: Int, hiddenSize: Int, forgetBias: Float = 1, initialization: CellInitialization = CellInitialization(),
    using random: inout RandomSource
  ) {
    func gate(bias: Float) -> Linear {
      Linear(
        hidden: hiddenSize, input: inputSize, outputs: hiddenSize, bias: bias, initialization: initialization,
        using: &random)
    }
    forget = gate(bias: forgetBias)
    input = gate(bias: 0)
    output = gate(bias: 0)
    candidate = gate(bias: 0)
  }

  /// Values of the hidden state.
  public var hiddenSize: Int { forget.outputSize }
  /// Values in a row of the input.
  public var inputSize: Int { forget.inputSize - hiddenSize }

  /// Zeros, [batch, hiddenSize] each.
  public func initialState(batch: Int) -> State {
    State(hidden: .zeros([batch, hiddenSize]), cell: .zeros([batch, hiddenSize]))
  }

  /// The equations.
  public func step(_ x: Tensor, _ previous: State) -> (output: Tensor, state: State) {
    let hx = concatenated(previous.hidden, x)
    let f = sigmoid(forget(hx))
    let i = sigmoid(input(hx))
    let o = sigmoid(output(hx))
    let cell = f * previous.cell + i * tanh(candidate(hx))
    let hidden = o * tanh(cell)
    return (output: hidden, state: State(hidden: hidden, cell: cell))
  }
}
