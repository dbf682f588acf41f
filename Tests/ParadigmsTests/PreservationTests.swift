import Corpora
import Foundation
import Networks
import Paradigms
import Tensors
import TestSupport
import Testing
import Training

/// Trainings with the penalty that preserves gradients.
@Suite struct PreservationTests {
  private func objective(_ cell: CellKind = .gru) -> MemoryObjective {
    let problem = MemoryProblem.adding(AddingProblem(length: 12))
    var random = RandomSource(seed: 2)
    let network = MemoryNetwork(cell, layers: 2, hidden: 9, for: problem, using: &random)
    return MemoryObjective(network, on: problem, batch: 33, updatesPerEpoch: 3, seed: 3)
  }

  private func settings(_ factor: Float?) -> TrainingSettings {
    TrainingSettings(epochs: 3, learningRate: 0.01, watchInterval: 2, gradientPreservation: factor)
  }

  private func bits(_ objective: MemoryObjective) -> [[UInt32]] {
    objective.network.parameters.map { $0.parameter.value.values.map(\.bitPattern) }
  }

  private func trained(_ factor: Float?, threads: Int = 2) throws -> (bits: [[UInt32]], penalties: [Double?]) {
    let turn = ThreadTurn()
    defer { turn.end() }
    Threads.count = threads
    let own = objective()
    var penalties: [Double?] = []
    var trainer = try Trainer(own, settings: settings(factor))
    try trainer.run { if case .update(let update) = $0 { penalties.append(update.flowPenalty) } }
    return (bits(own), penalties)
  }

  @Test func threadsChangeNoBit() throws {
    let (one, three, none) = (try trained(2, threads: 1), try trained(2, threads: 3), try trained(nil))
    #expect(one.bits == three.bits && one.penalties == three.penalties)
    #expect(one.bits != none.bits && one.penalties.allSatisfy { $0 ?? 0 > 0 })
    #expect(none.penalties.allSatisfy { $0 == nil })
  }

  @Test func resumedIsUndisturbed() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("unroll-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let stop = StopRequest()
    var trainer = try Trainer(objective(), settings: settings(2), folder: folder, stop: stop)
    try trainer.run { if case .update(let update) = $0, update.updatesDone == 4 { stop.request() } }
    let own = objective()
    var second = try Trainer(own, settings: settings(2), folder: folder)
    #expect(try second.run(resuming: true).updatesDone == 9)
    #expect(try bits(own) == trained(2).bits)
  }

  /// With nothing but the penalty to follow, it falls.
  @Test(arguments: [CellKind.elman, .lstm]) func thePenaltyFalls(cell: CellKind) throws {
    let problem = MemoryProblem.adding(AddingProblem(length: 12))
    var random = RandomSource(seed: 2)
    let initialization = CellInitialization(recurrent: .orthogonal(gain: 0.6))
    let network = MemoryNetwork(
      cell, layers: 1, hidden: 9, for: problem, initialization: initialization, using: &random)
    let objective = MemoryObjective(network, on: problem, batch: 16, updatesPerEpoch: 60, seed: 3)
    var penalties: [Double] = []
    let settings = TrainingSettings(epochs: 1, learningRate: 0.01, gradientPreservation: 1000)
    var trainer = try Trainer(objective, settings: settings)
    try trainer.run { if case .update(let update) = $0, let penalty = update.flowPenalty { penalties.append(penalty) } }
    #expect(penalties.count == 60 && penalties[59] < 0.5 * penalties[0], "\(penalties[0]), \(penalties[59])")
  }

  @Test func aFactorIsAboveZero() {
    for factor: Float in [0, -1, .nan, .infinity] {
      #expect(throws: (any Error).self) { try settings(factor).validate() }
    }
    #expect(throws: Never.self) { try settings(0.5).validate() }
  }
}
