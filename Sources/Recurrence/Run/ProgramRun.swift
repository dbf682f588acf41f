import CKernels
import Tensors

/// One run of a program over a batch: shards on threads, each from the first time step to the last (or back), with no
/// synchronisation in between.
struct ProgramRun: @unchecked Sendable {
  // Sendable: shards write disjoint rows of the sequence buffers.
  let program: Program
  let layout: Layout
  /// The sequence buffers, by index.
  let sequences: [Storage]
  let vectors: [Int: Tensor]
  let matrices: [PackedMatrix]
  /// The states that carried buffers start from, in shard order, [batch, width].
  let start: [Storage]
  /// The states before the first step of the forward run, in shard order, and where the later ones stand.
  let initial: [Storage]
  /// The contexts, in shard order, [batch, width].
  let contexts: [Storage]
  let keptStates: [Address]
  let isReversed: Bool

  /// Rows that the work outside the loop takes at a time, so that what one instruction wrote is still near for the
  /// next.
  private static let block = 256
  /// Floats of a stretch's widest buffer: a quarter of a second cache of 1 MB.
  private static let stretch = 1 << 16

  /// Runs everything but the reductions; returns the states at the end, in shard order.
  func run() -> [Storage] {
    let results = program.stateWidths.map { Storage(count: layout.batch * $0) }
    if layout.shards.count == 1, isWorthATeam {
      runAsTeam(layout.shards[0], results)
    } else if layout.shards.count < Threads.count, isWorthSharing {
      for shard in layout.shards { runShared(shard, results) }
    } else {
      parallel(layout.shards.count) { run(layout.shards[$0], results) }
    }
    return results
  }

  private func run(_ shard: Layout.Shard, _ results: [Storage]) {
    let stretches = stretches(of: shard)
    let memory = ShardMemory(self, shard, rowsOfStretch: stretches.map { rows(of: $0, shard).count }.max() ?? 0)
    let work = BoundProgram(self, memory)
    for steps in stretches {
      memory.beginStretch(at: rows(of: steps, shard).lowerBound)
      runWholeSequence(work.before, shard, steps)
      runLoop(work.loop, shard, steps)
      runWholeSequence(work.after, shard, steps)
    }
    collectStates(memory, results)
    work.deallocate()
  }

  /// The time steps in the order in which they run, in stretches short enough that what is computed before the loop is
  /// still in the core's cache when the loop reads it, and what the loop computes when it is read after it.
  private func stretches(of shard: Layout.Shard) -> [Range<Int>] {
    let time = shard.active.count
    guard !program.before.isEmpty || !program.after.isEmpty else { return time > 0 ? [0..<time] : [] }
    let own = program.sequences.dropFirst(program.inheritedSequences) + program.stretches
    let most = max(64, Self.stretch / max(1, own.map(\.stride).max() ?? 1))
    var stretches: [Range<Int>] = []
    var first = 0
    while first < time {
      var (end, count) = (first, 0)
      while end < time, count < most {
        count += shard.active[isReversed ? time - 1 - end : end]
        end += 1
      }
      stretches.append(first..<end)
      first = end
    }
    return stretches
  }

  /// The packed rows of some steps, not none, counted from the shard's first.
  private func rows(of steps: Range<Int>, _ shard: Layout.Shard) -> Range<Int> {
    let time = shard.active.count
    let inTime = isReversed ? time - steps.upperBound..<time - steps.lowerBound : steps
    return shard.offsets[inTime.lowerBound]..<shard.offsets[inTime.upperBound - 1] + shard.active[inTime.upperBound - 1]
  }

  /// One sequence leaves the other threads nothing to do, unless they share its work: the weights' columns inside the
  /// loop, so that each share stays in its core's own cache from step to step, and the rows outside it.
  private func runAsTeam(_ shard: Layout.Shard, _ results: [Storage]) {
    let memory = ShardMemory(self, shard, rowsOfStretch: layout.rowCount)
    let teamWork = TeamWork(program.teamSchedule, weights: recurrentWeights, steps: layout.time)
    let all = 0..<shard.active.count
    team { member in
      let work = BoundProgram(self, memory)
      runWholeSequence(work.before, shard, all, member)
      member.meet()
      let isComplete = runLoop(work.loop, shard, member, teamWork)
      if isComplete || member.index == 0 { runWholeSequence(work.after, shard, all, isComplete ? member : nil) }
      work.deallocate()
    }
    collectStates(memory, results)
  }

