import Synchronization
import Tensors

/// Listens to the recurrences that run in the current task while a gradient is taken: what flows back through their
/// time steps, and what their gates do.
///
///     let watch = RecurrenceWatch(names: paths)
///     let (loss, gradients) = valueAndGradient(of: model, watching: watch) { … }
///     watch.observations[0].stateGradients   // ∂L/∂h, ∂L/∂C, packed rows
///
/// It changes no bit of the loss and its gradients. A recurrence that is watched for the first time is compiled once
/// more.
package final class RecurrenceWatch: Sendable {
  @TaskLocal package static var current: RecurrenceWatch?

  /// The paths of parameters in the network.
  let names: [ParameterReference: String]
  /// Whether it asks for what flows back from one state to the one before: ``RecurrenceObservation/flowGradients``.
  let followsFlow: Bool
  private let found = Mutex<[RecurrenceObservation]>([])

  package init(names: [ParameterReference: String], followsFlow: Bool = false) {
    self.names = names
    self.followsFlow = followsFlow
  }

  /// What was seen, one recurrence after the other in the order of their runs.
  package var observations: [RecurrenceObservation] { found.withLock { $0 } }

  func add(_ observation: RecurrenceObservation) { found.withLock { $0.append(observation) } }

  /// Takes the probes' cotangents from a tape that was walked back.
  package func take(_ cotangents: [Tensor?], of tape: Tape) {
    found.withLock { observations in
      for i in observations.indices {
        let all = observations[i].probes.map { probe in
          tape.index(of: probe).flatMap { cotangents[$0] } ?? .zeros(probe.shape)
        }
        let parts = observations[i].parts.count
        observations[i].stateGradients = Array(all.prefix(parts))
        observations[i].flowGradients = Array(all.dropFirst(parts))
      }
    }
  }
}

