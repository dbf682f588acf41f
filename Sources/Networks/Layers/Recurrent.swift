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
/// Any ``RecurrentCell`` will do, and all run compiled, with ``Regularization`` too.
public struct Recurrent<Cell: RecurrentCell>: SequenceLayer {
  /// The equations of one step.
  public let cell: Cell
  /// The direction.
  public let direction: Direction
  /// Noise and normalisation.
  public let regularization: Regularization
  /// What layer normalisation has learnt; empty without it.
  public let norms: ProductNorms
  /// The cell's own equations.
  package let unroller: Unroller
  private let recurrence: RegularizedRecurrence

  /// A layer of a cell. Traps when a rate is outside 0..<1, or is for a part that the cell's state does not have.
  public init(_ cell: Cell, direction: Direction = .forward, regularization: Regularization = .none) {
    self.cell = cell
    self.direction = direction
    self.regularization = regularization
    let template = Recording.$current.withValue(.none) { cell.initialState(batch: 1) }
    if let fault = regularization.fault(parts: template.names) { mistake("Recurrent: \(fault.message)") }
    let step = StepFunction(inputWidths: [cell.inputSize], stateWidths: template.tensors.map(\.shape.last)) {
      inputs, states in
      let result = cell.step(inputs[0], template.replacing(states))
      return ([result.output], result.state.tensors)
    }
    unroller = Unroller(step)
    var norms = ProductNorms()
    recurrence = regularization.recurrence(of: step, plain: unroller, parts: template.names) {
      norms.append($0, of: cell)
    }
    self.norms = norms
  }

  /// The layer's cell with other noise and normalisation; its weights are shared.
  public func regularized(by regularization: Regularization) -> Recurrent {
    Recurrent(cell, direction: direction, regularization: regularization)
  }

  /// Values in a time step of the input.
  public var inputSize: Int { cell.inputSize }
  /// Values in a time step of the output.
  public var outputSize: Int { cell.outputSize }

  /// The cell's initial state.
  public func initialState(batch: Int) -> LayerState { layerState(cell.initialState(batch: batch)) }

  /// Runs the cell over all time steps, from a state of the cell's own type, without noise. `checkpointing` says how
  /// much is kept for a gradient, `precision` how many bits the matrices have: 32 where a gradient is taken.
  public func callAsFunction(
    _ input: SequenceBatch, from state: Cell.State, unrolling: Unrolling = .compiled,
    checkpointing: Checkpointing = .none, precision: Precision = .float32
  ) -> (output: SequenceBatch, state: Cell.State) {
    var evaluation = Evaluation(unrolling: unrolling, checkpointing: checkpointing, precision: precision)
    let result = run(input, from: state.tensors, in: &evaluation)
    return (result.output, state.replacing(result.states))
  }

  /// Runs the cell over all time steps. Traps when the state's parts are not the cell's.
  public func callAsFunction(_ input: SequenceBatch, from state: LayerState, in evaluation: inout Evaluation) -> (
    output: SequenceBatch, state: LayerState
  ) {
    let template = cell.initialState(batch: 0)
    demand(
      state.parts.map(\.name) == template.names,
      "Recurrent: the state has parts \(state.parts.map(\.name)), the cell has \(template.names)")
    let result = run(input, from: state.parts.map(\.tensor), in: &evaluation)
    return (result.output, layerState(template.replacing(result.states)))
  }

  private func run(_ input: SequenceBatch, from states: [Tensor], in evaluation: inout Evaluation) -> (
    output: SequenceBatch, states: [Tensor]
  ) {
    var source = input.dropped(regularization.inputDropout, in: &evaluation)
    if direction == .backward { source = source.reversed() }
    let result = recurrence(
      [source.rows], states: states, layout: input.layout, evaluation.unrolling,
      checkpointing: evaluation.checkpointing, precision: evaluation.precision, random: &evaluation.random)
    let output = input.replacingRows(with: result.outputs[0])
    let ordered = direction == .forward ? output : output.reversed()
    return (ordered.dropped(regularization.outputDropout, in: &evaluation), result.states)
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
    return recurrence.inference.stream(from: state.parts.map(\.tensor), precision: precision)
  }
}

extension RecurrentLayer {
  /// The layer with other noise and normalisation, of a type that nobody needs to know.
  package func withRegularization(_ regularization: Regularization) -> any SequenceLayer {
    Recurrent(cell, direction: direction, regularization: regularization)
  }

  /// Names for pictures and equations: state parts, and parameters by their path in the cell.
  package var stepNames: StepNames {
    var paths: [ParameterReference: String] = [:]
    for named in parameters {
      paths[ParameterReference(named.parameter)] = String(named.path.trimmingPrefix("cell."))
    }
    return StepNames(states: initialState(batch: 0).parts.map(\.name), parameters: paths)
  }
}
