import Tensors

/// The network of Jordan ("Serial order: a parallel distributed processing approach", 1986; 1997): what comes back is
/// the output, and not the hidden layer.
///
///     h  = σ(W·[y, x] + b)
///     y' = σ(V·h + c)
///
/// Input [batch, inputSize], hidden layer h [batch, hiddenSize], state and output y [batch, outputSize]. The state
/// begins as zeros, and so do the biases. Jordan's plan is a part of the input that stays the same over time; his state
/// units, which also keep a share of themselves, are left out, as is usual.
///
///     let layer = Recurrent(Jordan(inputSize: 3, hiddenSize: 8, outputSize: 2, using: &random))
public struct Jordan: RecurrentCell {
  /// The context units, [batch, outputSize].
  public struct State: RecurrentState {
    /// y, the last output.
    public var context: Tensor

    /// Creates a state.
    public init(context: Tensor) { self.context = context }

    /// The context.
    public static var parts: [WritableKeyPath<State, Tensor>] { [\.context] }
  }

  /// From [y, x] to the hidden layer.
  public let hidden: Linear
  /// From the hidden layer to the output.
  public let output: Linear
  /// The hidden layer's function; σ by default.
  public let activation: Activation
  /// The output's function; σ by default.
  public let outputActivation: Activation

  /// A new cell. `outputSize` nil: as many values as the hidden layer has. The columns of W for y begin orthogonal, the
  /// others Glorot's.
  public init(
    inputSize: Int, hiddenSize: Int, outputSize: Int? = nil, activation: Activation = .sigmoid,
    outputActivation: Activation = .sigmoid, initialization: CellInitialization = CellInitialization(),
    using random: inout RandomSource
  ) {
    let outputs = outputSize ?? hiddenSize
    hidden = Linear(
      hidden: outputs, input: inputSize, outputs: hiddenSize, initialization: initialization, using: &random)
    output = Linear(inputs: hiddenSize, outputs: outputs, using: &random)
    self.activation = activation
    self.outputActivation = outputActivation
  }

  /// Values of the hidden layer.
  public var hiddenSize: Int { hidden.outputSize }
  /// Values in a row of the input.
  public var inputSize: Int { hidden.inputSize - outputSize }
  /// Values of the output, which is the state.
  public var outputSize: Int { output.outputSize }

  /// Zeros [batch, outputSize].
  public func initialState(batch: Int) -> State { State(context: .zeros([batch, outputSize])) }

  /// The equations.
  public func step(_ x: Tensor, _ previous: State) -> (output: Tensor, state: State) {
    let h = activation(hidden(concatenated(previous.context, x)))
    let y = outputActivation(output(h))
    return (output: y, state: State(context: y))
  }
}
