import Corpora
import Foundation
import Interchange
import Networks
import Paradigms
import Tensors
import Testing
import Training

/// Noise and normalisation inside a language model's layers.
@Suite struct TextRegularizationTests {
  private static let everything = Regularization(
    inputDropout: 0.1, stateDropout: 0.1, outputDropout: 0.1, recurrentDropout: 0.1, zoneout: ["cell": 0.1],
    dropConnect: 0.1, normalizesLayers: true)

  private func configuration(_ corpus: TextCorpus) -> TextConfiguration {
    var configuration = LanguageModelTests.configuration(corpus)
    configuration.network.regularization = Self.everything
    configuration.settings.epochs = 1
    return configuration
  }

  @Test func modelsAreReadBackWithIt() throws {
    let folder = LanguageModelTests.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let file = folder + ".txt"
    defer { try? FileManager.default.removeItem(atPath: file) }
    try String(repeating: "the cat sat on the mat. the rat sat on the cat. ", count: 40)
      .write(toFile: file, atomically: true, encoding: .utf8)
    let corpus = try TextCorpus(contentsOf: file)
    let training = try TextTraining(configuration(corpus), on: corpus, savingTo: folder)
    _ = try training.run()
    let model = try LanguageModel.load(from: folder)
    #expect(model.configuration.version == 4)
    #expect(model.configuration.network.regularization == Self.everything)
    #expect(model.network.parameterCount == model.configuration.parameterCount)
    #expect(model.network.parameters.contains { $0.path == "recurrent.layers.1.norms.forget.recurrent.gain" })
    let scores = try (0..<2).map { _ in try model.evaluate(corpus.test, source: "test").nats }
    #expect(scores[0] == scores[1] && scores[0] < 4)
    let resumed = try TextTraining(resuming: folder, epochs: 2)
    #expect(try resumed.run().reason == .finished)
  }

  @Test func ratesThatCannotBeAreRefused() throws {
    let corpus = try TextCorpus(LanguageModelTests.text)
    for (change, words) in [
      ({ $0.stateDropout = 1 }, "state-dropout is 1.0"), ({ $0.zoneout = ["cell": -0.5] }, "zoneout of `cell` is -0.5"),
      ({ $0.zoneout = ["memory": 0.5] }, "zoneout of `memory`"), ({ $0.dropConnect = .nan }, "drop-connect is nan"),
    ] as [((inout Regularization) -> Void, String)] {
      var configuration = configuration(corpus)
      change(&configuration.network.regularization!)
      let error = #expect(throws: UnrollError.self) {
        try TextTraining(configuration, on: corpus, savingTo: nil)
      }
      #expect(error?.message.contains(words) == true, "\(words)")
    }
  }

  /// Counted without making the layer.
  @Test(arguments: CellKind.allCases) func normsAreCounted(cell: CellKind) {
    for (input, hidden) in [(5, 7), (7, 7), (2, 3)] {
      var random = RandomSource(seed: 1)
      let layer = cell.layer(
        inputSize: input, hiddenSize: hidden, regularization: Regularization(normalizesLayers: true), using: &random)
      let count = cell.parameterCount(inputSize: input, hiddenSize: hidden, normalizesLayers: true)
      #expect(layer.parameterCount == count)
    }
  }
}
