import ArgumentParser
import Foundation

/// `unroll bench`: how fast this machine is.
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench", abstract: "Measure the speed of this machine.",
    subcommands: [KernelsBench.self, RecurrentBench.self, PassesBench.self, MemoryBench.self, GradientsBench.self])
}

/// `unroll bench kernels`: every kernel that time is spent in, against what the processor can do at best.
struct KernelsBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels", abstract: "Measure the numerical kernels on one thread.",
    discussion: """
      Products are compared with bare multiply-adds, elementwise programs with the LSTM's gates written by hand; both \
      sides are measured alternately, and the medians are printed. Times are processor time of one thread. \
      UNROLL_ISA chooses an instruction set.

      Examples:
        unroll bench kernels
        UNROLL_ISA=avx2 unroll bench kernels --json
      """)

  @Flag(help: "Print one JSON object a line.")
  var json = false

  func run() throws {
    let bench = KernelBenchmark()
    if !json { try Console.write("instruction set: \(bench.instructionSet)\n\(Self.header)\n") }
    try bench.run { try json ? Console.json($0) : Console.write(Self.text($0) + "\n") }
  }

  private static let header = columns("kernel", "shape", "value", "unit", "relative to")

  private static func text(_ row: KernelBenchmark.Row) -> String {
    let value = String(format: row.value < 10 ? "%.3f" : "%.1f", row.value)
    return columns(row.kernel, row.shape, value, row.unit, row.comparison.map { format($0) } ?? "")
  }

  private static func format(_ comparison: KernelBenchmark.Comparison) -> String {
    String(format: "%6.1f %% of ", comparison.ratio * 100) + comparison.reference
  }

  private static func columns(_ kernel: String, _ shape: String, _ value: String, _ unit: String, _ last: String)
    -> String
  {
    Columns.line([.left(kernel, 12), .left(shape, 24), .right(value, 8), .left(unit, 14), .left(last, 0)])
  }
}

/// A table for people, line by line.
enum Columns {
  /// A text and the width that it fills up with spaces.
  enum Cell {
    case left(String, Int)
    case right(String, Int)
  }

  /// Cells side by side, without a line's end.
  static func line(_ cells: [Cell]) -> String {
    let texts = cells.map { cell in
      switch cell {
      case .left(let text, let width): text + spaces(width - text.count)
      case .right(let text, let width): spaces(width - text.count) + text
      }
    }
    let line = texts.joined(separator: " ")
    return line.lastIndex { $0 != " " }.map { String(line[...$0]) } ?? ""
  }

  private static func spaces(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }
}
