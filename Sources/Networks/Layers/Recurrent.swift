import Recurrence
import Tensors

/// The direction in which a recurrent layer walks over time.
public enum Direction: String, Hashable, Sendable, Codable, CaseIterable {
  /// From each sequence's first time step to its last.
  case forward
  /// From each sequence's own last time step to its first; outputs stand at the time steps they belong to.
  case backward
}

/// A cell turned into a layer: the cell's step, unrolled over the time steps of each sequence, with the same weights at
/// each.
///
///     let layer = Recurrent(LSTM(inputSize: 3, hiddenSize: 8, using: &random))
///     let (output, state) = layer(batch)   // output: 8 features, the lengths of `batch`
///     state["cell"]                        // [batch, 8], after each sequence's own last step
///
/// Any ``RecurrentCell`` will do, and all run compiled.
public struct Recurrent<Cell: RecurrentCell>: SequenceLayer {
  /// The equations of one step.
  public let cell: Cell
  /// The direction.
  public let direction: Direction
  package let unroller: Unroller

  /// A layer of a cell.
  public init(_ cell: Cell, direction: Direction = .forward) {
    self.cell = cell
    self.direction = direction
    let template = Recording.$current.withValue(.none) { cell.initialState(batch: 1) }
    let step = StepFunction(inputWidths: [cell.inputSize], stateWidths: template.tensors.map(\.shape.last)) {
      inputs, states in
      let result = cell.step(inputs[0], template.replacing(states))
      return ([result.output], result.state.tensors)
    }
    unroller = Unroller(step)
  }

  /// Values in a time step of the input.
  public var inputSize: Int { cell.inputSize }
  /// Values in a time step of the output.
  public var outputSize: Int { cell.outputSize }

  /// The cell's initial state.
  public func initialState(batch: Int) -> LayerState { layerState(cell.initialState(batch: batch)) }

  /// Runs the cell over all time steps, from a state of the cell's own type. `checkpointing` says how much is kept for
  /// a gradient, `precision` how many bits the matrices have: 32 where a gradient is taken.
  public func callAsFunction(
    _ input: SequenceBatch, from state: Cell.State, unrolling: Unrolling = .compiled,
    checkpointing: Checkpointing = .none, precision: Precision = .float32
  ) -> (output: SequenceBatch, state: Cell.State) {
    let source = direction == .forward ? input : input.reversed()
    let result = unroller(
      [source.rows], states: state.tensors, layout: input.layout, unrolling, checkpointing: checkpointing,
      precision: precision)
    let output = input.replacingRows(with: result.outputs[0])
    return (direction == .forward ? output : output.reversed(), state.replacing(result.states))
  }

  /// Runs the cell over all time steps. Traps when the state's parts are not the cell's.
  public func callAsFunction(_ input: SequenceBatch, from state: LayerState, in evaluation: inout Evaluation) -> (
    output: SequenceBatch, state: LayerState
  ) {
    let template = cell.initialState(batch: 0)
    demand(
      state.parts.map(\.name) == template.names,
      "Recurrent: the state has parts \(state.parts.map(\.name)), the cell has \(template.names)")
    let result = self(
      input, from: template.replacing(state.parts.map(\.tensor)), unrolling: evaluation.unrolling,
      checkpointing: evaluation.checkpointing, precision: evaluation.precision)
    return (result.output, layerState(result.state))
  }

  private func layerState(_ state: Cell.State) -> LayerState {
    LayerState(parts: zip(state.names, state.tensors).map { LayerState.Part(name: $0, tensor: $1) })
  }
}

/// What can be looked at in a recurrent layer, whatever its cell: its step, compiled, and the names of things in it.
package protocol RecurrentLayer: SequenceLayer {
  associatedtype Cell: RecurrentCell
  /// The equations of one step.
  var cell: Cell { get }
  /// The cell's type, for people: `LSTM`.
  var cellName: String { get }
  var direction: Direction { get }
  var unroller: Unroller { get }
}

extension Recurrent: RecurrentLayer {
  package var cellName: String { String(String(describing: Cell.self).prefix { $0 != "<" }) }
}

extension Recurrent: StreamingLayer {
  package func stream(from state: LayerState, precision: Precision) -> any LayerStream {
    demand(direction == .forward, "Session: a backward layer needs the end of the sequence first")
    return unroller.stream(from: state.parts.map(\.tensor), precision: precision)
  }
}

extension RecurrentLayer {
  /// Names for pictures and equations: state parts, and parameters by their path in the cell.
  package var stepNames: StepNames {
    var paths: [ParameterReference: String] = [:]
    for named in parameters {
      paths[ParameterReference(named.parameter)] = String(named.path.trimmingPrefix("cell."))
    }
    return StepNames(states: initialState(batch: 0).parts.map(\.name), parameters: paths)
  }
}
