import Corpora
import Foundation
import Interchange
import Networks
import Paradigms
import Tensors
import Testing

/// Language models in fewer bits.
@Suite struct TextPrecisionTests {
  /// Trains a small model, writes it in both precisions, and opens them.
  @Test(arguments: [CellKind.lstm, .gru])
  func roundedModelsAreReadBackAndKnowNearlyAsMuch(cell: CellKind) throws {
    let folder = LanguageModelTests.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let corpus = try TextCorpus(LanguageModelTests.text)
    var configuration = LanguageModelTests.configuration(corpus, cell: cell)
    configuration.settings.epochs = 6
    try TextTraining(configuration, on: corpus, savingTo: folder + "/exact").run()
    let model = try LanguageModel.load(from: folder + "/exact")
    let exact = try model.evaluate(corpus.training, source: "text").nats
    for (precision, change) in [(Precision.bfloat16, 0.01), (.int8, 0.03)] {
      let path = folder + "/\(precision)"
      try model.save(to: path, as: precision)
      let rounded = try LanguageModel.load(from: path)
      #expect(rounded.precision == precision && rounded.configuration.version == 2)
      let nats = try rounded.evaluate(corpus.training, source: "text").nats
      #expect(abs(nats - exact) < change * exact, "\(precision): \(exact) became \(nats)")
      #expect(nats != exact)
      var written = ""
      try rounded.generate(after: "the cat s", length: 20, sampler: Sampler(temperature: 0)) {
        written += $0
        return true
      }
      #expect(written.hasPrefix("at on the "), "\(precision): \(written)")
      #expect(size(path) < size(folder + "/exact") * (precision == .int8 ? 45 : 60) / 100)
      try expectRefusals(model, rounded, at: path)
    }
  }

  private func size(_ folder: String) -> Int {
    FileManager.default.contents(atPath: folder + "/weights.safetensors")?.count ?? 0
  }

  private func expectRefusals(_ model: LanguageModel, _ rounded: LanguageModel, at path: String) throws {
    func refused(_ says: String, _ kind: UnrollError.Kind, _ body: () throws -> Void) {
      let error = #expect(throws: UnrollError.self) { try body() }
      #expect(error?.kind == kind && error?.message.contains(says) == true, "\(error?.description ?? "-")")
    }
    refused("holds a model already", .usage) { try model.save(to: path, as: .bfloat16) }
    refused("is rounded to", .usage) { try rounded.save(to: path + "-again", as: .int8) }
    #expect(!FileManager.default.fileExists(atPath: path + "-again"))
    // Weights and configuration of different models.
    let weights = try #require(FileManager.default.contents(atPath: path + "/weights.safetensors"))
    let exact = URL(fileURLWithPath: path).deletingLastPathComponent().path + "/exact/weights.safetensors"
    let other = try #require(FileManager.default.contents(atPath: exact))
    try AtomicFile.write(other, to: path + "/weights.safetensors")
    refused("is F32; in \(rounded.precision)", .invalidData) { _ = try LanguageModel.load(from: path) }
    try AtomicFile.write(weights, to: exact)
    refused("only F32 is read", .invalidData) { _ = try LanguageModel.load(from: path + "/../exact") }
    try AtomicFile.write(other, to: exact)
    try AtomicFile.write(weights, to: path + "/weights.safetensors")
  }

  @Test func versionAndPrecisionGoTogether() throws {
    var configuration = LanguageModelTests.configuration(try TextCorpus(LanguageModelTests.text))
    try configuration.validate()
    for (version, precision) in [(2, Precision?.none), (2, .float32), (1, .int8), (1, .float32)] {
      (configuration.version, configuration.precision) = (version, precision)
      let error = #expect(throws: UnrollError.self) { try configuration.validate(at: "config.json") }
      #expect(error?.kind == .invalidData && error?.message.contains("precision") == true)
    }
  }
}
