import ArgumentParser
import Foundation
import Unroll

/// Where lines go: results to standard output, everything else to standard error.
enum Console {
  /// Writes a result without a line's end.
  static func write(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }

  /// Writes a line that is no result.
  static func note(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

  /// Prints a value as one line of JSON.
  static func json(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    write(String(decoding: try encoder.encode(value), as: UTF8.self) + "\n")
  }

  /// Prints an error for people and, when `--json` was given, for programs.
  static func report(_ error: UnrollError) {
    note("error: \(error)")
    guard CommandLine.arguments.contains("--json") else { return }
    try? json(
      ErrorLine(kind: error.kind.rawValue, message: error.message, place: error.place, hint: error.hint))
  }

  private struct ErrorLine: Encodable {
    var event = "error"
    let kind, message: String
    let place, hint: String?
  }
}

/// Flags that every command has.
struct CommonOptions: ParsableArguments {
  @Flag(help: "Print one JSON object a line, for programs.")
  var json = false

  @Option(help: "Number of threads; by default one for each core. Results do not depend on it.")
  var threads: Int?

  func validate() throws {
    if let threads, threads < 1 { throw ValidationError("--threads is \(threads), and must be at least 1") }
  }

  /// Makes the choice of threads take effect.
  func apply() {
    if let threads { Threads.count = threads }
  }
}
