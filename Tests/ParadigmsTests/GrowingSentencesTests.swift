import Corpora
import Foundation
import Interchange
import Networks
import Paradigms
import Testing
import Training

/// Ladders of models that write sentences: they learn some of their sizes from the data.
@Suite struct GrowingSentencesTests {
  private static func folder() -> String { NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)" }

  private static func choices(rungs: Int) -> GrowthChoices {
    var choices = GrowthChoices()
    choices.mostRungs = rungs
    return choices
  }

  /// Interrupted in its second rung, resumed, and then a model like any other.
  @Test func translatorsGrow() throws {
    let folder = Self.folder()
    try TranslatorTests.pairs.prefix(160).map { "\($0.source)\t\($0.target)\n" }.joined().write(
      toFile: folder + ".tsv", atomically: true, encoding: .utf8)
    let files = TextFiles(path: folder + ".tsv")
    var bad = BadLines(skips: false)
    let known = TranslatorTests.configuration(epochs: 2)
    var configuration = Translator.configuration(known.shape)
    (configuration.batch, configuration.settings) = (known.batch, known.settings)
    let growth = try ExampleGrowth<Translator>(
      configuration, choices: Self.choices(rungs: 4), on: files, savingTo: folder, &bad)
    #expect(growth.ladder.limit.shape.sourceTokens > 10 && growth.ladder.limit.shape.targetTokens > 10)
    let stop = StopRequest()
    let none = try growth.run(stop: stop) { event in
      if case .begins(let rung) = event, rung.number == 2 { stop.request() }
    }
    #expect(none == nil)
    let ladder = try #require(try ExampleGrowth<Translator>(resuming: folder, &bad).run())
    #expect(ladder.rungs.map(\.beginning.step).prefix(2) == [.start, .gate] && ladder.rungs.count == 4)
    #expect(ladder.rungs[0].beginning.sizes == "1 × elman of 8")
    #expect(ladder.rungs[1].beginning.sizes == "1 × gru-reset-after of 8" && ladder.rungs[1].beginning.isGrown)
    // A writer reads [vector, state, memory], whose order no shape tells.
    let widened = try #require(ladder.rungs.first { $0.beginning.step == .widen }).beginning
    #expect(widened.isGrown)
    #expect(abs(widened.drift ?? 1) < 1e-5)
    let model = try Translator.load(from: folder)
    #expect(model.network.parameterCount == ladder.rungs[try #require(ladder.kept)].beginning.parameters)
    #expect(model.predict(["one two"]).count == 1)
  }

  @Test(arguments: [false, true]) func describersGrow(hasPlaces: Bool) throws {
    let folder = Self.folder()
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let files = try DescriberTests.files(hasPlaces: hasPlaces, in: folder)
    var configuration = DescriberTests.configuration()
    configuration.settings.epochs = 2
    var bad = BadLines(skips: false)
    let ladder = try #require(
      try ExampleGrowth<Describer>(
        configuration, choices: Self.choices(rungs: 4), on: files, savingTo: folder + "/model", &bad
      ).run())
    #expect(ladder.rungs.map(\.beginning.step).prefix(2) == [.start, .gate])
    let widened = try #require(ladder.rungs.first { $0.beginning.step == .widen }).beginning
    #expect(widened.isGrown)
    #expect(abs(widened.drift ?? 1) < 1e-5)
    // One layer writes: nothing is deepened.
    #expect(!ladder.rungs.contains { $0.beginning.step == .deepen })
    let model = try Describer.load(from: folder + "/model")
    #expect(try model.predict(contentsOf: files.path, &bad).count == 54)
  }
}
