import Synchronization

/// Decides when threads share the work of one sequence, and when they stop.
///
/// Sharing out a step's weights needs two or more meetings a step, each of some hundred nanoseconds, as long as every
/// member has a core of its own. On a busy machine a member that lost its core makes the others wait for milliseconds,
/// at every step. So the first member watches the time of the steps; when waiting has cost too much of the run,
/// the team is dissolved, the first member goes on alone, and no new team is made for a while.
final class TeamWork: Sendable {
  /// Floats of recurrent weights from which on a team shares them out: under that, meeting costs more than it saves.
  private static let weightsOfATeam = 1 << 15
  /// A step that takes so many times the fastest one has waited for a core.
  private static let late = 8
  /// What waiting may cost in a run before the team is dissolved; and, beyond that, a share of the run's time.
  private static let patience = (cost: Duration.milliseconds(1), share: 4)

  /// When teams may be made again, and for how long they may not after the next failure.
  private struct Pause {
    var end = ContinuousClock.now
    var length = Duration.milliseconds(50)
  }
  private static let pause = Mutex(Pause())

  /// The last step that the whole team runs.
  private let lastStep = Atomic(Int.max)
  private struct Watch {
    var first: ContinuousClock.Instant?
    var last = ContinuousClock.now
    var fastest = Duration.seconds(1)
    var waited = Duration.zero
  }
  private let times = Mutex(Watch())

  /// Whether a team would help with a step whose recurrent weights are so many floats.
  static func isWorthwhile(weights: Int) -> Bool {
    weights >= weightsOfATeam && pause.withLock { $0.end <= ContinuousClock.now }
  }

  /// Called by the first member at the beginning of every step.
  func watch(step: Int) {
    let now = ContinuousClock.now
    let isLate = times.withLock { watch in
      defer { watch.last = now }
      guard let first = watch.first else {
        watch.first = now
        return false
      }
      let duration = now - watch.last
      watch.fastest = min(watch.fastest, duration)
      if duration > watch.fastest * Self.late { watch.waited += duration - watch.fastest }
      return watch.waited > Self.patience.cost + (now - first) / Self.patience.share
    }
    guard isLate else { return }
    lastStep.store(step, ordering: .relaxed)
    Self.pause.withLock { pause in
      // Failures in a row make longer pauses; one that comes long after the last pause begins anew.
      let isFresh = pause.end + pause.length * 2 < now
      pause.length = isFresh ? .milliseconds(50) : min(pause.length * 2, .seconds(2))
      pause.end = now + pause.length
    }
  }

  /// Whether the first member goes on alone after a step. It is decided before the last meeting of that step, for that
  /// step: so all members see the same, also one that comes late from the step before.
  func isOver(after step: Int) -> Bool { lastStep.load(ordering: .relaxed) <= step }
}
