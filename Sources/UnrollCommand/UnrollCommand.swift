import ArgumentParser
import Unroll

/// The command line: parses, calls, prints.
@main
struct UnrollCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unroll", abstract: "Recurrent networks: train them, look into them, run them.")
}
