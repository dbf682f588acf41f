import Foundation
import Unroll

/// One part of the demonstration: trains a model on examples, and shows what it answers to others.
struct DemoStage {
  let part: DemoCommand.Part
  let folder: String?
  let epochs: Int?
  let json: Bool

  /// An example that was held out, as it is shown.
  struct Shown {
    let input, answer, truth: String
  }

  /// Trains a model on nine tenths of the samples, mixed, and measures it on the rest.
  func train<Model: FileModel>(
    _ title: String, _ configuration: ModelConfiguration<Model.Shape>, on samples: [Model.Sample],
    as _: Model.Type
  ) throws -> (model: Model, test: [Model.Sample]) {
    say("\n\(title)\n")
    var configuration = configuration
    if let epochs { configuration.settings.epochs = epochs }
    let parts = Model.split(samples, configuration.shape, validation: false, test: true)
    let model = try Model(configuration, learningFrom: parts.training)
    let training = try ExampleTraining(
      model, on: parts.training.map(model.example(of:)), validation: [], savingTo: folder)
    let clock = ContinuousClock()
    let start = clock.now
    var progress = ProgressLine(json: json, unit: Model.units, judgedBy: Model.Score.judgedBy)
    let isLive = isatty(STDERR_FILENO) == 1
    try training.run { event in
      // Epochs take a second here: a line for each would be too many.
      if case .update = event, json || isLive { progress.show(event) }
    }
    progress.end()
    let seconds = Double((clock.now - start).components.seconds)
    let score = try model.evaluate(parts.test)
    if json {
      try Console.json(ModelScoreLine(part: part.rawValue, score: score))
    } else {
      let line = score.text.split(separator: "\n").first ?? ""
      say("  \(model.summary)")
      say("  \(parts.training.count) examples, \(Int(seconds)) s; of \(parts.test.count) others: \(line)")
    }
    return (model, parts.test)
  }

  /// Shows answers beside the truth.
  func show(_ examples: [Shown]) throws {
    if json {
      for example in examples { try Console.json(Line(part: part.rawValue, example)) }
      return
    }
    let width = examples.map(\.input.count).max() ?? 0
    for example in examples {
      let input = example.input + String(repeating: " ", count: width - example.input.count)
      let verdict = example.answer == example.truth ? "✓" : "✗ \(example.truth)"
      try Console.write("    \(input) → \(example.answer)  \(verdict)\n")
    }
  }

  func say(_ text: String) {
    if !json { Console.note(text) }
  }

  private struct Line: Encodable {
    var event = "prediction"
    let part, input, answer, truth: String

    init(part: String, _ shown: Shown) {
      self.part = part
      (input, answer, truth) = (shown.input, shown.answer, shown.truth)
    }
  }
}
