import Foundation
import Testing
import Unroll

/// The code of the articles `Watching` and `Doctor`.
@Suite struct WatchingTests {
  private func objective() -> MemoryObjective {
    let problem = MemoryProblem.adding(AddingProblem(length: 20))
    var random = RandomSource(seed: 1)
    let network = MemoryNetwork(.lstm, layers: 1, hidden: 16, for: problem, using: &random)
    return MemoryObjective(network, on: problem, batch: 16, updatesPerEpoch: 30, seed: 1)
  }

  @Test func watching() throws {
    let objective = objective()
    var settings = TrainingSettings(epochs: 1, learningRate: 0.002)
    settings.watchInterval = 10
    var trainer = try Trainer(objective, settings: settings)
    var seen: [WatchReport] = []
    try trainer.run { event in
      if case .watch(let report) = event { seen.append(report) }
    }
    let hidden = seen[0].layers[0].states[0]
    #expect(seen.map(\.updatesDone) == [1, 11, 21])
    #expect(hidden.name == "hidden" && hidden.gradientNorms.count == 20)
    #expect(hidden.gradientNorms[0] < hidden.gradientNorms[19] && (hidden.decay ?? 1) < 1)
    #expect(hidden.gradientNormsFromEnd == hidden.gradientNorms.reversed())
    #expect(seen[0].parameters.allSatisfy { $0.gradientNorm > 0 && $0.updateNorm > 0 })
  }

  @Test func theDoctor() throws {
    let folder = NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var settings = TrainingSettings(epochs: 3, learningRate: 0.002)
    settings.watchInterval = 10
    // A limit of gradients that every update meets.
    settings.clipping = .norm(1e-4)
    var trainer = try Trainer(objective(), settings: settings, folder: folder)
    try trainer.run()

    let record = try TrainingRecord(of: folder)
    var found: [Diagnosis] = []
    for diagnosis in Doctor(history: record.epochs, watched: record.watched).diagnoses() { found.append(diagnosis) }
    #expect(record.epochs.count == 3 && record.watched.count == 9)
    #expect(found.map(\.kind) == [.constantClipping])
    #expect(throws: UnrollError.self) { try TrainingRecord(of: folder + "/nowhere") }
  }
}
