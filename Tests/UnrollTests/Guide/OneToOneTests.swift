import Foundation
import Testing
import Unroll

/// The code of the article `OneToOne`.
@Suite struct OneToOneTests {
  @Test func recognizer() throws {
    let folder = NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    func pictures(_ count: Int, seed: UInt64) -> [LabelledNumbers] {
      BuiltInTasks.noisyDigits(count, noise: 0.1, seed: seed).map {
        LabelledNumbers(values: $0.dots, label: "\($0.digit)")
      }
    }
    var shape = RecognizerShape()
    shape.hidden = [64]
    var configuration = Recognizer.configuration(shape)
    configuration.settings = TrainingSettings(epochs: 8, learningRate: 0.005)
    let (recognizer, score) = try Recognizer.train(configuration, on: pictures(2_000, seed: 1))

    let others = pictures(200, seed: 2)
    let accuracy = try recognizer.evaluate(others).accuracy
    let answer = recognizer.predict([others[0].values])[0]  // answer.label, answer.probability

    try recognizer.save(to: folder)
    let same = try Recognizer.load(from: folder)
    #expect(accuracy > 0.8 && score?.examples == 200, "\(accuracy)")
    #expect(answer.probability > 0.1 && same.predict([others[0].values]) == [answer])
  }
}
