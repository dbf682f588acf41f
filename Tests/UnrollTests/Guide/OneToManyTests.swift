import Foundation
import Testing
import Unroll

/// The code of the article `OneToMany`.
@Suite struct OneToManyTests {
  @Test func describer() throws {
    let folder = NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    // A number is its two digits, each a one among ten; it is described by its name.
    let numbers = Array(0..<100)
    let features = NumPyArray(
      extents: [100, 20],
      values: numbers.flatMap { number in
        [number / 10, number % 10].flatMap { digit in (0..<10).map { $0 == digit ? 1 : 0 } }
      })
    let names = BuiltInTasks.spelledNumbers(numbers, in: "en")
    let pictures = numbers.map {
      CaptionedPicture(name: "\($0)", row: $0, features: features, captions: [names[$0]])
    }

    var shape = DescriberShape()
    (shape.hidden, shape.embedding, shape.features, shape.minimumCount) = (32, 16, 32, 1)
    (shape.dropout, shape.featureDropout, shape.outputDropout, shape.labelSmoothing) = (0, 0, 0, 0)
    var configuration = Describer.configuration(shape)
    configuration.settings = TrainingSettings(epochs: 40, learningRate: 0.01)
    let (describer, _) = try Describer.train(configuration, on: pictures, validation: [], test: [])

    let exact = try describer.evaluate(pictures).exact  // a share of 1, of captions that are right word for word
    let answer = try describer.predict([pictures[42]])[0]  // answer.text, answer.captions: best first, with scores

    try describer.save(to: folder)
    let same = try Describer.load(from: folder)
    #expect(exact > 0.8, "\(exact)")
    #expect(answer.text == "forty two" && answer.captions.count > 1)
    #expect(try same.predict([pictures[42]]) == [answer])
  }
}