  /// Where no product stands in the loop, its units know nothing of each other: each thread runs some of them, and some
  /// of the rows outside the loop, stretch by stretch. So it matters little how few sequences there are.
  private func runShared(_ shard: Layout.Shard, _ results: [Storage]) {
    let stretches = stretches(of: shard)
    let memory = ShardMemory(self, shard, rowsOfStretch: stretches.map { rows(of: $0, shard).count }.max() ?? 0)
    let count = Threads.count
    let members = (0..<count).map { (member: TeamMember(index: $0, count: count), work: BoundProgram(self, memory)) }
    for steps in stretches {
      memory.beginStretch(at: rows(of: steps, shard).lowerBound)
      parallel(members.count) { runWholeSequence(members[$0].work.before, shard, steps, members[$0].member) }
      parallel(members.count) { runLoop(members[$0].work.loop, shard, steps, members[$0].member) }
      parallel(members.count) { runWholeSequence(members[$0].work.after, shard, steps, members[$0].member) }
    }
    collectStates(memory, results)
    for member in members { member.work.deallocate() }
  }

  /// Whether a shard's work can be shared out so, and is long enough to wake threads for: some fifty microseconds.
  private var isWorthSharing: Bool {
    guard Threads.count > 1, program.teamSchedule.isApart else { return false }
    // In multiply-adds.
    let work = (program.before + program.loop + program.after).reduce(0) { sum, instruction in
      switch instruction {
      case .product(_, let packed, _, _, _): sum + matrices[packed].storage.count
      case .pointwise(let code, _, let width): sum + 8 * code.count * width
      case .rows(_, _, _, _, let width), .scan(_, _, _, _, _, let width): sum + 8 * width
      case .matrices(_, _, _, _, _, let p, let q): sum + p * q
      }
    }
    return layout.rowCount * work > 1 << 22
  }

  private var isWorthATeam: Bool {
    Threads.count > 1 && layout.time > 1 && TeamWork.isWorthwhile(weights: recurrentWeights)
  }

  /// Floats of the matrices that each step multiplies with.
  private var recurrentWeights: Int {
    program.loop.reduce(0) { sum, instruction in
      guard case .product(_, let packed, _, _, _) = instruction else { return sum }
      return sum + matrices[packed].storage.count
    }
  }

  /// Runs the loop over some steps, all of it or a member's units. In a reversed run step 0 is the last one in time.
  private func runLoop(
    _ loop: UnsafeBufferPointer<BoundInstruction>, _ shard: Layout.Shard, _ steps: Range<Int>,
    _ member: TeamMember? = nil
  ) {
    if program.isScan {
      runScans(loop, shard, steps, member)
    } else {
      runSteps(loop, shard, steps, member)
    }
  }

  /// Runs instructions time step by time step.
  private func runSteps(
    _ loop: UnsafeBufferPointer<BoundInstruction>, _ shard: Layout.Shard, _ steps: Range<Int>,
    _ member: TeamMember? = nil
  ) {
    let table = Kernels.active.table
    let units = member == nil ? nil : program.teamSchedule.units
    for step in steps {
      let place = place(of: step, shard)
      for instruction in loop {
        instruction.run(
          table, count: place.count, row: place.row, previousRow: place.previousRow, isOdd: step % 2 == 1,
          member: member, units: units)
      }
    }
  }

  /// Runs a loop of scans: all steps at once between which no sequence begins or ends.
  private func runScans(
    _ loop: UnsafeBufferPointer<BoundInstruction>, _ shard: Layout.Shard, _ steps: Range<Int>, _ member: TeamMember?
  ) {
    let table = Kernels.active.table
    var step = steps.lowerBound
    while step < steps.upperBound {
      let (count, row, _) = place(of: step, shard)
      var end = step + 1
      while end < steps.upperBound, place(of: end, shard).count == count { end += 1 }
      for instruction in loop {
        instruction.scan(
          table, steps: end - step, count: count, row: row, isReversed: isReversed, member: member,
          units: program.teamSchedule.units)
      }
      step = end
    }
  }

  private func place(of step: Int, _ shard: Layout.Shard) -> (count: Int, row: Int, previousRow: Int?) {
    let t = isReversed ? shard.active.count - 1 - step : step
    return (shard.active[t], shard.offsets[t], t == 0 ? nil : shard.offsets[t - 1])
  }

  /// Runs a member's share of all time steps; returns whether it was in the team to the end.
  private func runLoop(
    _ loop: UnsafeBufferPointer<BoundInstruction>, _ shard: Layout.Shard, _ member: TeamMember, _ teamWork: TeamWork
  ) -> Bool {
    let table = Kernels.active.table
    let schedule = teamWork.schedule
    for step in shard.active.indices {
      if member.index == 0 { teamWork.watch(step: step) }
      if teamWork.trial.contains(step) {
        if step == teamWork.trial.lowerBound { member.meet() }
        if member.index == 0 { runLoop(loop, shard, step..<step + 1) }
        continue
      }
      if step == teamWork.trial.upperBound { member.meet() }
      let place = place(of: step, shard)
      for (instruction, meets) in zip(loop, schedule.meets) {
        if meets { member.meet() }
        instruction.run(
          table, count: place.count, row: place.row, previousRow: place.previousRow, isOdd: step % 2 == 1,
          member: member, units: schedule.units)
      }
      guard teamWork.isOver(after: step) else { continue }
      member.meet()
      if member.index == 0 { runLoop(loop, shard, step + 1..<shard.active.count) }
      return false
    }
    member.meet()
    return true
  }

