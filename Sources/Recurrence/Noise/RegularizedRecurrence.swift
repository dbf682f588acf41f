import Synchronization
import Tensors

/// The rates of the noise inside a step; 0: none of a kind.
package struct StepNoise: Hashable, Sendable {
  /// For each part of the state.
  package var zoneout: [Float]
  package var recurrentDropout: Float
  /// A time step or a sequence.
  package var recurrentSpan: Mask.Span
  package var stateDropout: Float
  package var dropConnect: Float

  package init(
    zoneout: [Float], recurrentDropout: Float, recurrentSpan: Mask.Span, stateDropout: Float, dropConnect: Float
  ) {
    self.zoneout = zoneout
    self.recurrentDropout = recurrentDropout
    self.recurrentSpan = recurrentSpan
    self.stateDropout = stateDropout
    self.dropConnect = dropConnect
  }
}

/// A step with noise, unrolled: any step, as the noise is written into the graph of its equations, once.
///
/// A rewritten graph is a step again: its body runs the nodes one by one, with symbols, so that it is compiled like any
/// other, or with values. Masks are inputs of that step, contexts or given tensors, drawn before each run; so segments
/// of a checkpointed run see the same ones forwards and backwards.
package final class RegularizedRecurrence: Sendable {
  /// Without noise: zoneout's expectation in place of its draws, everything else as it is.
  package let inference: Unroller
  private let training: Unroller
  private let masks: MaskLeaves?
  /// Names of the state's parts.
  let parts: [String]
  /// The step with noise whose inside can be seen, with the flow of gradients and without; made when it is looked at
  /// for the first time.
  private let watchedSteps = Mutex<[Bool: WatchedStep]>([:])

  /// A step as it is. `parts` are the names of the state's parts.
  package init(plain unroller: Unroller, parts: [String]) {
    inference = unroller
    training = unroller
    masks = nil
    self.parts = parts
  }

  /// - Parameters:
  ///   - step: the equations without noise.
  ///   - parts: the names of the state's parts.
  ///   - norms: makes gain and shift of each normalised product; nil: no product is normalised.
  package init(
    _ step: StepFunction, parts: [String], noise: StepNoise,
    norms: ((NormalizedProduct) -> (gain: Parameter, shift: Parameter))? = nil
  ) {
    let (inference, training, masks) = Recording.$current.withValue(.none) {
      var graph = step.traced()
      if let norms { graph = graph.normalizingProducts(norms) }
      let expected = graph.zonedOut(noise.zoneout) { part, old, new in
        noise.zoneout[part] * old + (1 - noise.zoneout[part]) * new
      }
      var masks = MaskLeaves(step)
      if noise.recurrentDropout > 0 {
        graph = graph.droppingUpdates(noise.recurrentDropout, noise.recurrentSpan, &masks)
      }
      if noise.stateDropout > 0 { graph = graph.droppingStates(noise.stateDropout, &masks) }
      if noise.dropConnect > 0 { graph = graph.droppingConnections(noise.dropConnect, &masks) }
      graph = graph.zonedOut(noise.zoneout) { part, old, new in
        let isNew = masks.leaf(Mask(.step, [new.shape.last], rate: noise.zoneout[part], keepsMean: false), beside: new)
        return isNew * new + (1 - isNew) * old
      }
      return (expected, graph, masks)
    }
    self.inference = Unroller(StepFunction(running: inference, like: step))
    self.training = Unroller(StepFunction(running: training, like: step, masks))
    self.masks = masks
    self.parts = parts
  }

  func watchedStep(_ watch: RecurrenceWatch) -> WatchedStep {
    watchedSteps.withLock { steps in
      if let known = steps[watch.followsFlow] { return known }
      let made = WatchedStep(
        training.step, names: StepNames(states: parts, parameters: watch.names), followsFlow: watch.followsFlow)
      steps[watch.followsFlow] = made
      return made
    }
  }

  /// Runs all time steps, as an ``Unroller`` does: with noise from `random`, or without.
  package func callAsFunction(
    _ inputs: [Tensor], states: [Tensor], contexts: [Tensor] = [], layout: Layout, _ unrolling: Unrolling,
    checkpointing: Checkpointing, precision: Precision, random: inout RandomSource?
  ) -> (outputs: [Tensor], states: [Tensor]) {
    var arguments = StepFunction.Arguments(inputs: inputs, states: states, contexts: contexts)
    var unroller = inference
    if let masks, var source = random {
      func draw(_ span: Mask.Span) -> [Tensor] { masks[span].map { $0.draw(for: layout, using: &source) } }
      // Those of time steps last: the same source gives the others alike, however long a chunk is.
      arguments.contexts += draw(.sequence)
      arguments.given = draw(.run)
      arguments.inputs += draw(.step)
      random = source
      unroller = training
    }
    if let watch = RecurrenceWatch.current, unroller === training, case .tape(let tape) = Recording.current {
      return watched(
        by: watch, arguments, tape: tape, layout: layout, unrolling, checkpointing: checkpointing)
    }
    return unroller(
      arguments.inputs, states: arguments.states, contexts: arguments.contexts, given: arguments.given, layout: layout,
      unrolling, checkpointing: checkpointing, precision: precision)
  }
}

extension StepFunction {
  /// A step whose equations are a graph, with the masks that were written into it.
  fileprivate init(running graph: StepGraph, like step: StepFunction, _ masks: MaskLeaves? = nil) {
    func widths(_ span: Mask.Span) -> [Int] { masks?[span].map(\.shape.last) ?? [] }
    self.init(
      inputWidths: step.inputWidths + widths(.step), stateWidths: step.stateWidths,
      contexts: step.contexts + widths(.sequence).map { Context(width: $0, hasGradient: false) },
      noiseCount: widths(.step).count, givenShapes: masks?[.run].map(\.shape) ?? [], body: graph.results)
  }
}

extension StepGraph {
  /// Runs the graph for a batch of rows, node by node, with values or with symbols.
  @Sendable func results(_ arguments: StepFunction.Arguments) -> StepFunction.Results {
    let tensors = values(arguments)
    return (outputs.map { tensors[$0] }, states.map { tensors[$0] })
  }

  /// What each node becomes.
  func values(_ arguments: StepFunction.Arguments) -> [Tensor] {
    let batch = (arguments.inputs + arguments.states).first?.shape[0] ?? 1
    var tensors: [Tensor] = []
    for (i, node) in nodes.enumerated() {
      switch node.source {
      case .leaf(.input(let index)): tensors.append(arguments.inputs[index])
      case .leaf(.state(let index)): tensors.append(arguments.states[index])
      case .leaf(.context(let index)): tensors.append(arguments.contexts[index])
      case .leaf(.given(let index)): tensors.append(arguments.given[index])
      case .leaf(.parameter(let reference)): tensors.append(reference.parameter.tensor)
      case .leaf(.constant(let index)): tensors.append(constants[index])
      case .leaf(let leaf): mistake("a step's equations have \(leaf.name)")
      case .operation(let operation, let operands):
        tensors.append(
          Tensor.apply(hasRows[i] ? operation.with(rows: batch) : operation, operands.map { tensors[$0] }))
      }
    }
    return tensors
  }
}

extension Operation {
  /// The operation that a graph has for one row, for so many.
  fileprivate func with(rows: Int) -> Operation {
    switch self {
    case .reduce(let shape): .reduce(to: shape.replacing(axis: 0, with: rows))
    case .broadcast(let shape): .broadcast(to: shape.replacing(axis: 0, with: rows))
    case .reshape(let shape): .reshape(shape.replacing(axis: 0, with: rows))
    default: self
    }
  }
}
