import Foundation
import Unroll

/// Another process of this program that measures rows with an instruction set of its own: a process chooses one when it
/// begins.
final class BenchProcess {
  private let process = Process()
  private let questions = Pipe()
  private let answers = Pipe()
  private let instructionSet: String

  /// Starts the process. Throws when it cannot be started.
  init(instructionSet: String) throws(UnrollError) {
    self.instructionSet = instructionSet
    process.executableURL = Bundle.main.executableURL
    process.arguments = ["bench", "recurrent", "--serve", "--rounds", "1"]
    process.environment = ProcessInfo.processInfo.environment.merging(["UNROLL_ISA": instructionSet]) { $1 }
    process.standardInput = questions
    process.standardOutput = answers
    do {
      try process.run()
    } catch {
      throw UnrollError(
        .inputOutput, "another process of unroll cannot be started: \(error.localizedDescription)",
        hint: "measure without it: --filter pass")
    }
  }

  /// Its input ends, and so does it.
  deinit { try? questions.fileHandleForWriting.close() }

  /// Measures a row, on as many threads as this process has.
  func milliseconds(of row: RecurrentRow) throws -> Double {
    var row = row
    row.threads = Threads.count
    guard process.isRunning else { throw failure }
    try questions.fileHandleForWriting.write(contentsOf: JSONEncoder().encode(row) + Data("\n".utf8))
    var line = Data()
    while line.last != UInt8(ascii: "\n") {
      let part = answers.fileHandleForReading.availableData
      guard !part.isEmpty else { throw failure }
      line += part
    }
    return try JSONDecoder().decode(Answer.self, from: line).milliseconds
  }

  private struct Answer: Decodable {
    let milliseconds: Double
  }

  private var failure: UnrollError {
    UnrollError(.inputOutput, "the process that measures \(instructionSet) has ended", hint: "see what it said above")
  }
}
