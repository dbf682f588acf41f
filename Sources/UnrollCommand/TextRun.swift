import Foundation
import Unroll

/// A training of a language model as the command line shows it: what is trained, its progress, the result, what to do
/// next.
struct TextRun {
  let training: TextTraining
  let folder: String
  let json: Bool
  /// Whether the gradients are shown.
  let watches: Bool
  let tensorboard: TensorBoardFolder?

  /// Returns what was measured; nil when the training was interrupted.
  func run() throws -> [Measure]? {
    let stop = StopRequest()
    let interruption = Interruption(requesting: stop)
    defer { interruption.end() }
    introduce()
    var progress = ProgressLine(
      json: json, unit: training.model.vocabulary.unit.rawValue, watches: watches,
      window: training.model.configuration.length)
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
    let score = try training.model.evaluate(training.corpus.test, source: "the test part")
    if json {
      try Console.json(ModelScoreLine(part: "test", score: score))
    } else {
      note("test: \(score.text)")
      note("to see what it has learnt: unroll generate \(folder) --length 500")
    }
    let validation = summary.bestValidationLoss.map { [Measure(part: "validation", name: "nats", value: $0)] } ?? []
    return validation + score.measures.map { Measure(part: "test", name: $0.name, value: $0.value) }
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
    case .graphemes, .bytes, .words, .subwords:
      "\(corpus.training.count + corpus.validation.count + corpus.test.count) \(corpus.vocabulary.unit), "
        + "a vocabulary of "
        + "\(corpus.vocabulary.count)"
    }
  }

  private func note(_ text: String) {
    if !json { Console.note(text) }
  }
}
