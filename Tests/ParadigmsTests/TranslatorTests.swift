import Corpora
import Foundation
import Interchange
import Networks
import Paradigms
import Recurrence
import Tensors
import Testing
import Training

/// Translation, on a language of the test's own: numbers in words are their digits the other way round.
@Suite struct TranslatorTests {
  static let pairs: [ParallelTexts.Pair] = {
    let names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    var random = RandomSource(seed: 1)
    return (0..<400).map { _ in
      let digits = (0..<1 + random.integer(below: 4)).map { _ in random.integer(below: 10) }
      return ParallelTexts.Pair(
        source: digits.map { names[$0] }.joined(separator: " "),
        target: digits.reversed().map { "\($0)" }.joined(separator: " "))
    }
  }()

  static func configuration(epochs: Int) -> ModelConfiguration<TranslatorShape> {
    var shape = TranslatorShape()
    (shape.hidden, shape.embedding, shape.attention, shape.merges) = (32, 16, 16, 20)
    (shape.dropout, shape.outputDropout, shape.labelSmoothing) = (0, 0, 0)
    let settings = TrainingSettings(epochs: epochs, learningRate: 0.01, clipping: .norm(1))
    return ModelConfiguration(paradigm: Translator.paradigm, shape: shape, batch: 16, settings: settings)
  }

  static let shared = Result {
    let model = try Translator(configuration(epochs: 12), learningFrom: pairs)
    try ExampleTraining(model, on: pairs.map(model.example), validation: [], savingTo: nil).run()
    return model
  }

  @Test func itLearnsToTranslate() throws {
    let model = try Self.shared.get()
    let score = try model.evaluate(Self.pairs)
    #expect(score.exact > 0.9 && score.bleu > 80, "\(score.text)")
    #expect(model.predict(["seven one"])[0].text == "1 7")
    #expect(model.network.parameterCount == model.configuration.shape.parameterCount)
  }

  /// Sizes that no machine has are refused before anything is built.
  @Test func hugeNetworksAreRefused() throws {
    var configuration = Self.configuration(epochs: 1)
    (configuration.shape.hidden, configuration.shape.layers) = (16_384, 64)
    let error = #expect(throws: UnrollError.self) { try Translator(configuration, learningFrom: Self.pairs) }
    #expect(error.map { $0.kind == .usage && $0.message.contains("memory") } == true)
  }

  /// Wider searches find what is at least as likely; scores fall; nothing is found twice.
  @Test func beamsFindBetterOnes() throws {
    let model = try Self.shared.get()
    let sentences = ["three four five six", "", "nine", "eight eight one", "unknown words"]
    let greedy = model.predict(sentences, by: BeamSearch(width: 1, alpha: 0)).map(\.translations)
    let wide = model.predict(sentences, by: BeamSearch(width: 6, alpha: 0)).map(\.translations)
    #expect(greedy.count == 5 && greedy[1][0].text == "")
    for (one, many) in zip(greedy, wide) {
      #expect(many[0].score >= one[0].score - 1e-4)
      #expect(many.map(\.score) == many.map(\.score).sorted(by: >))
      #expect(Set(many.map(\.words)).count == many.count)
    }
    #expect(wide[0].count >= 6)
  }