  /// Instructions that need no order in time, over blocks of packed rows; step by step where one needs it.
  private func runWholeSequence(
    _ instructions: UnsafeBufferPointer<BoundInstruction>, _ shard: Layout.Shard, _ steps: Range<Int>,
    _ member: TeamMember? = nil
  ) {
    guard !instructions.isEmpty, !steps.isEmpty else { return }
    if instructions.contains(where: \.needsSteps) {
      // Few cells have such instructions; a member of a team leaves them to the first.
      if member?.index ?? 0 == 0 { runSteps(instructions, shard, steps) }
      return
    }
    let table = Kernels.active.table
    let readsPrevious = instructions.contains(where: \.readsPrevious)
    let spans = readsPrevious ? spans(of: steps, shard) : [(rows: rows(of: steps, shard), past: nil)]
    for (rows, past) in spans {
      // The rows before the first step stand elsewhere, and go with all of its rows.
      let isWhole = readsPrevious && past == nil
      let share = member?.share(of: rows.count, multiple: isWhole ? rows.count : table.pointee.tile) ?? 0..<rows.count
      let own = rows.lowerBound + share.lowerBound..<rows.lowerBound + share.upperBound
      let block = isWhole ? rows.count : Self.block
      for first in stride(from: own.lowerBound, to: own.upperBound, by: block) {
        let count = min(block, own.upperBound - first)
        for instruction in instructions {
          instruction.run(table, count: count, row: first, previousRow: past.map { first - $0 }, isOdd: false)
        }
      }
    }
  }

  /// The packed rows of some steps in pieces whose rows of the step before are all equally far away, `past` rows; nil
  /// at the first step.
  private func spans(of steps: Range<Int>, _ shard: Layout.Shard) -> [(rows: Range<Int>, past: Int?)] {
    var spans: [(rows: Range<Int>, past: Int?)] = []
    for t in isReversed ? shard.active.count - steps.upperBound..<shard.active.count - steps.lowerBound : steps {
      let rows = shard.offsets[t]..<shard.offsets[t] + shard.active[t]
      let past = t == 0 ? nil : shard.active[t - 1]
      if let last = spans.last, last.past == past {
        spans[spans.count - 1].rows = last.rows.lowerBound..<rows.upperBound
      } else {
        spans.append((rows, past))
      }
    }
    return spans
  }

  /// Copies each sequence's last state, wherever it stands, to its row of `results`.
  private func collectStates(_ memory: ShardMemory, _ results: [Storage]) {
    let shard = memory.shard
    for (part, width) in program.stateWidths.enumerated() {
      let address = program.newStates[part]
      let place = memory.place(address)
      for sequence in 0..<shard.sequences {
        let length = shard.lengths[sequence]
        let source: UnsafePointer<Float>
        if address.kind == .scanned {
          source = UnsafePointer(place.base + sequence * width)
        } else if address.kind == .carriedOut {
          // Backwards every sequence ends at the last step that runs; forwards at its own.
          let steps = isReversed ? shard.active.count : length
          source = UnsafePointer((steps % 2 == 1 ? place.base : place.alternate) + sequence * width)
        } else if length == 0 {
          source = UnsafePointer(start[part].floats + (shard.firstSequence + sequence) * width)
        } else {
          source = UnsafePointer(place.base + (shard.offsets[length - 1] + sequence) * place.stride)
        }
        (results[part].floats + (shard.firstSequence + sequence) * width).update(from: source, count: width)
      }
    }
  }
}

/// A program's instructions, bound to a shard's memory for one thread.
struct BoundProgram {
  /// All instructions in order, and the phases that they belong to. Plain memory, so that threads which run a share of
  /// the same microseconds count no references.
  let all: UnsafeBufferPointer<BoundInstruction>
  let before, loop, after: UnsafeBufferPointer<BoundInstruction>
  /// The thread's tiles.
  private let temporaries: Storage

  init(_ run: ProgramRun, _ memory: ShardMemory) {
    let temporaries = Storage(count: max(1, run.program.temporaries) * Int(UR_TILE))
    let phases = [run.program.before, run.program.loop, run.program.after]
    let bound = phases.joined().map {
      BoundInstruction($0, memory, packed: run.matrices, temporaries: temporaries.floats)
    }
    let memory = UnsafeMutableBufferPointer<BoundInstruction>.allocate(capacity: bound.count)
    _ = memory.initialize(from: bound)
    all = UnsafeBufferPointer(memory)
    let loopStart = phases[0].count
    let loopEnd = loopStart + phases[1].count
    before = UnsafeBufferPointer(rebasing: all[..<loopStart])
    loop = UnsafeBufferPointer(rebasing: all[loopStart..<loopEnd])
    after = UnsafeBufferPointer(rebasing: all[loopEnd...])
    self.temporaries = temporaries
  }

  func deallocate() {
    for instruction in all { instruction.deallocate() }
    all.deallocate()
  }
}
