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
  private let step: StepFunction
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
  ///   - precision: of the matrices that products read. Other ones than `.float32` are for compiled inference: a gradient
  ///     that is being taken, and stepwise unrolling, stop with a message.
  /// - Returns: packed rows of each output, and each part of the state after each sequence's own last step. A sequence
  ///   of length 0 ends in the state it began with.
  package func callAsFunction(
    _ inputs: [Tensor], states: [Tensor], layout: Layout, _ unrolling: Unrolling = .compiled,
    precision: Precision = .float32
  ) -> (outputs: [Tensor], states: [Tensor]) {
    check(inputs, states, layout)
    switch unrolling.way {
    case .compiled(let passes): return compiled(plan(passes), inputs, states, layout, precision)
    case .stepwise:
      demand(precision == .float32, "recurrence: stepwise unrolling has float32 only, not \(precision)")
      return stepwise(inputs, states, layout)
    }
  }

  private func check(_ inputs: [Tensor], _ states: [Tensor], _ layout: Layout) {
    for (input, width) in zip(inputs, step.inputWidths) {
      demand(
        input.shape == [layout.rowCount, width],
        "recurrence: input rows \(input.shape) should be [\(layout.rowCount), \(width)]")
    }
    for (state, width) in zip(states, step.stateWidths) {
      demand(
        state.shape == [layout.batch, width],
        "recurrence: initial state \(state.shape) should be [\(layout.batch), \(width)]")
    }
  }

  // MARK: Compiled

  private func compiled(
    _ plan: Plan, _ inputs: [Tensor], _ states: [Tensor], _ layout: Layout, _ precision: Precision
  ) -> (outputs: [Tensor], states: [Tensor]) {
    let versions = plan.parameters.map(\.version)
    guard case .tape(let tape) = Recording.current else {
      let weights = plan.packed.tensors(versions: versions, compute: plan.weightTensors)
      let run = forward(plan, plan.inference, inputs, states, weights, versions, layout, precision)
      return (run.outputs, run.states)
    }
    demand(precision == .float32, "recurrence: a gradient needs float32; \(precision) is for inference")
    let weights = plan.weightTensors()
    plan.packed.remember(weights, versions: versions)
    let run = forward(plan, plan.training, inputs, states, weights.map(\.detached), versions, layout, .float32)
    let operation = RecurrenceOperation(
      plan: plan, layout: layout, weights: weights.map(\.detached), versions: versions, sequences: run.sequences,
      initial: run.initial, outputCount: run.outputs.count)
    let results = tape.record(operation, operands: inputs + states + weights, results: run.outputs + run.states)
    return (Array(results.prefix(run.outputs.count)), Array(results.dropFirst(run.outputs.count)))
  }

  private struct Forward {
    let outputs: [Tensor]
    let states: [Tensor]
    let sequences: [Storage]
    let initial: [Storage]
  }

  private func forward(
    _ plan: Plan, _ program: Program, _ inputs: [Tensor], _ states: [Tensor], _ weights: [Tensor], _ versions: [Int],
    _ layout: Layout, _ precision: Precision
  ) -> Forward {
    let initial = states.map(layout.inShardOrder)
    let sequences = program.sequences.indices.map { index in
      index < inputs.count ? inputs[index].storage : program.newBuffer(index, rows: layout.rowCount)
    }
    let run = ProgramRun(
      program: program, layout: layout, sequences: sequences, vectors: weights,
      matrices: plan.packed.matrices(program.packings, of: weights, versions: versions, precision: precision),
      start: initial, initial: initial, keptStates: program.newStates, isReversed: false)
    let finals = run.run()
    let outputs = program.outputs.map { address in
      Tensor(shape: [layout.rowCount, program.sequences[address.index].width], storage: sequences[address.index])
    }
    return Forward(
      outputs: outputs, states: zip(finals, program.stateWidths).map { layout.inCallerOrder($0, width: $1) },
      sequences: sequences, initial: initial)
  }

  // MARK: Stepwise

  private func stepwise(_ inputs: [Tensor], _ states: [Tensor], _ layout: Layout) -> (
    outputs: [Tensor], states: [Tensor]
  ) {
    let packed = layout.packedIndex
    var states = states
    var outputs: [[Tensor]] = []
    var places: [Int] = []
    for t in 0..<layout.time {
      let running = layout.lengths.indices.filter { layout.lengths[$0] > t }
      let rows = running.map { packed[t * layout.batch + $0] }
      let before = states.map { $0.gatheringRows(running.map(Int32.init)) }
      let result = step.body(inputs.map { $0.gatheringRows(rows.map(Int32.init)) }, before)
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