  /// Alone, in another order or in a larger batch, a sentence has the same translations.
  @Test func sentencesDoNotMeet() throws {
    let model = try Self.shared.get()
    let sentences = Self.pairs.prefix(20).map(\.source)
    let together = model.predict(sentences, by: BeamSearch(width: 3)).map(\.translations)
    for (i, sentence) in sentences.enumerated() {
      let alone = model.predict([sentence], by: BeamSearch(width: 3))[0].translations
      #expect(alone.map(\.text) == together[i].map(\.text))
      for (a, b) in zip(alone, together[i]) { #expect(abs(a.score - b.score) < 1e-4) }
    }
  }

  /// A translation's score is its log-probability by the training's own loss.
  @Test func scoresAreLogProbabilities() throws {
    let model = try Self.shared.get()
    for sentence in ["two five", "six six six one"] {
      let best = model.predict([sentence], by: BeamSearch(width: 4, alpha: 0))[0].translations[0]
      let pair = ParallelTexts.Pair(source: sentence, target: best.text)
      var evaluation = Evaluation.inference
      let loss = model.loss(of: [model.example(of: pair)], in: &evaluation)
      #expect(abs(Double(loss.sum.scalar) + best.score) < 1e-3)
      #expect(loss.units == best.words.count + 1)
    }
  }

  /// The decoder looks at the words from behind, as it writes them; a wrong sentence or translation looks elsewhere.
  @Test func attentionFollowsTheWords() throws {
    var model = try Self.shared.get()
    let best = model.predict(["seven one three"])[0].translations[0]
    let table = model.attention(from: "seven one three", to: best)
    #expect(best.text == "3 1 7" && table.target == ["3", "1", "7", "<eos>"])
    #expect(table.source.joined(separator: " ").replacing("@@ ", with: "") == "seven one three")
    for row in table.weights { #expect(row.count == table.source.count && abs(row.reduce(0, +) - 1) < 1e-5) }
    let places = table.weights.prefix(3).map { row in row.indices.reduce(0) { $0 + Float($1) * row[$1] } }
    #expect(places[0] > places[1] && places[1] > places[2], "\(table.text)")
    #expect(model.attention(from: "", to: best).weights.isEmpty)
    model.showsAttention = true
    let answers = model.predict(lines: ["seven one three", ""]).compactMap { $0 as? Translator.Answer }
    #expect(answers.map(\.attention) == [table, model.attention(from: "", to: best)])
    #expect(answers[0].best(2).translations.count == 2 && answers[0].ranked.count >= 5)
  }

  @Test func foldersKeepModels() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("unroll-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let model = try Translator(Self.configuration(epochs: 2), learningFrom: Self.pairs)
    let examples = Self.pairs.map(model.example)
    try ExampleTraining(
      model, on: Array(examples.prefix(300)), validation: Array(examples.suffix(50)), savingTo: folder
    ).run()
    let read = try Translator.load(from: folder)
    #expect(read.predict(["one two three"]) == model.predict(["one two three"]))
    #expect(read.encoding == model.encoding && read.targetTable == model.targetTable)
    for name in ["merges.txt", "source.json", "target.json", "weights.safetensors"] {
      let path = folder + "/" + name
      let data = try Data(contentsOf: URL(fileURLWithPath: path))
      try FileManager.default.removeItem(atPath: path)
      let error = #expect(throws: UnrollError.self) { try Translator.load(from: folder) }
      #expect(error?.kind == .missing)
      try data.write(to: URL(fileURLWithPath: path))
    }
    #expect(try ModelFolder.paradigm(of: folder) == "translate")
  }

  private struct Golden: Decodable {
    let translations, references: [String]
    let bleu, brevityPenalty, chrF: Double
    let precisions: [Double]
  }

  /// Values of `Tests/Golden/translation.py`, by sacrebleu.
  @Test func measuresAreSacrebleus() throws {
    let path = #filePath.replacing("ParadigmsTests/TranslatorTests.swift", with: "Golden/translation.json")
    let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    func words(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }
    let bleu = BLEU(golden.translations.map(words), references: golden.references.map { [words($0)] })
    #expect(abs(bleu.score() - golden.bleu) < 1e-6)
    #expect(abs(bleu.brevityPenalty - golden.brevityPenalty) < 1e-9)
    for (a, b) in zip(bleu.precisions, golden.precisions) { #expect(abs(100 * a - b) < 1e-9) }
    #expect(abs(chrF(golden.translations, references: golden.references) - golden.chrF) < 1e-6)
    #expect(BLEU([[]], references: [[["a"]]]).score() == 0)
    #expect(chrF([""], references: ["a"]) == 0)
    // Of several references the best count of each n-gram, and the nearest length.
    let two = BLEU([["a", "b"]], references: [[["a", "x"], ["y", "b", "z"]]])
    // One of one pair of words is none: (0 + 1) / (1 + 1).
    #expect(abs(two.smoothedScore() - 100 * 0.5.squareRoot()) < 1e-9)
    #expect(BLEU([[]], references: [[["a"]]]).smoothedScore() == 0)
    #expect(bleu.smoothedScore() > bleu.score() && bleu.smoothedScore() < bleu.score() + 2)
    #expect(two.precisions[0] == 1 && two.referenceLength == 2)
  }
}
