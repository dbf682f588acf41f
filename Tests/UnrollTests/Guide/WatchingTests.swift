import Testing
import Unroll

/// The code of the article `Watching`.
@Suite struct WatchingTests {
  @Test func watching() throws {
    let problem = MemoryProblem.adding(AddingProblem(length: 20))
    var random = RandomSource(seed: 1)
    let network = MemoryNetwork(.lstm, layers: 1, hidden: 16, for: problem, using: &random)
    let objective = MemoryObjective(network, on: problem, batch: 16, updatesPerEpoch: 30, seed: 1)

    var settings = TrainingSettings(epochs: 1, learningRate: 0.002)
    settings.watchInterval = 10
    var trainer = try Trainer(objective, settings: settings)
    var seen: [WatchReport] = []
    try trainer.run { event in
      if case .watch(let report) = event { seen.append(report) }
    }

    let layer = seen[0].layers[0]
    let curve = layer.states[0].gradientNorms  // ‖∂L/∂h_t‖, from the first time step to the last
    let decay = layer.states[0].decay  // by how much it changes with each step away from the end
    let stuck = layer.gates.map { ($0.name, $0.saturatedLow + $0.saturatedHigh) }

    #expect(seen.map(\.updatesDone) == [1, 11, 21])
    #expect(layer.name == "recurrent.layers.0" && layer.states.map(\.name) == ["hidden", "cell"])
    #expect(curve.count == 20 && curve[0] < curve[19] && (decay ?? 1) < 1)
    #expect(layer.states[0].gradientNormsFromEnd == curve.reversed())
    #expect(stuck.map(\.0).sorted() == ["candidate", "forget", "input", "output"])
    #expect(stuck.allSatisfy { $0.1 >= 0 && $0.1 < 0.5 })
    #expect(seen[0].parameters.allSatisfy { $0.gradientNorm > 0 && $0.updateNorm > 0 })
  }
}
