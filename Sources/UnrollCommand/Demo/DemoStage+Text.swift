import Foundation
import Unroll

extension DemoStage {
  /// Many to many, one step ahead: a language model.
  func writeNames() throws {
    say(
      "\nMany to many, itself one step ahead: a language model reads names, character by character, and says which "
        + "comes next.\n")
    let corpus = try TextCorpus(PlainText(BuiltInCorpus.names(), source: "built-in names"))
    let training = try TextTraining(configuration(for: corpus), on: corpus, savingTo: folder)
    var progress = ProgressLine(json: json)
    let isLive = isatty(STDERR_FILENO) == 1
    try training.run { event in
      if case .update = event, !json, !isLive { return }
      progress.show(event)
    }
    try showSamples(of: training.model)
  }

  private func configuration(for corpus: TextCorpus) -> TextConfiguration {
    var configuration = TextConfiguration(for: corpus)
    configuration.network.hidden = 128
    configuration.network.embedding = 32
    configuration.length = 48
    configuration.batch = 16
    configuration.settings.epochs = epochs ?? 10
    configuration.settings.learningRate = 0.01
    configuration.settings.schedule = .cosine(warmUp: 20, final: 0.05)
    return configuration
  }

  /// The same question in ten languages, and what the model answers: names that are not in its text, as a rule.
  private func showSamples(of model: LanguageModel) throws {
    if !json {
      try Console.write("  What it writes after a prompt; * marks names that are in no line it has read:\n")
    }
    let known = Set(BuiltInCorpus.names().split(separator: "\n").map(String.init))
    for prompt in BuiltInCorpus.prompts {
      let answers = try (1...3).map { seed in
        let name = try line(after: prompt, of: model, seed: UInt64(seed))
        return known.contains(prompt + name) ? name : name + "*"
      }
      if json {
        try Console.json(Line(prompt: prompt, answers: answers))
      } else {
        try Console.write("    \(prompt)\(answers.joined(separator: ", "))\n")
      }
    }
  }

  private func line(after prompt: String, of model: LanguageModel, seed: UInt64) throws -> String {
    var text = ""
    // Lines begin after the end of another, as they did in the text.
    try model.generate(after: "\n" + prompt, length: 60, sampler: Sampler(temperature: 0.5, seed: seed)) { character in
      guard character != "\n" else { return false }
      text += character
      return true
    }
    return text
  }

  private struct Line: Encodable {
    var event = "generated"
    let prompt: String
    let answers: [String]
  }
}
