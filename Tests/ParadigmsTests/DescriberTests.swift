import Corpora
import Foundation
import Interchange
import Paradigms
import Testing
import Training

/// Captions from features, and from places.
@Suite final class DescriberTests {
  private let folder = NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)"

  init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(atPath: folder) }

  private static let colours = ["red", "green", "blue"]
  private static let things = ["ball", "box"]

  /// Pictures of a colour and a thing, [count, 5]; or of three colours at three places, [count, 3, 4].
  private func files(hasPlaces: Bool) throws -> TextFiles {
    var values: [Float] = []
    var lines = ""
    func one(_ i: Int, of count: Int) -> [Float] { (0..<count).map { $0 == i ? 3 : 0.5 } }
    for i in 0..<54 {
      if hasPlaces {
        let own = [i % 3, i / 3 % 3, i / 9 % 3]
        for (place, colour) in own.enumerated() { values += one(colour, of: 3) + [Float(place)] }
        lines += "p\(i)\t\(own.map { Self.colours[$0] }.joined(separator: " "))\n"
      } else {
        values += one(i % 3, of: 3) + one(i / 3 % 2, of: 2)
        lines += "p\(i)\tA \(Self.colours[i % 3]) \(Self.things[i / 3 % 2]).\n"
      }
    }
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (54, \(hasPlaces ? "3, 4" : "5")), }\n"
    let bytes =
      [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8)
      + values.withUnsafeBytes { Array($0) }
    try Data(bytes).write(to: URL(fileURLWithPath: folder + "/f.npy"))
    try Data(lines.utf8).write(to: URL(fileURLWithPath: folder + "/list.tsv"))
    let path = "\(folder)/f.npy,\(folder)/list.tsv"
    return TextFiles(path: path, validation: path, test: path)
  }

  private static func configuration() -> ModelConfiguration<DescriberShape> {
    var shape = DescriberShape()
    (shape.hidden, shape.embedding, shape.features, shape.attention) = (24, 12, 16, 10)
    (shape.dropout, shape.outputDropout, shape.featureDropout, shape.labelSmoothing) = (0, 0, 0, 0)
    var configuration = Describer.configuration(shape)
    configuration.batch = 6
    configuration.settings = TrainingSettings(epochs: 30, learningRate: 0.01)
    return configuration
  }

  @Test(arguments: [false, true]) func learnsToDescribeAndComesBack(hasPlaces: Bool) throws {
    var bad = BadLines(skips: false)
    let files = try files(hasPlaces: hasPlaces)
    let training = try ExampleTraining<Describer>(
      Self.configuration(), files: files, folder: folder + "/model", &bad)
    let shape = training.model.configuration.shape
    try training.run()
    let score = training.model.score(training.test)
    #expect(score.exact == 1 && abs(score.bleu[2] - 100) < 1e-9 && score.nats < 1, "\(score)")
    #expect(shape == Self.configuration().shape)
    let model = try #require(try StoredModels.open(folder + "/model") as? Describer)
    #expect(model.score(training.test).nats == score.nats)
    let answers = try model.predictions(for: files.path, &bad)
    #expect(answers.count == 54 && answers[5].text == (hasPlaces ? "blue green red" : "a blue box"))
    // Names change nothing, and neither do neighbours.
    let pictures = try CaptionedPictures.read(features: folder + "/f.npy")
    let alone = try model.describe([pictures[5]])[0]
    #expect(alone.name == "6" && alone.text == answers[5].text && alone.captions.count >= 5)
    #expect(alone.captions == (answers[5] as? Describer.Answer)?.captions)
    #expect(zip(alone.captions, alone.captions.dropFirst()).allSatisfy { $0.score >= $1.score })
    let greedy = try model.describe(pictures, by: BeamSearch())
    #expect(greedy.map(\.text) == answers.map(\.text))
  }

  @Test func featuresOfAnotherFormAreErrors() throws {
    var bad = BadLines(skips: false)
    let training = try ExampleTraining<Describer>(
      Self.configuration(), files: files(hasPlaces: false), folder: nil, &bad)
    _ = try files(hasPlaces: true)
    let error = try #require(throws: UnrollError.self) {
      try training.model.predictions(for: self.folder + "/f.npy", &bad)
    }
    #expect(error.message.contains("extents [3, 4], and the model reads [5]") && error.place == folder + "/f.npy")
  }
}
