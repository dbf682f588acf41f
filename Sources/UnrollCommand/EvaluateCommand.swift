import ArgumentParser
import Unroll

/// `unroll evaluate`.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate", abstract: "Measure how well a trained model knows a text, or answers examples.",
    discussion: """
        unroll evaluate reviews --data others.tsv               examples of the form that it was trained on
        unroll evaluate poems --data other-poems.txt
        unroll evaluate poems --data poems.txt --part test      the 5 % that training never saw
      """)

  enum Part: String, ExpressibleByArgument, CaseIterable { case all, training, validation, test }

  @Argument(help: "The model folder.") var folder: String
  @Option(help: "The text, or the examples.") var data: String
  @Option(help: "Of a text: all of it, or the part of it that training would use so. (default: all)") var part: Part?
  @Option(
    parsing: .unconditional,
    help: "Beginnings of a translation or caption that are followed; 1 is greedy. (default: 5)")
  var beam: Int?
  @Flag(help: "Of examples: leave out, and count, what cannot be read.") var skipBadLines = false
  @OptionGroup var common: CommonOptions

  func run() throws {
    common.apply()
    let model = try BeamOption(beam).applied(to: StoredModels.open(folder))
    try show((model as? LanguageModel).map(score(of:)) ?? score(of: model), of: part ?? .all)
  }

  private func score(of model: LanguageModel) throws -> any ModelScore {
    let tokens: Tokens
    switch part ?? .all {
    case .all: tokens = try model.vocabulary.encode(PlainText(contentsOf: data))
    case .training: tokens = try corpus(model).training
    case .validation: tokens = try corpus(model).validation
    case .test: tokens = try corpus(model).test
    }
    return try model.evaluate(tokens, source: data)
  }

  private func score(of model: any StoredModel) throws -> any ModelScore {
    guard part == nil else {
      throw UnrollError(.usage, "--part is for language models", hint: "leave it out: all of the file is measured")
    }
    var bad = BadLines(skips: skipBadLines)
    let score: any ModelScore = try model.evaluate(data, &bad)
    try SkippedLines(bad.skipped).show(json: common.json)
    return score
  }

  private func show(_ score: any ModelScore, of part: Part) throws {
    try common.json
      ? Console.json(ModelScoreLine(part: part.rawValue, score: score)) : Console.write(score.text + "\n")
  }

  private func corpus(_ model: LanguageModel) throws -> TextCorpus {
    try TextCorpus(contentsOf: data, as: .vocabulary(model.vocabulary))
  }
}
