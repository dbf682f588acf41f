import Tensors

/// The simple recurrent unit (Lei, Zhang, Wang, Dai & Artzi 2018, "Simple recurrent units for highly parallelizable
/// recurrence"): of the memory each gate sees its own unit alone, so all products run before the loop.
///
///     f  = σ(Wf·x + vf * C + bf)    what of the memory stays
///     r  = σ(Wr·x + vr * C + br)    how much of the memory is shown, and not the input itself
///     C' = f * C + (1 - f) * W·x
///     h' = r * C' + (1 - r) * x
///
/// Input [batch, inputSize], state C and output h' [batch, hiddenSize]. Where the two sizes differ, a product Ws·x
/// stands in the place of x in the last line. The state begins as zeros, and so do biases, vf and vr. The paper's
/// optional constant before the x of the last line is left out.
///
///     let layer = Recurrent(SRU(inputSize: 8, hiddenSize: 8, using: &random))
public struct SRU: RecurrentCell {
  /// The memory C, [batch, hiddenSize].
  public struct State: RecurrentState {
    /// C.
    public var cell: Tensor

    /// Creates a state.
    public init(cell: Tensor) { self.cell = cell }

    /// The cell.
    public static var parts: [WritableKeyPath<State, Tensor>] { [\.cell] }
  }

  /// f before its σ, without the memory's share: a layer on x.
  public let forget: Linear
  /// r before its σ, without the memory's share: a layer on x.
  public let reset: Linear
  /// What is written, a layer on x without a bias.
  public let candidate: Linear
  /// vf, [hiddenSize].
  public let forgetMemory: Parameter
  /// vr, [hiddenSize].
  public let resetMemory: Parameter
  /// Ws, a layer on x without a bias; nil: input and hidden size are equal, and x is shown itself.
  public let skip: Linear?

  /// A new cell. Weights begin as Glorot's, or as the initialization says for the input.
  public init(
    inputSize: Int, hiddenSize: Int, initialization: CellInitialization = CellInitialization(),
    using random: inout RandomSource
  ) {
    func layer(bias: Bool) -> Linear {
      Linear(
        inputs: inputSize, outputs: hiddenSize, bias: bias, initializer: initialization.input, using: &random)
    }
    forget = layer(bias: true)
    reset = layer(bias: true)
    candidate = layer(bias: false)
    forgetMemory = Parameter(.zeros([hiddenSize]))
    resetMemory = Parameter(.zeros([hiddenSize]))
    skip = inputSize == hiddenSize ? nil : layer(bias: false)
  }

  /// Values of the memory.
  public var hiddenSize: Int { forget.outputSize }
  /// Values in a row of the input.
  public var inputSize: Int { forget.inputSize }

  /// Zeros [batch, hiddenSize].
  public func initialState(batch: Int) -> State { State(cell: .zeros([batch, hiddenSize])) }

  /// The equations.
  public func step(_ x: Tensor, _ previous: State) -> (output: Tensor, state: State) {
    let f = sigmoid(forget(x) + forgetMemory.tensor * previous.cell)
    let r = sigmoid(reset(x) + resetMemory.tensor * previous.cell)
    let cell = f * previous.cell + (1 - f) * candidate(x)
    let hidden = r * cell + (1 - r) * (skip.map { $0(x) } ?? x)
    return (output: hidden, state: State(cell: cell))
  }
}