/// One run of a recurrence, seen from inside.
package struct RecurrenceObservation: Sendable {
  /// The values of a gate, [rows, width], and its function.
  package struct Gate: Sendable {
    package let name: String
    package let function: Pointwise
    package let values: Tensor

    package init(name: String, function: Pointwise, values: Tensor) {
      self.name = name
      self.function = function
      self.values = values
    }
  }
  /// A matrix [width, width] that a part of the state is multiplied with.
  package struct RecurrentWeight: Sendable {
    package let name: String
    package let matrix: Tensor
  }

  /// The longest path that all parameters of the recurrence begin with.
  package let path: String
  /// Names of the state's parts.
  package let parts: [String]
  package let layout: Layout
  /// The state's parts after each time step, packed rows.
  package let states: [Tensor]
  package let gates: [Gate]
  package let recurrentWeights: [RecurrentWeight]
  /// The derivative of the loss with respect to the state's parts after each time step, packed rows; empty until the
  /// tape was walked back.
  package var stateGradients: [Tensor] = []
  /// The derivative of the loss with respect to the whole state after each time step, by its parts, packed rows: where
  /// one part is computed from another, without that. Empty unless the watch follows the flow.
  package var flowGradients: [Tensor] = []

  let probes: [Tensor]
  let step: WatchedStep
  let arguments: StepFunction.Arguments

  init(
    _ step: WatchedStep, parts: [String], path: String, arguments: StepFunction.Arguments, probes: [Tensor],
    outputs: [Tensor], layout: Layout
  ) {
    self.step = step
    self.parts = parts
    self.path = path
    self.layout = layout
    self.probes = probes
    self.arguments = StepFunction.Arguments(
      inputs: arguments.inputs.map(\.detached), states: arguments.states.map(\.detached),
      contexts: arguments.contexts.map(\.detached), given: arguments.given.map(\.detached))
    states = step.parts.map { outputs[$0].detached }
    gates = step.gates.map { Gate(name: $0.name, function: $0.function, values: outputs[$0.output].detached) }
    recurrentWeights = step.recurrentWeights.map {
      RecurrentWeight(
        name: $0.name,
        matrix: $0.columns.count == $0.parameter.shape.last
          ? $0.parameter.value : $0.parameter.value.features($0.columns))
    }
  }

  /// How a random direction of the last state's gradient grows or shrinks on its way back: for each of the longest
  /// sequences, at most `limit`, the norm at each time step, first to last, over all parts of the state.
  ///
  /// It is the product of the steps' Jacobians, transposed, with a vector: ‖J₁ᵀ⋯Jₜᵀ·r‖. The logarithm's slope is an
  /// estimate of the largest Lyapunov exponent.
  package func pulledBackNorms(limit: Int, using random: inout RandomSource) -> [[Double]] {
    let chosen = Array(
      layout.lengths.indices.sorted { (-layout.lengths[$0], $0) < (-layout.lengths[$1], $1) }
        .prefix(limit).filter { layout.lengths[$0] > 1 })
    guard !chosen.isEmpty else { return [] }
    let part = Layout(lengths: chosen.map { layout.lengths[$0] })
    let packed = layout.packedIndex
    let rows = part.paddedIndex.map { place in
      Int32(packed[place / part.batch * layout.batch + chosen[place % part.batch]])
    }
    func own(_ tensor: Tensor) -> Tensor { tensor.gatheringRows(chosen.map(Int32.init)) }
    let tape = Tape()
    var seeds: [(Tensor, Tensor)] = []
    var probes: [Tensor] = []
    Recording.$current.withValue(.tape(tape)) {
      probes = step.probeWidths.map { tape.watch(.zeros([part.rowCount, $0])) }
      let result = step.unroller(
        arguments.inputs.map { $0.gatheringRows(rows) } + probes
          + step.flowWidths.map { .zeros([part.rowCount, $0]) }, states: arguments.states.map(own),
        contexts: arguments.contexts.map(own), given: arguments.given, layout: part)
      seeds = result.states.map { ($0, random.normal($0.shape)) }
    }
    let cotangents = tape.cotangents(from: seeds)
    var squares = chosen.map { [Double](repeating: 0, count: layout.lengths[$0]) }
    for probe in probes {
      guard let gradient = tape.index(of: probe).flatMap({ cotangents[$0] }) else { continue }
      for (row, place) in part.paddedIndex.enumerated() {
        squares[place % part.batch][place / part.batch] += gradient.squaredNorm(ofRow: row)
      }
    }
    return squares.map { $0.map { $0.squareRoot() } }
  }
}

extension Tensor {
  /// Σx² over a row of a matrix.
  package func squaredNorm(ofRow row: Int) -> Double {
    let width = shape.last
    let values = storage.buffer[row * width..<(row + 1) * width]
    return values.reduce(0.0) { $0 + Double($1) * Double($1) }
  }
}

extension RegularizedRecurrence {
  /// The step with noise, run so that `watch` sees its inside.
  func watched(
    by watch: RecurrenceWatch, _ arguments: StepFunction.Arguments, tape: Tape, layout: Layout, _ unrolling: Unrolling,
    checkpointing: Checkpointing
  ) -> StepFunction.Results {
    let step = watchedStep(watch)
    let probes = (step.probeWidths + step.flowWidths).map { tape.watch(.zeros([layout.rowCount, $0])) }
    let result = step.unroller(
      arguments.inputs + probes, states: arguments.states, contexts: arguments.contexts, given: arguments.given,
      layout: layout, unrolling, checkpointing: checkpointing)
    watch.add(
      RecurrenceObservation(
        step, parts: parts, path: commonPath(step.parameters.compactMap { watch.names[$0] }), arguments: arguments,
        probes: probes, outputs: result.outputs, layout: layout))
    return (Array(result.outputs.prefix(step.outputCount)), result.states)
  }
}

/// The components that all paths begin with; of a single path, all but the parameter's own name.
private func commonPath(_ paths: [String]) -> String {
  let split = paths.map { $0.split(separator: ".").dropLast() }
  guard var common = split.first else { return "" }
  for path in split { common = common.prefix(zip(common, path).prefix { $0 == $1 }.count) }
  return common.joined(separator: ".")
}
