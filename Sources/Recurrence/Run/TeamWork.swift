import Synchronization

/// Decides when threads share the work of one sequence, and when they stop.
///
/// Sharing out a step's weights needs a meeting or more a step, each of some hundred nanoseconds, as long as every
/// member has a core of its own. On a busy machine a member that lost its core makes the others wait for milliseconds,
/// at every step. So the first member watches the time of the steps; when waiting has cost too much of the run,
/// the team is dissolved, the first member goes on alone, and no new team is made for a while.
final class TeamWork: Sendable {
  /// Floats of recurrent weights from which on a team shares them out: under that, meeting costs more than it saves.
  private static let weightsOfATeam = 1 << 15

  /// When teams may be made again, and for how long they may not after the next failure.
  private struct Pause {
    var end = ContinuousClock.now
    var length = Duration.milliseconds(50)
  }
  private static let pause = Mutex(Pause())

  /// Who does what.
  let schedule: TeamSchedule
  /// The last step that the whole team runs.
  private let lastStep = Atomic(Int.max)
  private struct Watch {
    var last: ContinuousClock.Instant?
    var patience = Patience()
  }
  private let times = Mutex(Watch())

  init(_ schedule: TeamSchedule) { self.schedule = schedule }

  /// Whether a team would help with a step whose recurrent weights are so many floats.
  static func isWorthwhile(weights: Int) -> Bool { weights >= weightsOfATeam && isAllowed }

  /// Whether teams have not failed lately.
  static var isAllowed: Bool { pause.withLock { $0.end <= ContinuousClock.now } }

  /// Makes no new teams for a while. Failures in a row make longer pauses; one that comes long after the last pause
  /// begins anew.
  static func pauseTeams() {
    let now = ContinuousClock.now
    pause.withLock { pause in
      let isFresh = pause.end + pause.length * 2 < now
      pause.length = isFresh ? .milliseconds(50) : min(pause.length * 2, .seconds(2))
      pause.end = now + pause.length
    }
  }

  /// Called by the first member at the beginning of every step.
  func watch(step: Int) {
    let now = ContinuousClock.now
    let isOver = times.withLock { watch in
      defer { watch.last = now }
      return watch.last.map { watch.patience.isOver(after: now - $0) } ?? false
    }
    guard isOver else { return }
    lastStep.store(step, ordering: .relaxed)
    Self.pauseTeams()
  }

  /// Whether the first member goes on alone after a step. It is decided before a meeting of that step, for that step:
  /// so all members see the same, also one that comes late from the step before.
  func isOver(after step: Int) -> Bool { lastStep.load(ordering: .relaxed) <= step }
}

/// How long waiting for members that lost their core is borne.
struct Patience {
  /// A step that takes so many times the fastest one has waited for a core.
  private static let late = 8
  /// What waiting may cost, and, beyond that, a share of the time.
  private static let limit = (cost: Duration.milliseconds(1), share: 4)

  private var ran = Duration.zero
  private var fastest = Duration.seconds(1)
  private var waited = Duration.zero

  /// Counts a step that took so long; whether patience has come to its end.
  mutating func isOver(after duration: Duration) -> Bool {
    ran += duration
    fastest = min(fastest, duration)
    if duration > fastest * Self.late { waited += duration - fastest }
    return waited > Self.limit.cost + ran / Self.limit.share
  }
}
