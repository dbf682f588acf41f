import Tensors

/// A cell whose output is a further input at the next time step (Jordan 1986, around any cell):
///
///     y' = V·f([x, y], state) + c      or without V and c: y' = f([x, y], state)
///
/// The inner cell takes the input and, behind it, the output before, which begins as zeros. So a network runs freely
/// over time and is trained that way: a forecast reads its own forecast of the step before, through a `readout` to what
/// is forecast. Where the inner cell takes the output and nothing else, the input has size 0: a sequence is its length
/// alone, `SequenceBatch(lengths: [8, 3])`, and begins with a state (``Bridge``, ``LearnedState``).
///
///     let forecast = Linear(inputs: 32, outputs: 1, using: &random)
///     let cell = OutputFeedback(LSTM(inputSize: 3 + 1, hiddenSize: 32, using: &random), readout: forecast)
///     Recurrent(cell)   // 3 values to 1 a time step, whose own output of the step before is the fourth input
///
/// The state's parts are the inner cell's, then `output` [batch, outputSize].
public struct OutputFeedback<Cell: RecurrentCell>: RecurrentCell {
  /// The inner cell's state and the last output.
  public struct State: RecurrentState, CustomReflectable {
    /// What the inner cell carries.
    public var cell: Cell.State
    /// y, [batch, outputSize].
    public var output: Tensor

    /// Creates a state.
    public init(cell: Cell.State, output: Tensor) {
      self.cell = cell
      self.output = output
    }

    /// The inner cell's parts, output.
    public static var parts: [WritableKeyPath<State, Tensor>] {
      let cell: WritableKeyPath<State, Cell.State> = \.cell
      return Cell.State.parts.map { cell.appending(path: $0) } + [\.output]
    }

    /// Shows the parts under their names.
    public var customMirror: Mirror {
      Mirror(self, children: zip(cell.names + ["output"], cell.tensors + [output]).map { ($0, $1) })
    }
  }

  /// The inner cell, which takes [x, y].
  public let cell: Cell
  /// From the inner cell's output to y; nil: they are the same.
  public let readout: Linear?
  /// Values in a row of the output.
  public let outputSize: Int

  /// A cell around another one. Traps when the readout does not fit, the inner cell has no place for the output in
  /// [x, y], or has a part of its state named `output` itself.
  public init(_ cell: Cell, readout: Linear? = nil) {
    let own = cell.outputSize
    outputSize = readout?.outputSize ?? own
    demand(
      readout == nil || readout?.inputSize == own,
      "OutputFeedback: the cell gives \(own) values, the readout takes \(readout?.inputSize ?? 0)")
    demand(
      cell.inputSize >= outputSize,
      "OutputFeedback: a cell that takes \(cell.inputSize) values has no place for an output of \(outputSize) in [x, y]"
    )
    let names = Recording.$current.withValue(.none) { cell.initialState(batch: 1) }.names
    demand(!names.contains("output"), "OutputFeedback: the cell's own state has a part `output`, of \(names)")
    self.cell = cell
    self.readout = readout
  }

  /// Values in a row of the input, x.
  public var inputSize: Int { cell.inputSize - outputSize }

  /// The inner cell's initial state, and zeros [batch, outputSize].
  public func initialState(batch: Int) -> State {
    State(cell: cell.initialState(batch: batch), output: .zeros([batch, outputSize]))
  }

  /// The equations.
  public func step(_ x: Tensor, _ previous: State) -> (output: Tensor, state: State) {
    let result = cell.step(inputSize == 0 ? previous.output : concatenated(x, previous.output), previous.cell)
    let output = readout.map { $0(result.output) } ?? result.output
    return (output: output, state: State(cell: result.state, output: output))
  }
}
