import ArgumentParser
import Foundation
import Unroll

/// The command line: parses, calls, prints.
///
/// Exit codes: 0; 1 for a run that failed; 2 for wrong usage; 130 when interrupted twice.
@main
struct UnrollCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unroll", abstract: "Recurrent networks: train them, look into them, run them.",
    discussion: """
      To begin with:
        unroll demo                                        a language model in a minute, on built-in text
        unroll train text --data poems.txt --out poems     a model of your own text
        unroll generate poems --prompt "The "              what it has learnt
      """,
    version: "0.1.0",
    subcommands: [
      DemoCommand.self, TrainCommand.self, GrowCommand.self, GenerateCommand.self, EvaluateCommand.self,
      PredictCommand.self, InspectCommand.self, DoctorCommand.self, ReportCommand.self, QuantizeCommand.self,
      CellsCommand.self, BenchCommand.self,
    ])

  static func main() {
    do {
      if let error = UnknownCommand.error(in: CommandLine.arguments.dropFirst(), of: Self.self) { throw error }
      var command = try parseAsRoot()
      try command.run()
    } catch {
      exit(with: error)
    }
  }

  /// Ends the program as an error asks for: what was asked for on standard output, complaints on standard error.
  private static func exit(with error: any Error) -> Never {
    if let error = error as? UnrollError {
      Console.report(error)
      Foundation.exit(error.kind == .usage ? 2 : 1)
    }
    let message = fullMessage(for: error)
    if exitCode(for: error) == .success {
      do {
        try Console.write(message + "\n")
        Foundation.exit(0)
      } catch {
        exit(with: error)
      }
    }
    if error is ExitCode { Foundation.exit(exitCode(for: error).rawValue) }
    // The parser's text ends with: See 'unroll train text --help' for more information.
    let help = message.split(separator: "'").last { $0.hasSuffix("--help") }
    exit(with: UnrollError(.usage, self.message(for: error), hint: "see: \(help ?? "unroll --help")"))
  }
}
