import ArgumentParser
import Unroll

/// `unroll demo`.
struct DemoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo", abstract: "Train a small language model in under a minute, and see what it has learnt.",
    discussion: """
      The text is built in: names of languages, countries and currencies in ten European languages, from the CLDR that
      the Swift toolchain brings along. Nothing is downloaded.

        unroll demo
        unroll demo --out names      keep the model, to look into it afterwards
      """)

  @Option(help: "Keep the model in this folder.") var out: String?
  @Option(parsing: .unconditional, help: "Times to go through the text.") var epochs = 14
  @OptionGroup var common: CommonOptions

  func run() throws {
    common.apply()
    let corpus = try TextCorpus(PlainText(BuiltInCorpus.names(), source: "built-in names"))
    let training = try TextTraining(configuration(for: corpus), corpus: corpus, folder: out)
    if !common.json {
      Console.note(
        "A recurrent network reads \(corpus.training.count) characters of names, one after the other, and learns to "
          + "say\nwhich comes next. What it has read so far it knows from its state alone.\n")
    }
    var progress = ProgressLine(json: common.json)
    try training.run { progress.show($0) }
    try showSamples(of: training.model)
    if !common.json { Console.note(next) }
  }

  private func configuration(for corpus: TextCorpus) -> TextConfiguration {
    var configuration = TextConfiguration(for: corpus)
    configuration.network.hidden = 128
    configuration.network.embedding = 32
    configuration.length = 48
    configuration.batch = 16
    configuration.settings.epochs = epochs
    configuration.settings.learningRate = 0.01
    configuration.settings.schedule = .cosine(warmUp: 20, final: 0.05)
    return configuration
  }

  /// The same question in ten languages, and what the model answers: names that are not in its text, as a rule.
  private func showSamples(of model: TextModel) throws {
    if !common.json {
      try Console.write("\nWhat it writes after a prompt; * marks names that are in no line it has read:\n\n")
    }
    let known = Set(BuiltInCorpus.names().split(separator: "\n").map(String.init))
    for prompt in BuiltInCorpus.prompts {
      let answers = try (1...3).map { seed in
        let name = try line(after: prompt, of: model, seed: UInt64(seed))
        return known.contains(prompt + name) ? name : name + "*"
      }
      if common.json {
        try Console.json(Line(prompt: prompt, answers: answers))
      } else {
        try Console.write("  \(prompt)\(answers.joined(separator: ", "))\n")
      }
    }
  }

  private func line(after prompt: String, of model: TextModel, seed: UInt64) throws -> String {
    var text = ""
    // Lines begin after the end of another, as they did in the text.
    try model.generate(after: "\n" + prompt, length: 60, sampler: Sampler(temperature: 0.5, seed: seed)) { character in
      guard character != "\n" else { return false }
      text += character
      return true
    }
    return text
  }

  private var next: String {
    """

    Next:
      unroll train text --data poems.txt --out poems     a model of a text of your own
      unroll generate poems --prompt "The "              what it has learnt
      unroll inspect poems                               what it looks like inside
    """
  }

  private struct Line: Encodable {
    var event = "generated"
    let prompt: String
    let answers: [String]
  }
}
