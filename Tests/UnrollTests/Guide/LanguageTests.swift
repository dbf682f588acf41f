import Foundation
import Testing
import Unroll

/// The code of the article `Language`.
@Suite struct LanguageTests {
  @Test func languageModel() throws {
    let folder = NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let file = folder + "/others.txt"
    try "suomi, maa: Ruotsi\n".write(toFile: file, atomically: true, encoding: .utf8)

    let corpus = try TextCorpus(PlainText(BuiltInCorpus.names()))  // lines such as "suomi, maa: Ranska"
    var configuration = TextConfiguration(for: corpus)
    (configuration.network.hidden, configuration.network.embedding) = (48, 16)
    (configuration.length, configuration.batch) = (32, 32)
    configuration.settings = TrainingSettings(epochs: 2, learningRate: 0.01, clipping: .norm(1))
    let (model, score) = try LanguageModel.train(configuration, on: corpus)  // score.bitsPerCharacter, score.perplexity

    let other = try model.evaluate(file)
    let next = try model.predict(["\nEnglish, countr"])[0]  // next.label: "y"; next.probabilities: of all characters

    var line = ""
    try model.generate(after: "\nsuomi, maa: ", length: 60, sampler: Sampler(temperature: 0.7, seed: 1)) { character in
      line += character
      return character != "\n"  // whether to go on
    }

    try model.save(to: folder + "/names")
    try model.save(to: folder + "/names-int8", as: .int8)  // a quarter of the size, for inference
    let same = try LanguageModel.load(from: folder + "/names")
    #expect(score.perplexity < 12 && other.tokens == 18, "\(score.text)")
    #expect(next.label == "y" && next.probability > 0.5, "\(next)")
    #expect(!line.isEmpty)
    #expect(try same.evaluate(file) == other)
    let small = try LanguageModel.load(from: folder + "/names-int8")
    #expect(small.precision == .int8)
  }
}
