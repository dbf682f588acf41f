import CKernels
import Tensors

/// Shares out the single steps of a stream among the threads, where a step is long enough to be worth it and the steps
/// come so close to each other that the threads are still awake. A step allocates nothing.
struct StreamTeam {
  /// Floats of weights from which on a step is shared out: two cores then read them in less time than one, by more than
  /// it takes to begin together.
  private static let weightsOfATeam = 1 << 17
  /// Steps further apart than this find the other threads asleep, and waking them is not worth it.
  private static let closeTogether = Duration.microseconds(20)

  /// How a stream's steps have followed one another so far.
  struct Pace {
    fileprivate var patience = Patience()
    fileprivate var lastEnd: ContinuousClock.Instant?
  }

  /// See `TeamSchedule`.
  let units: Int?
  let meets: UnsafeMutableBufferPointer<Bool>
  /// Number of members.
  let threads: Int

  /// nil when one thread is best, or all there is.
  init?(_ run: ProgramRun) {
    let weights = run.matrices.reduce(0) { $0 + $1.storage.count }
    threads = Threads.count
    guard threads > 1, weights >= Self.weightsOfATeam else { return nil }
    let schedule = TeamSchedule(
      run.program.before + run.program.loop + run.program.after, of: run.program, repeats: false)
    units = schedule.units
    meets = .allocate(capacity: schedule.meets.count)
    _ = meets.initialize(from: schedule.meets)
  }

  func deallocate() { meets.deallocate() }

  /// Runs a step with all threads, each calling `body` with `context`; false when it did not, and one has to do it.
  func run(
    _ pace: inout Pace, _ context: UnsafeMutableRawPointer,
    _ body: @escaping @convention(c) (UnsafeMutableRawPointer?, _ member: Int, _ members: Int) -> Void
  ) -> Bool {
    let start = ContinuousClock.now
    let isClose = pace.lastEnd.map { start - $0 < Self.closeTogether } ?? false
    guard isClose, threads == Threads.count, TeamWork.isAllowed, ur_team_if_awake(body, context, true) else {
      // The step that one thread now runs is over some microseconds later, whatever they are.
      pace.lastEnd = start + Self.closeTogether
      return false
    }
    let end = ContinuousClock.now
    pace.lastEnd = end
    if pace.patience.isOver(after: end - start) {
      pace.patience = Patience()
      TeamWork.pauseTeams()
    }
    return true
  }
}
