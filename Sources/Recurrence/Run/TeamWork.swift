import Synchronization

/// Decides when threads share the work of one sequence, and when they stop.
///
/// Sharing out a step's weights needs a meeting or more a step, each of some hundred nanoseconds, as long as every
/// member has a core of its own and the cores are close to each other. So there are two ways out:
/// - Some steps near the beginning are run by the first member alone, for comparison. Where the team is slower, it is
///   dissolved, and for a while none is made for weights of that size.
/// - On a busy machine a member that lost its core makes the others wait for milliseconds, at every step. The first
///   member watches the time of the steps; when waiting has cost too much of the run, it goes on alone, and no new team
///   is made for a while.
final class TeamWork: Sendable {
  /// Floats of recurrent weights from which on a team shares them out: under that, meeting costs more than it saves.
  private static let weightsOfATeam = 1 << 15
  /// Steps that the first member runs alone, where the comparison is due; as many before them are run by all.
  private static let trial = 8..<14
  /// How long the outcome of a comparison holds.
  private static let holds = Duration.milliseconds(500)

  private struct History {
    /// When teams may be made again after waiting has failed one, and for how long they then may not.
    var pauseEnd = ContinuousClock.now
    var pauseLength = Duration.milliseconds(50)
    /// By number of weights: whether a team was faster, and until when that holds.
    var outcomes: [Int: (isFaster: Bool, end: ContinuousClock.Instant)] = [:]
  }
  private static let history = Mutex(History())

  /// Who does what.
  let schedule: TeamSchedule
  /// The steps that the first member runs alone for comparison.
  let trial: Range<Int>
  private let weights: Int
  /// The last step that the whole team runs.
  private let lastStep = Atomic(Int.max)
  private struct Watch {
    var last: ContinuousClock.Instant?
    var patience = Patience()
    var fastest = (together: Duration.seconds(1), alone: Duration.seconds(1))
  }
  private let times = Mutex(Watch())

  /// The work on a sequence of so many steps with so many recurrent weights.
  init(_ schedule: TeamSchedule, weights: Int, steps: Int) {
    self.schedule = schedule
    self.weights = weights
    let isKnown = Self.history.withLock { $0.outcomes[weights].map { ContinuousClock.now < $0.end } ?? false }
    trial = isKnown || steps < 2 * Self.trial.upperBound ? 0..<0 : Self.trial
  }

  /// Whether a team would help with a step whose recurrent weights are so many floats, as far as is known.
  static func isWorthwhile(weights: Int) -> Bool {
    guard weights >= weightsOfATeam else { return false }
    let now = ContinuousClock.now
    return history.withLock { history in
      if let outcome = history.outcomes[weights], now < outcome.end, !outcome.isFaster { return false }
      return history.pauseEnd <= now
    }
  }

  /// Whether teams have not made each other wait lately.
  static var isAllowed: Bool { history.withLock { $0.pauseEnd <= ContinuousClock.now } }

  /// Makes no new teams for a while. Failures in a row make longer pauses; one that comes long after the last pause
  /// begins anew.
  static func pauseTeams() {
    let now = ContinuousClock.now
    history.withLock { history in
      let isFresh = history.pauseEnd + history.pauseLength * 2 < now
      history.pauseLength = isFresh ? .milliseconds(50) : min(history.pauseLength * 2, .seconds(2))
      history.pauseEnd = now + history.pauseLength
    }
  }

  /// Called by the first member at the beginning of every step.
  func watch(step: Int) {
    let now = ContinuousClock.now
    let isOver = times.withLock { watch in
      defer { watch.last = now }
      guard let last = watch.last else { return false }
      let duration = now - last
      if trial.contains(step - 1) {
        watch.fastest.alone = min(watch.fastest.alone, duration)
      } else {
        watch.fastest.together = min(watch.fastest.together, duration)
      }
      if step == trial.upperBound, !trial.isEmpty { return !concludes(watch.fastest, now) }
      guard !trial.contains(step - 1), watch.patience.isOver(after: duration) else { return false }
      Self.pauseTeams()
      return true
    }
    if isOver { lastStep.store(step, ordering: .relaxed) }
  }

  /// Writes the comparison down; whether the team was faster.
  private func concludes(_ fastest: (together: Duration, alone: Duration), _ now: ContinuousClock.Instant) -> Bool {
    let isFaster = fastest.together < fastest.alone
    Self.history.withLock { $0.outcomes[weights] = (isFaster, now + Self.holds) }
    return isFaster
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
