import Synchronization
import Tensors

/// The way in which a recurrence is run over time. All ways give the same outputs, states and gradients.
public struct Unrolling: Hashable, Sendable {
  enum Way: Hashable {
    case compiled(PassSet)
    case stepwise
  }
  let way: Way

  /// The step is traced once, what needs no state leaves the loop, the rest runs fused, row by row of the batch on all
  /// threads.
  public static let compiled = Unrolling(way: .compiled(.all))
  /// Plain steps, one by one: slow, obvious, and good for finding faults. Every value can be looked at inside a step.
  public static let stepwise = Unrolling(way: .stepwise)
  /// Compiled with some of the passes only.
  package static func compiled(_ passes: PassSet) -> Unrolling { Unrolling(way: .compiled(passes)) }
}

/// Runs a step over the time steps of a batch of sequences.
package final class Unroller: Sendable {
  package let step: StepFunction
  private let plans = Mutex<[PassSet: Plan]>([:])

  package init(_ step: StepFunction) { self.step = step }

  /// The compiled step; made at the first use.
  package func plan(_ passes: PassSet = .all) -> Plan {
    plans.withLock { plans in
      if let plan = plans[passes] { return plan }
      let plan = Recording.$current.withValue(.none) { Plan(step, passes: passes) }
      plans[passes] = plan
      return plan
    }
  }

  /// Runs all time steps.
  ///
  /// - Parameters:
  ///   - inputs: packed rows [rows, width] of each input.
  ///   - states: each part of the state before the first step, [batch, width], in the order of the layout's lengths.
  ///   - contexts: each context, [batch, width], in the same order.
  ///   - given: the tensors that are the same for all rows.
  ///   - checkpointing: what is kept for the gradient; plain steps always keep everything.
  ///   - precision: of the matrices that products read. Other ones than `.float32` are for compiled inference: a
  ///     gradient that is being taken, and stepwise unrolling, stop with a message.
  /// - Returns: packed rows of each output, and each part of the state after each sequence's own last step. A sequence
  ///   of length 0 ends in the state it began with.
  package func callAsFunction(
    _ inputs: [Tensor], states: [Tensor], contexts: [Tensor] = [], given: [Tensor] = [], layout: Layout,
    _ unrolling: Unrolling = .compiled, checkpointing: Checkpointing = .none, precision: Precision = .float32
  ) -> (outputs: [Tensor], states: [Tensor]) {
    let arguments = StepFunction.Arguments(inputs: inputs, states: states, contexts: contexts, given: given)
    check(arguments, layout)
    if case .tape(let tape) = Recording.current, let look = tape.check {
      look.know(packed: layout.paddedIndex.map { .init(step: $0 / layout.batch, sequence: $0 % layout.batch) })
      return stepwise(arguments, layout)
    }
    switch unrolling.way {
    case .compiled(let passes): return compiled(plan(passes), arguments, layout, checkpointing, precision)
    case .stepwise:
      demand(precision == .float32, "recurrence: stepwise unrolling has float32 only, not \(precision)")
      return stepwise(arguments, layout)
    }
  }

  private func check(_ arguments: StepFunction.Arguments, _ layout: Layout) {
    for (input, width) in zip(arguments.inputs, step.inputWidths) {
      demand(
        input.shape == [layout.rowCount, width],
        "recurrence: input rows \(input.shape) should be [\(layout.rowCount), \(width)]")
    }
    for (state, width) in zip(arguments.states, step.stateWidths) {
      demand(
        state.shape == [layout.batch, width],
        "recurrence: initial state \(state.shape) should be [\(layout.batch), \(width)]")
    }
    let contexts = arguments.contexts.map(\.shape)
    let expected = step.contexts.map { [layout.batch, $0.width] as Shape }
    demand(contexts == expected, "recurrence: contexts \(contexts) should be \(expected)")
    let given = arguments.given.map(\.shape)
    demand(given == step.givenShapes, "recurrence: given tensors \(given) should be \(step.givenShapes)")
  }

  // MARK: Compiled

  private func compiled(
    _ plan: Plan, _ arguments: StepFunction.Arguments, _ layout: Layout, _ checkpointing: Checkpointing,
    _ precision: Precision
  ) -> StepFunction.Results {
    let (sources, values) = plan.weightSources(given: arguments.given)
    guard case .tape(let tape) = Recording.current else {
      let run = WholeRun(
        LoadedProgram(.inference, of: plan, values, precision: precision), arguments, layout)
      return (run.outputs, run.states)
    }
    demand(precision == .float32, "recurrence: a gradient needs float32; \(precision) is for inference")
    let operation: any CompositeOperation
    let results: [Tensor]
    if let length = checkpointing.segmentLength(time: layout.time) {
      let run = CheckpointedRun(plan, values, arguments, layout, segmentLength: length)
      operation = run.operation
      results = run.outputs + run.states
    } else {
      let run = WholeRun(LoadedProgram(.training, of: plan, values), arguments, layout)
      operation = RecurrenceOperation(plan: plan, layout: layout, weights: values, forward: run)
      results = run.outputs + run.states
    }
    let operands = arguments.inputs + arguments.states + arguments.contexts + sources
    let recorded = tape.record(operation, operands: operands, results: results)
    let outputCount = plan.training.outputs.count
    return (Array(recorded.prefix(outputCount)), Array(recorded.dropFirst(outputCount)))
  }

  // MARK: Streaming

  /// Holds one sequence open, beginning with states [1, width], with contexts [1, width]. It keeps the weights that the
  /// parameters have now, its matrices rounded to `precision`.
  package func stream(from states: [Tensor], contexts: [Tensor] = [], precision: Precision) -> StepStream {
    let plan = plan()
    let program = LoadedProgram(.inference, of: plan, plan.weightSources().values, precision: precision)
    return StepStream(program, from: states, contexts: contexts)
  }

  // MARK: Stepwise

  private func stepwise(_ arguments: StepFunction.Arguments, _ layout: Layout) -> StepFunction.Results {
    let packed = layout.packedIndex
    let checked: (tape: Tape, check: FiniteCheck)? =
      if case .tape(let tape) = Recording.current, let check = tape.check { (tape, check) } else { nil }
    defer { checked.map { $0.check.leave(on: $0.tape) } }
    var states = arguments.states
    var outputs: [[Tensor]] = []
    var places: [Int] = []
    for t in 0..<layout.time {
      let running = layout.lengths.indices.filter { layout.lengths[$0] > t }
      let rows = running.map { packed[t * layout.batch + $0] }
      checked.map { $0.check.enter(step: t, sequences: running, on: $0.tape) }
      func own(_ tensor: Tensor) -> Tensor { tensor.gatheringRows(running.map(Int32.init)) }
      let result = step.body(
        StepFunction.Arguments(
          inputs: arguments.inputs.map { $0.gatheringRows(rows.map(Int32.init)) }, states: states.map(own),
          contexts: arguments.contexts.map(own), given: arguments.given))
      outputs.append(result.outputs.map { Self.rows($0, running.count) })
      places += rows
      states = zip(states, result.states).map { old, new in
        Self.replacing(running, of: old, with: Self.rows(new, running.count))
      }
    }
    // Row `places[i]` of the packed rows is the i-th row that was computed.
    var order = [Int32](repeating: 0, count: places.count)
    for (i, place) in places.enumerated() { order[place] = Int32(i) }
    guard let first = outputs.first else { return (emptyOutputs(), states) }
    let joined = first.indices.map { output in
      Tensor.apply(.concatenate(.rows), outputs.map { $0[output] }).gatheringRows(order)
    }
    return (joined, states)
  }

  /// A step's result that has no row for each sequence is the same for all of them.
  private static func rows(_ tensor: Tensor, _ count: Int) -> Tensor {
    let shape: Shape = [count, tensor.shape.last]
    return tensor.shape == shape ? tensor : .zeros(shape) + tensor
  }

  private static func replacing(_ places: [Int], of old: Tensor, with new: Tensor) -> Tensor {
    var source = old.shape.extents.first.map { (0..<$0).map { Int32(places.count + $0) } } ?? []
    for (i, place) in places.enumerated() { source[place] = Int32(i) }
    return Tensor.apply(.concatenate(.rows), [new, old]).gatheringRows(source)
  }

  private func emptyOutputs() -> [Tensor] {
    let graph = plan([]).history[0].graph
    return graph.outputs.map { .zeros([0, graph.nodes[$0].width]) }
  }
}
