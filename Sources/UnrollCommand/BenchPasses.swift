import ArgumentParser
import Foundation
import Unroll

/// `unroll bench passes`: what each pass of the compiler and each feature of the engine is worth.
struct PassesBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "passes", abstract: "Measure what passes, engine and kernels are worth, by switching each off.",
    discussion: """
      Each is measured in turns as it is and with that one thing switched off; the medians are printed, and how \
      many times longer it takes without. `all` is a recurrence without any pass, `threads` is one thread, `team` is \
      one thread for a single sequence, `session` is a batch of one step with its state handed on, `kept-weights` \
      packs the weights at each run. `checkpointing` costs time and saves memory. Names of instruction sets stand \
      for the one in use against that lower one.

      Examples:
        unroll bench passes --filter "pass lstm"
        unroll bench passes --filter engine
        unroll bench passes --time 20 --batch 1 --hidden 300
      """)

  @OptionGroup var common: CommonOptions
  @Option(help: "Only rows with all of these words, for example: \"hoist lstm\"; also: pass, engine, kernels.")
  var filter = ""
  @Option(parsing: .unconditional, help: "Measurements of each row; the medians are printed.")
  var rounds = 5
  @Option(parsing: .unconditional, help: "Milliseconds that a measurement takes at least; of kernels always 250.")
  var milliseconds = 100
  @Option(parsing: .unconditional, help: "Time steps; with this, --batch or --hidden there is one shape only.")
  var time: Int?
  @Option(parsing: .unconditional, help: "Sequences.")
  var batch: Int?
  @Option(parsing: .unconditional, help: "Values of the state and of the input.")
  var hidden: Int?

  func validate() throws {
    if rounds < 1 { throw ValidationError("--rounds is \(rounds), and must be at least 1") }
    guard 1...60_000 ~= milliseconds else {
      throw ValidationError("--milliseconds is \(milliseconds), and must be in 1...60000")
    }
  }

  func run() throws {
    common.apply()
    let switches = EngineSwitch.passes(shapes) + EngineSwitch.engine(shapes) + EngineSwitch.kernels(shapes)
    for entry in switches { try entry.row.check() }
    let chosen = switches.filter { $0.matches(filter) }
    if chosen.isEmpty {
      throw UnrollError(
        .usage, "--filter \"\(filter)\" leaves nothing to measure",
        hint: "words are those of the table, such as hoist, lstm, T50, H256; or pass, engine, kernels")
    }
    if !common.json {
      try Console.write("instruction set: \(KernelBenchmark().instructionSet), threads: \(Threads.count)\n")
      try Console.write(Self.line("switch", "cell", "work", "shape", "ms with", "ms without", "factor"))
    }
    for entry in chosen {
      let result = try Result(entry, rounds: rounds, seconds: Double(milliseconds) / 1000)
      try common.json ? Console.json(result) : Console.write(result.text)
    }
  }

  private var shapes: [EngineSwitch.Shape] {
    let small = EngineSwitch.Shape(time: 100, batch: 1, hidden: 128)
    if time == nil && batch == nil && hidden == nil { return [small, .init(time: 50, batch: 64, hidden: 256)] }
    return [.init(time: time ?? small.time, batch: batch ?? small.batch, hidden: hidden ?? small.hidden)]
  }

  /// A measured switch.
  private struct Result: Encodable {
    let kind: EngineSwitch.Kind
    let name: String
    let row: RecurrentRow
    /// Milliseconds, the medians of all rounds.
    let with, without: Double
    /// The median of what a round took longer without than with.
    let factor: Double
    let threads: Int
    let instructionSet: String

    init(_ entry: EngineSwitch, rounds: Int, seconds: Double) throws {
      let (on, off) = try entry.prepare()
      let pairs = try (0..<rounds).map { round in
        // By turns first: what a machine does slower and slower hits both alike.
        guard round % 2 == 0 else {
          let without = try off(seconds)
          return (on: try on(seconds), off: without)
        }
        return (on: try on(seconds), off: try off(seconds))
      }
      kind = entry.kind
      name = entry.name
      row = entry.row
      with = KernelBenchmark.median(pairs.map(\.on))
      without = KernelBenchmark.median(pairs.map(\.off))
      factor = KernelBenchmark.median(pairs.map { $0.off / $0.on })
      threads = Threads.count
      instructionSet = KernelBenchmark().instructionSet
    }

    var text: String {
      PassesBench.line(
        name, row.cell.rawValue, row.work, row.shape, String(format: "%.4g", with), String(format: "%.4g", without),
        String(format: "%.2f", factor))
    }
  }

  private static func line(
    _ name: String, _ cell: String, _ work: String, _ shape: String, _ with: String, _ without: String,
    _ factor: String
  ) -> String {
    Columns.line([
      .left(name, 13), .left(cell, 7), .left(work, 12), .left(shape, 14), .right(with, 10), .right(without, 10),
      .right(factor, 7),
    ]) + "\n"
  }
}
