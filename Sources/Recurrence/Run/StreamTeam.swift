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

  /// Steps after which the two ways are compared anew: of so many, some are run by one thread and some by all, and
  /// the others in the way that was faster.
  private static let period = 512
  private static let trial = 8

  /// How a stream's steps have followed one another so far.
  struct Pace {
    fileprivate var patience = Patience()
    fileprivate var lastEnd: ContinuousClock.Instant?
    fileprivate var step = 0
    fileprivate var fastest = (together: Duration.seconds(1), alone: Duration.seconds(1))
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

  /// Runs a step: with all threads, each calling `share` with `context`, or by `alone`.
  func run(
    _ pace: inout Pace, _ context: UnsafeMutableRawPointer,
    _ share: @escaping @convention(c) (UnsafeMutableRawPointer?, _ member: Int, _ members: Int) -> Void,
    alone: () -> Void
  ) {
    let start = ContinuousClock.now
    let isClose = pace.lastEnd.map { start - $0 < Self.closeTogether } ?? false
    let isTogether =
      isClose && wantsTeam(&pace) && TeamWork.isAllowed && ur_team_if_awake(threads, share, context, true)
    if !isTogether { alone() }
    let end = ContinuousClock.now
    pace.lastEnd = end
    if !isTogether {
      pace.fastest.alone = min(pace.fastest.alone, end - start)
    } else {
      pace.fastest.together = min(pace.fastest.together, end - start)
      if pace.patience.isOver(after: end - start) {
        pace.patience = Patience()
        TeamWork.pauseTeams()
      }
    }
  }

  /// Which way the next step goes.
  private func wantsTeam(_ pace: inout Pace) -> Bool {
    defer { pace.step = (pace.step + 1) % Self.period }
    switch pace.step {
    case 0:
      pace.fastest = (.seconds(1), .seconds(1))
      return false
    case ..<Self.trial: return false
    // The threads may have to be woken first.
    case ..<(8 * Self.trial): return true
    default: return pace.fastest.together < pace.fastest.alone
    }
  }
}
