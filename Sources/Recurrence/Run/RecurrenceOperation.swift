import Tensors

/// A whole recurrence as one entry of a tape: remembers what the forward run saved, and runs the adjoint program back
/// through time.
struct RecurrenceOperation: CompositeOperation {
  let plan: Plan
  let layout: Layout
  /// Operands: inputs, initial states, weights. The weights' values are those of the forward run.
  let weights: [Tensor]
  let versions: [Int]
  /// The forward run's sequence buffers and initial states in shard order.
  let sequences: [Storage]
  let initial: [Storage]
  let outputCount: Int

  func cotangents(_ results: [Tensor?]) -> [Tensor?] {
    let program = plan.adjoint
    let finals = plan.training.stateWidths.indices.map { part in
      layout.inShardOrder(
        results[outputCount + part] ?? .zeros([layout.batch, plan.training.stateWidths[part]]))
    }
    let run = ProgramRun(
      program: program, layout: layout, sequences: buffers(results), vectors: weights,
      matrices: plan.packed.matrices(program.packings, of: weights, versions: versions, precision: .float32),
      start: finals,
      initial: initial, keptStates: plan.training.newStates, isReversed: true)
    let initials = zip(run.run(), program.stateWidths).map { layout.inCallerOrder($0, width: $1) }
    var weightCotangents = [Tensor?](repeating: nil, count: weights.count)
    run.reduce(into: &weightCotangents)
    let inputs = plan.inputCotangents.map { output in
      output.map { index -> Tensor in
        let address = program.outputs[index]
        let width = program.sequences[address.index].width
        return Tensor(shape: [layout.rowCount, width], storage: run.sequences[address.index])
      }
    }
    return inputs + initials + weightCotangents
  }

  private func buffers(_ results: [Tensor?]) -> [Storage] {
    let program = plan.adjoint
    var buffers = sequences
    for index in program.inheritedSequences..<program.sequences.count {
      buffers.append(program.newBuffer(index, rows: layout.rowCount))
    }
    for (output, address) in program.outputCotangents {
      let width = program.sequences[address.index].width
      buffers[address.index] = (results[output] ?? .zeros([layout.rowCount, width])).storage
    }
    return buffers
  }
}

extension Program {
  /// Memory for a sequence buffer.
  func newBuffer(_ index: Int, rows: Int) -> Storage {
    let count = rows * sequences[index].stride
    return zeroed.contains(index) ? Storage(count: count, repeating: 0) : Storage(count: count)
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
