import ArgumentParser
import Foundation
import Unroll

/// Where lines go: results to standard output, everything else to standard error.
enum Console {
  /// Writes a result without a line's end. Throws when it cannot be written, for example to a full disk; ends the
  /// program when its reader went away, as nobody waits for the rest.
  static func write(_ text: String) throws(UnrollError) {
    let code = send(text, to: STDOUT_FILENO)
    if code == EPIPE { Foundation.exit(0) }
    guard code == 0 else {
      throw UnrollError(
        .inputOutput, "standard output cannot be written: \(String(cString: strerror(code)))",
        hint: "send it elsewhere: unroll … > FILE")
    }
  }

  /// Writes a line that is no result. That it cannot be written is no reason to fail.
  static func note(_ text: String) { _ = send(text + "\n", to: STDERR_FILENO) }

  /// Prints a value as one line of JSON.
  static func json(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    try write(String(decoding: try encoder.encode(value), as: UTF8.self) + "\n")
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

  // FileHandle traps when it cannot write.
  /// Writes all of a text; returns the system's error code, or 0.
  private static func send(_ text: String, to descriptor: Int32) -> Int32 {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if count == 0 || errno != EINTR {
        return count == 0 ? EIO : errno
      }
    }
    return 0
  }
}

/// Flags that every command has.
struct CommonOptions: ParsableArguments {
  @Flag(help: "Print one JSON object a line, for programs.")
  var json = false

  @Option(
    parsing: .unconditional,
    help: "Number of threads; by default one for each core. Results do not depend on it.")
  var threads: Int?

  func validate() throws {
    if let threads, threads < 1 { throw ValidationError("--threads is \(threads), and must be at least 1") }
  }

  /// Makes the choice of threads take effect.
  func apply() {
    if let threads { Threads.count = threads }
  }
}
