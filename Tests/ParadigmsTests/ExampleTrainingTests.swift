import Corpora
import Foundation
import Interchange
import Networks
import Paradigms
import Tensors
import Testing
import Training

/// Contracts of every model of examples, kept by a small tagger.
@Suite struct ExampleTrainingTests {
  private static func tagger(seed: UInt64 = 1) throws -> Tagger {
    var configuration = TaggerTests.configuration()
    configuration.settings.epochs = 2
    configuration.seed = seed
    configuration.data = DataSource(path: "names", checksum: "1")
    return try Tagger(configuration, learningFrom: TaggerTests.sentences(50))
  }

  private static func examples(_ tagger: Tagger) throws -> [Tagger.Example] {
    try TaggerTests.sentences(50).map(tagger.example)
  }

  private final class Folder {
    let path = NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)"
    deinit { try? FileManager.default.removeItem(atPath: path) }
    var weights: Data { get throws { try Data(contentsOf: URL(fileURLWithPath: path + "/weights.safetensors")) } }
  }

  private static func losses(_ objective: ExampleObjective<Tagger>, _ count: Int) throws -> [Float] {
    var objective = objective
    return (0..<count).map { _ in objective.nextLoss().mean.scalar }
  }

  /// The losses of an epoch depend on seed and epoch alone, not on what was done before.
  @Test func theOrderDependsOnSeedAndEpochAlone() throws {
    let tagger = try Self.tagger()
    let examples = try Self.examples(tagger)
    var objective = ExampleObjective(tagger, training: examples, validation: [])
    #expect(objective.updatesPerEpoch == 7)
    #expect(objective.validationLoss() == nil)
    var other = objective
    objective.beginEpoch(0)
    let first = try Self.losses(objective, 7)
    other.beginEpoch(3)
    other.beginEpoch(0)
    #expect(try Self.losses(other, 7) == first)
    other.beginEpoch(1)
    #expect(try Self.losses(other, 7) != first)
    // The same weights, another order.
    let seeded = try Self.tagger(seed: 2)
    for (a, b) in zip(seeded.network.parameters, tagger.network.parameters) { a.parameter.value = b.parameter.value }
    var third = ExampleObjective(seeded, training: examples, validation: [])
    third.beginEpoch(0)
    #expect(try Self.losses(third, 7) != first)
  }

  @Test func snapshotsGoOnWithTheSameLosses() throws {
    let tagger = try Self.tagger()
    var objective = ExampleObjective(tagger, training: try Self.examples(tagger), validation: [])
    objective.beginEpoch(1)
    for _ in 0..<3 { _ = objective.nextLoss() }
    var resumed = ExampleObjective(tagger, training: try Self.examples(tagger), validation: [])
    try resumed.restore(objective.snapshot)
    #expect(try Self.losses(resumed, 4) == Self.losses(objective, 4))
    var fewer = ExampleObjective(tagger, training: Array(try Self.examples(tagger).prefix(10)), validation: [])
    #expect(throws: UnrollError.self) { try fewer.restore(objective.snapshot) }
    for wrong in ["{}", #"{"epoch":-1,"batch":0,"random":{"seed":1,"stream":1,"position":0}}"#] {
      #expect(throws: UnrollError.self) { try fewer.restore(ObjectiveSnapshot(values: wrong)) }
    }
  }

  /// Interrupted after any update and resumed gives what it gives undisturbed, bit for bit.
  @Test(arguments: [1, 7, 10])
  func interruptedIsUndisturbed(after updates: Int) throws {
    let (straight, broken) = (Folder(), Folder())
    let tagger = try Self.tagger()
    let examples = try Self.examples(tagger)
    try ExampleTraining(tagger, on: examples, validation: examples, savingTo: straight.path).run()
    let stop = StopRequest()
    var done = 0
    let summary = try ExampleTraining(
      Self.tagger(), on: examples, validation: examples, savingTo: broken.path
    ).run(stop: stop) { event in
      if case .update = event { done += 1 }
      if done == updates { stop.request() }
    }
    #expect(summary.reason == .interrupted)
    let resumed = try ExampleTraining<Tagger>(resuming: broken.path, fresh: { $0.renewed() }) { model in
      (try Self.examples(model), try Self.examples(model), DataSource(path: "names", checksum: "1"))
    }
    #expect(try resumed.run().reason == .finished)
    #expect(try broken.weights == straight.weights)
    #expect(try Tagger.load(from: broken.path).score(of: examples) == tagger.score(of: examples))
  }

  @Test func wrongTrainingsAreErrors() throws {
    let folder = Folder()
    let tagger = try Self.tagger()
    let examples = try Self.examples(tagger)
    #expect(throws: UnrollError.self) {
      try ExampleTraining(tagger, on: [], validation: examples, savingTo: nil)
    }
    try ExampleTraining(tagger, on: examples, validation: [], savingTo: folder.path).run()
    let taken = try #require(throws: UnrollError.self) {
      try ExampleTraining(tagger, on: examples, validation: [], savingTo: folder.path)
    }
    #expect(taken.message.contains("holds a model already"))
    let other = try #require(throws: UnrollError.self) {
      try ExampleTraining<Tagger>(resuming: folder.path, fresh: { $0.renewed() }) { model in
        (try Self.examples(model), [], DataSource(path: "names", checksum: "2"))
      }
    }
    #expect(other.message.contains("not the data that the training began with"))
    #expect(try StoredModels.open(folder.path) is Tagger)
    for name in ["tags.json", "rare.json", "words.json", "weights.safetensors"] {
      let path = folder.path + "/" + name
      let kept = try Data(contentsOf: URL(fileURLWithPath: path))
      try FileManager.default.removeItem(atPath: path)
      #expect(throws: UnrollError.self) { try StoredModels.open(folder.path) }
      try kept.write(to: URL(fileURLWithPath: path))
    }
    try Data("{}".utf8).write(to: URL(fileURLWithPath: folder.path + "/config.json"))
    #expect(throws: UnrollError.self) { try StoredModels.open(folder.path) }
  }
}
