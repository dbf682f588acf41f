import Tensors

/// A forward run that keeps little: segment by segment of time, through buffers for one segment, with the state before
/// each segment written down. See ``Checkpointing``.
struct CheckpointedRun {
  let outputs: [Tensor]
  let states: [Tensor]
  /// What the backward run needs.
  let operation: CheckpointedRecurrence

  init(
    _ plan: Plan, _ weights: WeightValues, _ arguments: StepFunction.Arguments, _ layout: Layout, segmentLength: Int
  ) {
    let inputs = arguments.inputs
    let contexts = arguments.contexts.map(layout.inShardOrder)
    let segments = stride(from: 0, to: layout.time, by: segmentLength).map {
      Segment(of: layout, steps: $0..<min(layout.time, $0 + segmentLength))
    }
    // Nothing is kept, so the program that keeps least will do.
    let inference = LoadedProgram(.inference, of: plan, weights)
    let buffers = inference.buffers(rows: segments[0].layout.rowCount)
    let outputs = inference.program.outputs.map { address in
      Tensor.uninitialized([layout.rowCount, inference.program.sequences[address.index].width])
    }
    var state = arguments.states.map(layout.inShardOrder)
    var checkpoints: [[Storage]] = []
    for segment in segments {
      checkpoints.append(state)
      for (input, buffer) in zip(inputs, buffers) { segment.read(input, into: buffer) }
      state = inference.run(segment.layout, buffers, from: state, initial: state, contexts: contexts).run()
      for (address, output) in zip(inference.program.outputs, outputs) {
        segment.write(buffers[address.index], into: output)
      }
    }
    self.outputs = outputs
    states = zip(state, inference.program.stateWidths).map { layout.inCallerOrder($0, width: $1) }
    operation = CheckpointedRecurrence(
      plan: plan, weights: weights, layout: layout, segments: segments, inputs: inputs.map(\.detached),
      checkpoints: checkpoints, contexts: contexts)
  }
}

/// A recurrence as one entry of a tape that remembers its inputs and the states between segments of time: from the last
/// segment to the first it runs forwards again from the state before the segment, then the adjoint back over it, with
/// the states' cotangents handed on. Operands: inputs, initial states, contexts, the weights' sources.
struct CheckpointedRecurrence: CompositeOperation {
  let plan: Plan
  let weights: WeightValues
  let layout: Layout
  let segments: [Segment]
  let inputs: [Tensor]
  /// For each segment the states before its first step, in shard order.
  let checkpoints: [[Storage]]
  /// In shard order.
  let contexts: [Storage]

  func cotangents(_ results: [Tensor?], needed: [Bool]) -> [Tensor?] {
    let chosen = plan.adjoint(needed: needed)
    let training = LoadedProgram(.training, of: plan, weights)
    let adjoint = LoadedProgram(.adjoint(chosen), of: plan, weights)
    let program = adjoint.program
    // No segment has more rows than the first: all run through the same memory.
    let saved = training.buffers(rows: segments[0].layout.rowCount)
    let buffers = adjointBuffers(adjoint, saved, results)
    let inputCotangents = chosen.inputCotangents.map { output in
      output.map { Tensor.uninitialized([layout.rowCount, program.sequences[program.outputs[$0].index].width]) }
    }
    var weightCotangents = WeightCotangents(plan.weights)
    var carried = chosen.start(results, layout)
    for (segment, state) in zip(segments, checkpoints).reversed() {
      for (input, buffer) in zip(inputs, saved) { segment.read(input, into: buffer) }
      _ = training.run(segment.layout, saved, from: state, initial: state, contexts: contexts).run()
      for (output, address) in program.outputCotangents {
        if let cotangent = results[output] { segment.read(cotangent, into: buffers[address.index]) }
      }
      let run = adjoint.run(segment.layout, buffers, from: carried, initial: state, contexts: contexts)
      carried = run.run()
      weightCotangents.add(run, sources: weights.sources)
      for (output, cotangent) in zip(chosen.inputCotangents, inputCotangents) {
        guard let output, let cotangent else { continue }
        segment.write(buffers[program.outputs[output].index], into: cotangent)
      }
    }
    return inputCotangents + chosen.perSequence(carried, layout) + weightCotangents.sums
  }

  /// What the forward run saved, and buffers of the adjoint's own; zeros for outputs that nothing depends on.
  private func adjointBuffers(_ adjoint: LoadedProgram, _ saved: [Storage], _ results: [Tensor?]) -> [Storage] {
    let rows = segments[0].layout.rowCount
    var given = Dictionary(uniqueKeysWithValues: saved.enumerated().map { ($0, $1) })
    for (output, address) in adjoint.program.outputCotangents where results[output] == nil {
      given[address.index] = Storage(count: rows * adjoint.program.sequences[address.index].stride, repeating: 0)
    }
    return adjoint.buffers(rows: rows, given: given)
  }
}

extension Tensor {
  /// A tensor to be filled through its storage by whoever made it.
  fileprivate static func uninitialized(_ shape: Shape) -> Tensor {
    Tensor(shape: shape, storage: Storage(count: shape.count))
  }
}
