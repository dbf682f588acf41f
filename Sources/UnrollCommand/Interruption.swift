import Dispatch
import Foundation
import Training

/// Turns Ctrl-C (SIGINT) and SIGTERM into a request to stop; a second one ends the program at once with exit code 130.
/// A reader of the output that goes away (SIGPIPE) does not end the training.
///
///     let stop = StopRequest()
///     let interruption = Interruption(requesting: stop)
///     defer { interruption.end() }
///
/// Signals arrive on a queue of their own, outside any signal handler, so a busy training cannot hold them up.
final class Interruption {
  private static let signals = [SIGINT, SIGTERM]
  private let sources: [any DispatchSourceSignal]

  /// Listens from now on. `notice` is written to standard error at the first signal.
  init(requesting stop: StopRequest, notice: String = "stopping after this update; once more to leave at once") {
    signal(SIGPIPE, SIG_IGN)
    let queue = DispatchQueue(label: "unroll.interruption", qos: .userInteractive)
    sources = Self.signals.map { number in
      // The default action would end the process before the source sees the signal.
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler {
        if stop.isRequested { _exit(130) }
        stop.request()
        try? FileHandle.standardError.write(contentsOf: Data("\n\(notice)\n".utf8))
      }
      source.resume()
      return source
    }
  }

  /// Gives the signals their usual effect back.
  func end() {
    for source in sources { source.cancel() }
    for number in Self.signals + [SIGPIPE] { signal(number, SIG_DFL) }
  }
}
