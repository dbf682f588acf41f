import Tensors

/// The quasi-recurrent network with fo-pooling (Bradbury, Merity, Xiong & Socher 2016, "Quasi-recurrent neural
/// networks"): gates and candidate see the input alone, so that the step is linear in the state and all products run
/// before the loop.
///
///     z  = tanh(Wz·x + bz)          the new
///     f  = σ(Wf·x + bf)             what of the memory stays
///     o  = σ(Wo·x + bo)             what is shown
///     C' = f * C + (1 - f) * z
///     h' = o * C'
///
/// Input [batch, inputSize], state C and output h' [batch, hiddenSize]. The state begins as zeros, and so do the
/// biases. The paper's convolution over the last time steps is a ``Window`` before the cell:
///
///     Stack([
///       Window(inputSize: 3, steps: 2),                                          // each step with the one before it
///       Recurrent(QRNN(inputSize: 6, hiddenSize: 8, using: &random)),
///     ])
public struct QRNN: RecurrentCell {
  /// The memory, as in an ``SRU``.
  public typealias State = SRU.State

  /// f before its σ, a layer on x.
  public let forget: Linear
  /// o before its σ, a layer on x.
  public let output: Linear
  /// z before its tanh, a layer on x.
  public let candidate: Linear

  /// A new cell. Weights begin as Glorot's, or as the initialization says for the input.
  public init(
    inputSize: Int, hiddenSize: Int, initialization: CellInitialization = CellInitialization(),
    using random: inout RandomSource
  ) {
    func layer() -> Linear {
      Linear(inputs: inputSize, outputs: hiddenSize, initializer: initialization.input, using: &random)
    }
    forget = layer()
    output = layer()
    candidate = layer()
  }

  /// Values of the memory.
  public var hiddenSize: Int { forget.outputSize }
  /// Values in a row of the input.
  public var inputSize: Int { forget.inputSize }

  /// Zeros [batch, hiddenSize].
  public func initialState(batch: Int) -> State { State(cell: .zeros([batch, hiddenSize])) }

  /// The equations.
  public func step(_ x: Tensor, _ previous: State) -> (output: Tensor, state: State) {
    let f = sigmoid(forget(x))
    let cell = f * previous.cell + (1 - f) * tanh(candidate(x))
    let hidden = sigmoid(output(x)) * cell
    return (output: hidden, state: State(cell: cell))
  }
}
