import Foundation
import Testing
import Unroll

/// The code of the article `StartSimple`.
@Suite struct StartSimpleTests {
  @Test func theLadder() throws {
    let folder = NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)"
    let path = folder + ".tsv"
    defer {
      try? FileManager.default.removeItem(atPath: folder)
      try? FileManager.default.removeItem(atPath: path)
    }
    let lines = (0..<120).map { "\(["good", "bad"][$0 % 2]) film\($0 % 7)\t\(["plus", "minus"][$0 % 2])\n" }
    try lines.joined().write(toFile: path, atomically: true, encoding: .utf8)
    var configuration = Classifier.configuration()
    configuration.shape.hidden = 16
    configuration.shape.embedding = 16
    configuration.settings.epochs = 1
    var choices = GrowthChoices()
    choices.mostRungs = 2

    var bad = BadLines(skips: false)
    let growth = try ExampleGrowth<Classifier>(
      configuration, choices: choices, on: TextFiles(path: path), savingTo: folder, &bad)
    let ladder = try growth.run()
    let classifier = try Classifier.load(from: folder)

    #expect(ladder?.rungs.count == 2 && classifier.labels.count == 2)
  }

  @Test func theRate() throws {
    let problem = MemoryProblem.adding(AddingProblem(length: 10))
    var random = RandomSource(seed: 1)
    let network = MemoryNetwork(.gru, layers: 1, hidden: 8, for: problem, using: &random)
    let objective = MemoryObjective(network, on: problem, batch: 16, updatesPerEpoch: 30, seed: 1)
    var settings = TrainingSettings(epochs: 1)

    let range = try LearningRateRange(of: objective, settings: settings)
    settings.learningRate = range.chosen

    #expect(settings.learningRate > 0 && settings.learningRate == range.edge / 10)
  }

  @Test func theGrowth() {
    func network(_ widths: [Int], seed: UInt64) -> Recurrent<GRU> {
      var random = RandomSource(seed: seed)
      return Recurrent(GRU(inputSize: 3, hiddenSize: widths[0], using: &random))
    }
    let batch = SequenceBatch([[[1, 2, 3], [4, 5, 6]], [[7, 8, 9]]])

    let (small, large) = (network([4], seed: 1), network([6], seed: 2))
    if let axes = UnitAxes(of: 1, { network($0, seed: 1) }) {
      Growth.widen(small, into: large, along: axes, from: [4], to: [6])
    }
    let (before, after) = (small(batch).output.rows, large(batch).output.rows)

    for row in 0..<3 {
      for unit in 0..<4 { #expect(abs(before.values[row * 4 + unit] - after.values[row * 6 + unit]) < 1e-6) }
    }
  }
}
