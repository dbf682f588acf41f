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
    if let model = try storedModel() { return try measure(model) }
    guard beam == nil else {
      throw UnrollError(.usage, "--beam is for models that look for their answers", hint: "leave it out")
    }
    let model = try LanguageModel.load(from: folder)
    let tokens: Tokens
    switch part ?? .all {
    case .all: tokens = try model.vocabulary.encode(PlainText(contentsOf: data))
    case .training: tokens = try corpus(model).training
    case .validation: tokens = try corpus(model).validation
    case .test: tokens = try corpus(model).test
    }
    try show(model.evaluate(tokens, source: data), of: part ?? .all)
  }

  /// The model, unless it is a language model, or none, of which its own type tells.
  private func storedModel() throws(UnrollError) -> (any StoredModel)? {
    guard let paradigm = try? ModelFolder.paradigm(of: folder), paradigm != "text" else { return nil }
    return try StoredModels.open(folder)
  }

  private func measure(_ model: any StoredModel) throws {
    guard part == nil else {
      throw UnrollError(.usage, "--part is for language models", hint: "leave it out: all of the file is measured")
    }
    let model = try BeamOption(beam).applied(to: model)
    var bad = BadLines(skips: skipBadLines)
    let score: any ModelScore = try model.evaluate(data, &bad)
    try SkippedLines(bad.skipped).show(json: common.json)
    try show(score, of: .all)
  }

  private func show(_ score: any ModelScore, of part: Part) throws {
    try common.json
      ? Console.json(ModelScoreLine(part: part.rawValue, score: score)) : Console.write(score.text + "\n")
  }

  private func corpus(_ model: LanguageModel) throws -> TextCorpus {
    try TextCorpus(contentsOf: data, as: .vocabulary(model.vocabulary))
  }
}
