import Foundation
import Testing
import Unroll

/// The code of the article `TheDoctor`.
@Suite struct TheDoctorTests {
  @Test func theTraining() throws {
    let folder = NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let problem = MemoryProblem.adding(AddingProblem(length: 20))
    var random = RandomSource(seed: 1)
    let network = MemoryNetwork(.lstm, layers: 1, hidden: 16, for: problem, using: &random)
    let objective = MemoryObjective(network, on: problem, batch: 16, updatesPerEpoch: 30, seed: 1)
    // A limit of gradients that every update meets.
    var settings = TrainingSettings(epochs: 3, learningRate: 0.002, clipping: .norm(1e-4))
    settings.watchInterval = 10
    var trainer = try Trainer(objective, settings: settings, folder: folder)
    try trainer.run()

    let record = try TrainingRecord(of: folder)
    let found = Doctor(history: record.epochs, watched: record.watched).diagnoses()
    for diagnosis in found { print(diagnosis.title, diagnosis.evidence, diagnosis.advice) }

    #expect(record.epochs.count == 3 && record.watched.count == 9)
    #expect(found.map(\.kind) == [.constantClipping])
    #expect(throws: UnrollError.self) { try TrainingRecord(of: folder + "/nowhere") }
  }

  @Test func theData() {
    let texts = (0..<20).map { LabelledText(text: "text \($0)", label: "\($0 % 2)") }
    let others = (15..<25).map { LabelledText(text: "text \($0)", label: "\($0 % 2)") }

    let copies = DataDoctor.diagnoses(training: texts, heldOut: others, content: { ($0.text, $0.label) })

    #expect(copies.map(\.kind) == [.leakedData])
  }
}
