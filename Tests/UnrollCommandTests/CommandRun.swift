import Foundation
import Testing

/// What a run of the command line left behind.
struct Outcome {
  let arguments: [String]
  /// The exit code, or -1 when a signal ended the program.
  let code: Int32
  /// Standard output and standard error.
  let output, errors: String

  /// The JSON objects of standard output, one a line.
  func objects() throws -> [[String: Any]] {
    try output.split(separator: "\n").map { line in
      let value = try JSONSerialization.jsonObject(with: Data(line.utf8))
      return try #require(value as? [String: Any], "a line that is no object: \(line)")
    }
  }
}

/// Runs `unroll` as a user does: another process, seen from outside.
enum Command {
  /// The program, which the package builds beside its tests.
  static let path: String = {
    let tests = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }?.bundleURL
    let place = tests ?? URL(fileURLWithPath: CommandLine.arguments[0])
    return place.deletingLastPathComponent().appendingPathComponent("unroll").path
  }()

  /// Runs the program until it ends.
  static func unroll(_ arguments: [String], environment: [String: String] = [:]) throws -> Outcome {
    try run(path, arguments, environment)
  }

  /// Runs the program with a limit on its address space, so that a large allocation ends it. Sanitizers take terabytes
  /// of it by themselves: with them there is no limit.
  static func unroll(_ arguments: [String], gibibytes: Int) throws -> Outcome {
    let isSanitized = ["ASAN_OPTIONS", "TSAN_OPTIONS"].contains { ProcessInfo.processInfo.environment[$0] != nil }
    let limit = isSanitized ? "unlimited" : "\(gibibytes << 20)"
    return try run("/bin/sh", ["-c", "ulimit -v \(limit); exec \"$0\" \"$@\"", path] + arguments, [:])
  }

  /// Runs a shell's script, in which `$0` is the program and `$1`… are the arguments.
  static func shell(_ script: String, _ arguments: String...) throws -> Outcome {
    try run("/bin/sh", ["-c", script, path] + arguments, [:])
  }

  private static func run(_ program: String, _ arguments: [String], _ environment: [String: String]) throws -> Outcome {
    // Through files: a full pipe that nobody reads yet would hold the program up.
    let folder = TestFolder()
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    let output = try folder.emptyFile("output")
    let errors = try folder.emptyFile("errors")
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    process.waitUntilExit()
    try output.close()
    try errors.close()
    return Outcome(
      arguments: arguments, code: process.terminationReason == .exit ? process.terminationStatus : -1,
      output: try folder.text("output"), errors: try folder.text("errors"))
  }
}

/// A folder of a test's own, removed with its last use.
final class TestFolder: Sendable {
  let path: String

  init() {
    path = NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)"
    #expect(mkdir(path, 0o700) == 0)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { path + "/" + name }

  func emptyFile(_ name: String) throws -> FileHandle {
    try Data().write(to: URL(fileURLWithPath: file(name)))
    return try FileHandle(forWritingTo: URL(fileURLWithPath: file(name)))
  }

  func write(_ bytes: some Sequence<UInt8>, to name: String) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
    return file(name)
  }

  func text(_ name: String) throws -> String { String(decoding: try data(name), as: UTF8.self) }

  func data(_ name: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: file(name))) }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name)) }
}

/// A text of sentences, and a small model of it that is trained once.
struct Sample {
  static let text: String = {
    let words = "the cat sat on a mat and saw old dogs run over hills while birds sang in green trees".split(
      separator: " ")
    var state: UInt32 = 7
    let sentences = (0..<120).map { _ in
      (0..<8).map { _ in
        state = state &* 1_664_525 &+ 1_013_904_223
        return String(words[Int(state >> 16) % words.count])
      }.joined(separator: " ") + ".\n"
    }
    return sentences.joined()
  }()

  /// Sizes that train in a blink.
  static let sizes = ["--hidden", "12", "--embedding", "6", "--length", "16", "--batch", "4", "--epochs", "1"]

  /// A folder with `text.txt` and a trained `model`; nobody may change it.
  static let shared = Result {
    let folder = TestFolder()
    _ = try folder.write(text.utf8, to: "text.txt")
    let outcome = try Command.unroll(
      ["train", "text", "--data", folder.file("text.txt"), "--out", folder.file("model")] + sizes)
    guard outcome.code == 0 else { throw Failure(outcome: outcome) }
    return folder
  }

  struct Failure: Error { let outcome: Outcome }

  /// A copy that a test may change.
  static func copy() throws -> TestFolder {
    let folder = TestFolder()
    for name in ["text.txt", "model"] {
      try FileManager.default.copyItem(atPath: shared.get().file(name), toPath: folder.file(name))
    }
    return folder
  }
}

/// Checks that a run failed as a run should: by exit code, with a message that has the given parts, for people and as one
/// JSON object, and without anything else. The arguments must have `--json`.
func expectFailure(
  _ outcome: Outcome, code: Int32, _ parts: [String], _ location: SourceLocation = #_sourceLocation
) throws {
  let all = "\(outcome.arguments): \(outcome.code)\n\(outcome.output)\n\(outcome.errors)"
  #expect(outcome.code == code, "\(all)", sourceLocation: location)
  #expect(outcome.errors.contains("error: "), "\(all)", sourceLocation: location)
  #expect(!(outcome.output + outcome.errors).contains("\u{1B}"), "\(all)", sourceLocation: location)
  for part in parts { #expect(outcome.errors.contains(part), "no `\(part)` in \(all)", sourceLocation: location) }
  let objects = try outcome.objects().filter { $0["event"] as? String == "error" }
  #expect(objects.count == 1, "\(all)", sourceLocation: location)
  guard let object = objects.first else { return }
  let message = object["message"] as? String ?? ""
  #expect(!message.isEmpty && outcome.errors.contains("error: " + message), "\(all)", sourceLocation: location)
  for key in ["hint", "place"] {
    if let text = object[key] as? String { #expect(outcome.errors.contains(text), "\(all)", sourceLocation: location) }
  }
  #expect(object["hint"] != nil || object["place"] != nil, "no hint and no place: \(all)", sourceLocation: location)
}
