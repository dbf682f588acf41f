import Synchronization

/// Asks a ``Trainer`` to stop: set from any thread or signal handler's queue, looked at after each update.
///
///     let stop = StopRequest()
///     var trainer = try Trainer(objective, settings: settings, folder: "model", stop: stop)
///     // elsewhere: stop.request(); the trainer finishes its update, saves and returns
public final class StopRequest: Sendable {
  private let requested = Atomic(false)

  /// No request yet.
  public init() {}

  /// Asks to stop. Asking again changes nothing.
  public func request() { requested.store(true, ordering: .relaxed) }

  /// Whether a stop was asked for.
  public var isRequested: Bool { requested.load(ordering: .relaxed) }
}
