import ArgumentParser

/// `unroll train`.
struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train", abstract: "Train a model on data of your own.",
    discussion: """
        unroll train text --data poems.txt --out poems
        unroll train classify --data reviews.tsv --out reviews
        unroll train recognize --data train-images-idx3-ubyte.gz --out digits
        unroll train tag --data en-train.conllu --validation en-dev.conllu --test en-test.conllu --out tagger
        unroll train translate --data train.en,train.de --out en-de
        unroll train describe --data train.npy,train.txt --captions captions.txt --out captions
        unroll train forecast --data load.csv --season 24 --out load
      """,
    subcommands: [
      TrainTextCommand.self, TrainClassifyCommand.self, TrainRecognizeCommand.self, TrainTagCommand.self,
      TrainTranslateCommand.self, TrainForecastCommand.self, TrainDescribeCommand.self,
    ])
}
