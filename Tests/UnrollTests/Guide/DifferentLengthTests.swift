import Foundation
import Testing
import Unroll

/// The code of the article `DifferentLength`.
@Suite struct DifferentLengthTests {
  @Test func translator() throws {
    let folder = NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let numbers = 0..<300
    let pairs = zip(
      BuiltInTasks.spelledNumbers(numbers, in: "en"), BuiltInTasks.spelledNumbers(numbers, in: "de")
    ).map { ParallelTexts.Pair(source: $0, target: $1) }
    var shape = TranslatorShape()
    (shape.hidden, shape.embedding, shape.attention, shape.merges) = (24, 12, 12, 0)  // no subwords: whole words
    var configuration = Translator.configuration(shape)
    configuration.settings = TrainingSettings(epochs: 2, learningRate: 0.01)
    var (translator, score) = try Translator.train(configuration, on: pairs)

    let bleu = try translator.evaluate(pairs).bleu
    translator.search.width = 3
    translator.showsAttention = true
    let answer = translator.predict(["two hundred ten"])[0]  // answer.text, answer.translations, answer.attention

    try translator.save(to: folder)
    let same = try Translator.load(from: folder)
    #expect(score?.sentences == 30 && (0...100).contains(bleu))
    #expect(answer.translations.count > 1 && answer.attention?.source == ["two", "hundred", "ten"])
    #expect(zip(answer.translations, answer.translations.dropFirst()).allSatisfy { $0.score >= $1.score })
    #expect(same.predict(["two hundred ten"], by: translator.search)[0].translations == answer.translations)
  }
}
