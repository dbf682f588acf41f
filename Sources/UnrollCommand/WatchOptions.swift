import ArgumentParser
import Unroll

/// How a training's gradients are watched, as flags.
struct WatchOptions: ParsableArguments {
  @Flag(help: "Show what the gradients do while it trains: curves, and a strip of their norms over time steps.")
  var watch = false
  @Option(
    parsing: .unconditional,
    help: """
      Updates between looks at gradients, gates and units, which `unroll doctor` and `unroll report` read later; \
      0: none. (default: 100)
      """)
  var watchEvery: Int?

  /// Whether a flag was given that cannot change in the middle of a training.
  var given: [(String, Bool)] { [("--watch-every", watchEvery != nil)] }

  /// Writes the interval into settings. Throws when there is nothing to show.
  func apply(to settings: inout TrainingSettings) throws(UnrollError) {
    guard !watch || watchEvery != 0 else {
      throw UnrollError(.usage, "--watch shows nothing with --watch-every 0", hint: "leave one of them out")
    }
    settings.watchInterval = watchEvery == 0 ? nil : watchEvery ?? 100
  }
}
