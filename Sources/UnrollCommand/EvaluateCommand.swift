import ArgumentParser
import Unroll

/// `unroll evaluate`.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Measure how well a trained model knows a text.",
    discussion: """
        unroll evaluate poems --data other-poems.txt
        unroll evaluate poems --data poems.txt --part test      the 5 % that training never saw
      """)

  enum Part: String, ExpressibleByArgument, CaseIterable { case all, training, validation, test }

  @Argument(help: "The model folder.") var folder: String
  @Option(help: "The text: a file in UTF-8.") var data: String
  @Option(help: "The whole text, or the part of it that training would use so.") var part = Part.all
  @OptionGroup var common: CommonOptions

  func run() throws {
    common.apply()
    let model = try TextModel(contentsOf: folder)
    let tokens: Tokens
    switch part {
    case .all: tokens = try model.vocabulary.encode(PlainText(contentsOf: data))
    case .training: tokens = try corpus(model).training
    case .validation: tokens = try corpus(model).validation
    case .test: tokens = try corpus(model).test
    }
    let line = ScoreLine(try model.score(tokens, source: data), part: part.rawValue)
    if common.json { try Console.json(line) } else { try Console.write(line.text + "\n") }
  }

  private func corpus(_ model: TextModel) throws -> TextCorpus {
    try TextCorpus(contentsOf: data, as: .vocabulary(model.vocabulary))
  }
}
