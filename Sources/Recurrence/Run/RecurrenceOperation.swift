import Tensors

/// A forward run over all time steps at once, with everything that it wrote.
struct WholeRun {
  let outputs: [Tensor]
  let states: [Tensor]
  /// The sequence buffers; the initial states and the contexts in shard order.
  let sequences: [Storage]
  let initial, contexts: [Storage]

  init(_ loaded: LoadedProgram, _ arguments: StepFunction.Arguments, _ layout: Layout) {
    let inputs = arguments.inputs
    initial = arguments.states.map(layout.inShardOrder)
    contexts = arguments.contexts.map(layout.inShardOrder)
    let given = Dictionary(uniqueKeysWithValues: inputs.map(\.storage).enumerated().map { ($0, $1) })
    let sequences = loaded.buffers(rows: layout.rowCount, given: given)
    let finals = loaded.run(layout, sequences, from: initial, initial: initial, contexts: contexts).run()
    outputs = loaded.program.outputs.map { loaded.program.tensor($0, sequences, rows: layout.rowCount) }
    states = zip(finals, loaded.program.stateWidths).map { layout.inCallerOrder($0, width: $1) }
    self.sequences = sequences
  }
}

/// A whole recurrence as one entry of a tape: remembers what the forward run saved, and runs the adjoint program back
/// through time. Operands: inputs, initial states, contexts, the weights' sources.
struct RecurrenceOperation: CompositeOperation {
  let plan: Plan
  let layout: Layout
  /// The weights' values are those of the forward run.
  let weights: WeightValues
  let forward: WholeRun

  func cotangents(_ results: [Tensor?], needed: [Bool]) -> [Tensor?] {
    let chosen = plan.adjoint(needed: needed)
    let adjoint = LoadedProgram(.adjoint(chosen), of: plan, weights)
    var given = Dictionary(uniqueKeysWithValues: forward.sequences.enumerated().map { ($0, $1) })
    for (output, address) in adjoint.program.outputCotangents {
      let width = adjoint.program.sequences[address.index].width
      given[address.index] = (results[output] ?? .zeros([layout.rowCount, width])).storage
    }
    let run = adjoint.run(
      layout, adjoint.buffers(rows: layout.rowCount, given: given), from: chosen.start(results, layout),
      initial: forward.initial, contexts: forward.contexts)
    let perSequence = chosen.perSequence(run.run(), layout)
    var weightCotangents = WeightCotangents(plan.weights)
    weightCotangents.add(run, sources: weights.sources)
    let inputs = chosen.inputCotangents.map { output in
      output.map { adjoint.program.tensor(adjoint.program.outputs[$0], run.sequences, rows: layout.rowCount) }
    }
    return inputs + perSequence + weightCotangents.sums
  }
}

extension Plan {
  /// The adjoint that computes what is needed of a recurrence's operands, the inputs being the first.
  func adjoint(needed: [Bool]) -> AdjointProgram {
    needed.prefix(adjoint.inputCotangents.count).contains(true) ? adjoint : adjointWithoutInputs
  }
}

extension AdjointProgram {
  /// Where the carried cotangents start, in shard order: those of the states after the last step, which are the last of
  /// the results, and zeros for the contexts.
  func start(_ results: [Tensor?], _ layout: Layout) -> [Storage] {
    let contexts = contextCotangents.compactMap { $0 }.count
    let widths = program.stateWidths
    let states = widths.count - contexts
    return (results.suffix(states) + Array(repeating: nil, count: contexts)).enumerated().map { part, cotangent in
      layout.inShardOrder(cotangent ?? .zeros([layout.batch, widths[part]]))
    }
  }

  /// The cotangents of the initial states and of the contexts, from what was carried to the first step.
  func perSequence(_ carried: [Storage], _ layout: Layout) -> [Tensor?] {
    let contexts = contextCotangents.compactMap { $0 }.count
    func tensor(_ part: Int) -> Tensor { layout.inCallerOrder(carried[part], width: program.stateWidths[part]) }
    return (0..<carried.count - contexts).map(tensor) + contextCotangents.map { $0.map(tensor) }
  }
}

extension Program {
  /// A dense sequence buffer as a tensor.
  fileprivate func tensor(_ address: Address, _ buffers: [Storage], rows: Int) -> Tensor {
    Tensor(shape: [rows, sequences[address.index].width], storage: buffers[address.index])
  }
}

extension Layout {
  /// Rows [batch, width] of the caller, in the order in which the shards hold the sequences.
  func inShardOrder(_ rows: Tensor) -> Storage {
    rows.detached.gatheringRows(order.map(Int32.init)).storage
  }

  /// The inverse: rows in shard order as a tensor [batch, width] in the caller's order.
  func inCallerOrder(_ rows: Storage, width: Int) -> Tensor {
    Tensor(shape: [batch, width], storage: rows)
      .applying(.scatter(Indices(order.map(Int32.init)), rows: batch))
  }
}
