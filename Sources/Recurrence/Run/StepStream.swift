import CKernels
import Tensors

/// One sequence held open: a compiled step with all its memory, run for one time step at a time. Everything is bound
/// and packed beforehand; a step allocates nothing.
package final class StepStream {
  private struct StateCopy {
    let source: UnsafePointer<Float>
    /// Where the next step looks for the state: as the row before the first, or as what is carried in.
    let previous, carried: UnsafeMutablePointer<Float>
    let count: Int
  }
  private let loaded: LoadedProgram
  private let run: ProgramRun
  private let memory: ShardMemory
  /// The instructions of a step in order; each thread has scratch of its own.
  private let work: UnsafeMutableBufferPointer<BoundProgram>
  private let team: StreamTeam?
  private var pace = StreamTeam.Pace()
  private let copies: [StateCopy]
  private let input: UnsafeMutablePointer<Float>
  private let output: UnsafePointer<Float>
  /// Values in a row of the input, of the output.
  package let inputWidth, outputWidth: Int

  private let contexts: [Tensor]

  /// A stream of an inference program with one input and one output, beginning with states [1, width], for a sequence
  /// with contexts [1, width].
  init(_ loaded: LoadedProgram, from states: [Tensor], contexts: [Tensor]) {
    let program = loaded.program
    let layout = Layout(time: 1, batch: 1)
    // A stream changes its states in place: each use gets a copy.
    let run = loaded.run(
      layout, loaded.buffers(rows: 1), from: states.map(layout.inShardOrder),
      initial: states.map(layout.inShardOrder), contexts: contexts.map(layout.inShardOrder))
    let memory = ShardMemory(run, layout.shards[0], rowsOfStretch: 1)
    self.loaded = loaded
    self.contexts = contexts
    self.run = run
    self.memory = memory
    team = StreamTeam(run)
    work = .allocate(capacity: team?.threads ?? 1)
    for i in work.indices { work.initializeElement(at: i, to: BoundProgram(run, memory)) }
    copies = program.newStates.enumerated().map { part, address in
      let source = memory.place(address).pointer(row: 0, previousRow: nil, isOdd: false)
      return StateCopy(
        source: UnsafePointer(source), previous: run.initial[part].floats, carried: memory.carried[part].even.floats,
        count: program.stateWidths[part])
    }
    input = run.sequences[0].floats
    inputWidth = program.sequences[0].width
    let address = program.outputs[0]
    output = UnsafePointer(run.sequences[address.index].floats + address.column)
    outputWidth = program.sequences[address.index].width
  }

  deinit {
    for program in work { program.deallocate() }
    work.deinitialize()
    work.deallocate()
    team?.deallocate()
  }

  /// Runs one time step on `inputWidth` values; returns the `outputWidth` values of the output, which stay until the
  /// next step.
  package func push(_ values: UnsafePointer<Float>) -> UnsafePointer<Float> {
    input.update(from: values, count: inputWidth)
    if let team {
      team.run(&pace, Unmanaged.passUnretained(self).toOpaque(), Self.runShare, alone: runAlone)
    } else {
      runAlone()
    }
    for copy in copies {
      copy.previous.update(from: copy.source, count: copy.count)
      copy.carried.update(from: copy.source, count: copy.count)
    }
    return output
  }

  private func runAlone() {
    let table = Kernels.active.table
    for instruction in work[0].all { instruction.run(table, count: 1, row: 0, previousRow: nil, isOdd: false) }
  }

  /// One member's share of a step of the stream at `stream`.
  private static let runShare: @convention(c) (UnsafeMutableRawPointer?, Int, Int) -> Void = { stream, index, count in
    let stream = Unmanaged<StepStream>.fromOpaque(stream!).takeUnretainedValue()
    guard let team = stream.team else { return }
    let table = Kernels.active.table
    let member = TeamMember(index: index, count: count)
    for (instruction, meets) in zip(stream.work[index].all, team.meets) {
      if meets { member.meet() }
      instruction.run(
        table, count: 1, row: 0, previousRow: nil, isOdd: false, member: member, units: team.units)
    }
  }

  /// Another stream with the same weights that goes on from here; neither affects the other.
  package func forked() -> StepStream { StepStream(loaded, from: states, contexts: contexts) }

  /// The parts of the state after the last step, each [1, width].
  package var states: [Tensor] {
    get {
      copies.map { copy in
        let storage = Storage(count: copy.count)
        storage.floats.update(from: copy.previous, count: copy.count)
        return Tensor(shape: [1, copy.count], storage: storage)
      }
    }
    set {
      for (copy, tensor) in zip(copies, newValue) {
        demand(
          tensor.shape == [1, copy.count], "a session's state of \(copy.count) values cannot become \(tensor.shape)")
        copy.previous.update(from: tensor.storage.floats, count: copy.count)
        copy.carried.update(from: tensor.storage.floats, count: copy.count)
      }
    }
  }
}
