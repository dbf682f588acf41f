import ArgumentParser

/// `unroll train`.
struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train a model on data of your own.",
    discussion: """
        unroll train text --data poems.txt --out poems
      """, subcommands: [TrainTextCommand.self])
}
