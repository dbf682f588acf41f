import Foundation
import Unroll

/// A training of a language model as the command line shows it: what is trained, its progress, the result, what to do
/// next.
struct TextRun {
  let training: TextTraining
  let folder: String
  let json: Bool
  let tensorboard: TensorBoardFolder?

  /// Returns what was measured; nil when the training was interrupted.
  func run() throws -> [Measure]? {
    let stop = StopRequest()
    let interruption = Interruption(requesting: stop)
    defer { interruption.end() }
    introduce()
    var progress = ProgressLine(json: json, unit: training.model.vocabulary.unit.rawValue)
    let log = try tensorboard?.log(of: folder, training.model.configuration)
    let summary = try training.run(stop: stop) {
      progress.show($0)
      log?.record($0)
    }
    log?.showFailure()
    if summary.reason == .interrupted {
      note("to go on: unroll train text --out \(folder) --resume")
      return nil
    }
    let score = try training.model.score(training.corpus.test, source: "the test part")
    if json {
      try Console.json(ScoreLine(score, part: "test"))
    } else {
      note("test: \(ScoreLine(score, part: "test").text)")
      note("to see what it has learnt: unroll generate \(folder) --length 500")
    }
    let validation = summary.bestValidationLoss.map { [Measure(part: "validation", name: "nats", value: $0)] } ?? []
    let test = [("nats", score.nats), ("bitsPerCharacter", score.bitsPerCharacter), ("perplexity", score.perplexity)]
    return validation + test.compactMap { name, value in value.map { Measure(part: "test", name: name, value: $0) } }
  }

  private func introduce() {
    let model = training.model
    let network = model.configuration.network
    note(
      "\(network.layers) × \(network.cell.rawValue) of \(network.hidden), \(model.network.parameterCount) parameters;"
        + " \(training.corpus.source): \(size)")
  }

  private var size: String {
    let corpus = training.corpus
    return switch corpus.vocabulary.unit {
    case .characters: "\(corpus.characters) characters, \(corpus.vocabulary.count) different"
    case .words, .subwords:
      "\(corpus.training.count + corpus.validation.count + corpus.test.count) \(corpus.vocabulary.unit), "
        + "a vocabulary of "
        + "\(corpus.vocabulary.count)"
    }
  }

  private func note(_ text: String) {
    if !json { Console.note(text) }
  }
}

/// A score as it is printed.
struct ScoreLine: Encodable {
  let event = "score"
  let part: String
  let characters, words, subwords: Int?
  let nats, perplexity: Double
  let bitsPerCharacter: Double?

  init(_ score: TextModel.Score, part: String) {
    self.part = part
    characters = score.characters
    words = score.unit == .words ? score.tokens : nil
    subwords = score.unit == .subwords ? score.tokens : nil
    nats = score.nats
    bitsPerCharacter = score.bitsPerCharacter
    perplexity = score.perplexity
  }

  var text: String {
    if let subwords, let characters, let bitsPerCharacter {
      return String(
        format: "%.4f nats per subword, perplexity %.2f, %.4f bits per character (%d subwords, %d characters)", nats,
        perplexity, bitsPerCharacter, subwords, characters)
    }
    if let characters, let bitsPerCharacter {
      return String(
        format: "%.4f nats per character, %.4f bits per character, perplexity %.3f (%d characters)", nats,
        bitsPerCharacter, perplexity, characters)
    }
    return String(format: "%.4f nats per word, perplexity %.2f (%d words)", nats, perplexity, words ?? 0)
  }
}
