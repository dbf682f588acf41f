import ArgumentParser

/// `unroll train`.
struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train a model on data of your own.",
    discussion: """
        unroll train text --data poems.txt --out poems
        unroll train classify --data reviews.tsv --out reviews
        unroll train recognize --data train-images-idx3-ubyte.gz --out digits
        unroll train tag --data en-train.conllu --out tagger
      """,
    subcommands: [TrainTextCommand.self, TrainClassifyCommand.self, TrainRecognizeCommand.self, TrainTagCommand.self])
}
