import Foundation
import Unroll

extension DemoStage {
  private func settings(_ epochs: Int, _ learningRate: Float) -> TrainingSettings {
    TrainingSettings(
      epochs: epochs, learningRate: learningRate, schedule: .cosine(warmUp: 20, final: 0.02), clipping: .norm(1))
  }

  /// So many of the samples, from all over them.
  private func some<T>(_ count: Int, of samples: [T]) -> [T] {
    (0..<min(count, samples.count)).map { samples[(2 * $0 + 1) * samples.count / (2 * count)] }
  }

  /// One to one.
  func recognize() throws {
    var shape = RecognizerShape()
    shape.hidden = [64]
    var configuration = Recognizer.configuration(shape)
    (configuration.batch, configuration.settings) = (64, settings(20, 0.005))
    // Each picture once: none that is measured with may stand among those that are trained on.
    var seen: Set<[Float]> = []
    let digits = BuiltInTasks.noisyDigits(5_000, noise: 0.12, seed: 1).filter { seen.insert($0.dots).inserted }
    let samples = digits.map { LabelledNumbers(values: $0.dots, label: "\($0.digit)") }
    let (model, test) = try train(
      "One to one: a picture of 7 × 5 dots, one in eight of them wrong → which digit it is. No cycle at all.",
      configuration, on: samples, as: Recognizer.self)
    let own = some(6, of: test)
    try show(
      zip(own, model.predict(own.map(\.values))).map { sample, answer in
        let rows = stride(from: 0, to: 35, by: 5).map { row in
          sample.values[row..<row + 5].map { $0 > 0 ? "█" : "·" }.joined()
        }
        return Shown(input: rows.joined(separator: " "), answer: answer.label, truth: sample.label)
      })
  }

  /// One to many.
  func describe() throws {
    var shape = DescriberShape()
    (shape.hidden, shape.embedding, shape.features, shape.minimumCount) = (64, 32, 64, 1)
    (shape.dropout, shape.featureDropout, shape.outputDropout, shape.labelSmoothing) = (0, 0, 0.1, 0)
    var configuration = Describer.configuration(shape)
    (configuration.batch, configuration.settings) = (16, settings(24, 0.005))
    let numbers = Array(0..<1000)
    // A number is its three digits, each a one among ten.
    let features = NumPyArray(
      extents: [numbers.count, 30],
      values: numbers.flatMap { number in
        [number / 100, number / 10 % 10, number % 10].flatMap { digit in (0..<10).map { $0 == digit ? 1 : 0 } }
      })
    let words = BuiltInTasks.spelledNumbers(numbers, in: "fr")
    let samples = zip(numbers, words).map { number, words in
      CaptionedPicture(name: "\(number)", row: number, features: features, captions: [words])
    }
    let (model, test) = try train(
      "One to many: a number, three digits at once → its words in French, one after the other.",
      configuration, on: samples, as: Describer.self)
    let own = some(5, of: test)
    try show(
      zip(own, model.predict(own)).map { Shown(input: $0.name, answer: $1.text, truth: $0.captions[0]) })
  }

  /// Many to one.
  func classify() throws {
    var shape = ClassifierShape(.characters)
    (shape.hidden, shape.embedding) = (48, 24)
    var configuration = Classifier.configuration(shape)
    (configuration.batch, configuration.settings) = (64, settings(6, 0.01))
    let samples = BuiltInTasks.namesByLanguage().map { LabelledText(text: $0.name, label: $0.language) }
    let (model, test) = try train(
      "Many to one: the characters of a name of a country, language or currency → which language it is written in.",
      configuration, on: samples, as: Classifier.self)
    let own = some(6, of: test)
    try show(
      zip(own, model.predict(own.map(\.text))).map { Shown(input: $0.text, answer: $1.label, truth: $0.label) })
  }

  /// Many to many of the same length.
  func tag() throws {
    var shape = TaggerShape()
    (shape.layers, shape.hidden, shape.wordVector, shape.characterVector, shape.characterHidden) = (1, 32, 24, 12, 16)
    var configuration = Tagger.configuration(shape)
    (configuration.batch, configuration.settings) = (32, settings(4, 0.01))
    let days = CalendarTime.Period.day.rawValue
    let samples = ["en", "de", "fr", "es", "it", "pl"].enumerated().flatMap { i, language in
      let moments = (0..<250).map { CalendarTime(seconds: ($0 * 89 + i * 13) * days, precision: .day) }
      return BuiltInTasks.dates(moments, in: language).map { TaggedSentence(words: $0.words, tags: $0.tags) }
    }
    let (model, test) = try train(
      "Many to many, the same length: the words of a date in one of six languages → what each of them is.",
      configuration, on: samples, as: Tagger.self)
    let own = some(5, of: test)
    try show(
      zip(own, model.predict(own.map(\.words))).map { sample, answer in
        Shown(
          input: sample.words.joined(separator: " "), answer: answer.tags.joined(separator: " "),
          truth: sample.tags.joined(separator: " "))
      })
  }

  /// Many to many of different length.
  func translate() throws {
    var shape = TranslatorShape()
    (shape.hidden, shape.embedding, shape.attention, shape.merges) = (64, 32, 32, 0)
    (shape.dropout, shape.outputDropout, shape.labelSmoothing) = (0.1, 0.1, 0)
    var configuration = Translator.configuration(shape)
    (configuration.batch, configuration.settings) = (16, settings(16, 0.005))
    let numbers = 0..<1000
    let samples = zip(
      BuiltInTasks.spelledNumbers(numbers, in: "en"), BuiltInTasks.spelledNumbers(numbers, in: "de")
    ).map { ParallelTexts.Pair(source: $0, target: $1) }
    let (model, test) = try train(
      "Many to many, another length: a number in English words → in German, which says units before tens.",
      configuration, on: samples, as: Translator.self)
    let own = some(5, of: test)
    try show(
      zip(own, model.predict(own.map(\.source))).map { Shown(input: $0.source, answer: $1.text, truth: $0.target) })
  }
}
