import ArgumentParser
import Foundation
import Unroll

/// `unroll bench recurrent`: whole recurrent layers, as users run them, against what the processor can do at best.
struct RecurrentBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recurrent", abstract: "Measure recurrent layers: training, inference, single steps, ragged batches.",
    discussion: """
      GF/s counts the products' multiplications and additions, 2·T·B·gates·H·(I+H) forward and three times that in \
      training; 2·T·B·gates·H·I for minGRU, minLSTM and SRU. Inputs have the size of the state, or that behind I. \
      The peak is bare multiply-adds of one thread, measured beside each row, times the threads. Rows in bf16 and int8 \
      are measured in turns with the same in float32; the last column says how many times faster they are. \
      Benchmarks/compare runs the rows in other libraries.

      Examples:
        unroll bench recurrent --filter "lstm train"
        unroll bench recurrent --filter "gru H256 B1" --threads 1
        unroll bench recurrent --filter "lstm forward bf16"
      """)

  @OptionGroup var common: CommonOptions
  @Option(help: "Only rows with all of these words, for example: \"lstm train H256\".")
  var filter = ""
  @Option(parsing: .unconditional, help: "Measurements of each row; the median is printed.")
  var rounds = 3
  @Flag(help: "Print the rows as JSON, one a line, without measuring them.")
  var list = false
  @Flag(help: "Read rows from standard input, one JSON object a line as of --list; answer each with a line.")
  var serve = false

  func validate() throws {
    if rounds < 1 { throw ValidationError("--rounds is \(rounds), and must be at least 1") }
    if list && serve { throw ValidationError("--list and --serve exclude each other") }
  }

  func run() throws {
    common.apply()
    if serve { return try answerRows() }
    let rows = RecurrentRow.all.filter { $0.matches(filter) }
    if rows.isEmpty {
      throw UnrollError(
        .usage, "--filter \"\(filter)\" leaves no row",
        hint: "words are those of the table, such as lstm, train, T100, B32, H128: unroll bench recurrent --list")
    }
    if list { return try rows.forEach(Console.json) }
    if !common.json {
      try Console.write("instruction set: \(KernelBenchmark().instructionSet), threads: \(Threads.count)\n")
      try Console.write(Self.line("cell", "kind", "shape", "ms", "GF/s", "of FMA peak", "to float32"))
    }
    for row in rows {
      let result = Result(RecurrentBenchmark(row), rounds: rounds)
      try common.json ? Console.json(result) : Console.write(result.text)
    }
  }

  /// One row in, one result out, until the input ends. A row's network is kept until another row is asked for.
  private func answerRows() throws {
    var number = 0
    var kept: RecurrentBenchmark?
    while let line = readLine() {
      number += 1
      let row = try Self.row(line, at: "standard input:\(number)")
      Threads.count = row.threads ?? common.threads ?? Threads.count
      let benchmark = if let kept, kept.row == row { kept } else { RecurrentBenchmark(row) }
      kept = benchmark
      try Console.json(Result(benchmark, rounds: rounds))
    }
  }

  private static func row(_ line: String, at place: String) throws -> RecurrentRow {
    guard let row = try? JSONDecoder().decode(RecurrentRow.self, from: Data(line.utf8)) else {
      throw UnrollError(
        .invalidData, "not a row: \(line.prefix(200))", at: place, hint: "unroll bench recurrent --list prints some")
    }
    do {
      try row.check()
    } catch {
      throw UnrollError(.invalidData, error.message, at: place, hint: error.hint)
    }
    return row
  }

  /// A measured row.
  private struct Result: Encodable {
    let label: String
    let row: RecurrentRow
    let milliseconds: Double
    /// Billions of useful operations a second.
    let speed: Double
    /// The same of bare multiply-adds on one thread.
    let peak: Double
    let fractionOfPeak: Double
    /// Of a row in fewer bits: how the same in float32 did, in turns with it.
    let float32: Float32?
    let threads: Int
    let instructionSet: String
    let checks: [String: [Double]]

    struct Float32: Encodable {
      let milliseconds: Double
      /// The time in float32 over that of the row, the median of all rounds: above 1, fewer bits are faster.
      let ratio: Double
    }

    init(_ benchmark: RecurrentBenchmark, rounds: Int) {
      let kernels = KernelBenchmark()
      let measured = (0..<rounds).map { _ in
        (peak: kernels.peak(), time: benchmark.measure(), float32: benchmark.float32?.measure())
      }
      label = benchmark.row.label
      row = benchmark.row
      milliseconds = KernelBenchmark.median(measured.map(\.time))
      speed = 1e-6 * row.operations / milliseconds
      peak = KernelBenchmark.median(measured.map(\.peak))
      threads = Threads.count
      fractionOfPeak = speed / (peak * Double(threads))
      float32 = benchmark.float32.map { _ in
        Float32(
          milliseconds: KernelBenchmark.median(measured.compactMap(\.float32)),
          ratio: KernelBenchmark.median(measured.compactMap { round in round.float32.map { $0 / round.time } }))
      }
      instructionSet = kernels.instructionSet
      checks = benchmark.checks
    }

    var text: String {
      RecurrentBench.line(
        row.cell.rawValue, row.work, row.shape, String(format: "%.4g", milliseconds), String(format: "%.1f", speed),
        String(format: "%.1f %%", 100 * fractionOfPeak), float32.map { String(format: "%.2f", $0.ratio) } ?? "")
    }
  }

  private static func line(
    _ cell: String, _ work: String, _ shape: String, _ time: String, _ speed: String, _ fraction: String,
    _ ratio: String
  ) -> String {
    Columns.line([
      .left(cell, 22), .left(work, 12), .left(shape, 18), .right(time, 9), .right(speed, 8), .right(fraction, 12),
      .right(ratio, 11),
    ]) + "\n"
  }
}
