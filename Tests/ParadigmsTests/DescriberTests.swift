import Corpora
import Foundation
import Interchange
import Networks
import Paradigms
import Tensors
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
  private func files(hasPlaces: Bool) throws -> TextFiles { try Self.files(hasPlaces: hasPlaces, in: folder) }

  /// The same in a folder.
  static func files(hasPlaces: Bool, in folder: String) throws -> TextFiles {
    var values: [Float] = []
    var lines = ""
    func one(_ i: Int, of count: Int) -> [Float] { (0..<count).map { $0 == i ? 3 : 0.5 } }
    for i in 0..<54 {
      if hasPlaces {
        let own = [i % 3, i / 3 % 3, i / 9 % 3]
        for (place, colour) in own.enumerated() { values += one(colour, of: 3) + [Float(place)] }
        lines += "p\(i)\t\(own.map { colours[$0] }.joined(separator: " "))\n"
      } else {
        values += one(i % 3, of: 3) + one(i / 3 % 2, of: 2)
        lines += "p\(i)\tA \(colours[i % 3]) \(things[i / 3 % 2]).\n"
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

  static func configuration() -> ModelConfiguration<DescriberShape> {
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
      Self.configuration(), on: files, savingTo: folder + "/model", &bad)
    let shape = training.model.configuration.shape
    try training.run()
    let score = training.model.score(of: training.test)
    #expect(score.exact == 1 && abs(score.bleu[2] - 100) < 1e-9 && score.nats < 1, "\(score)")
    #expect(shape == Self.configuration().shape)
    let model = try #require(try StoredModels.open(folder + "/model") as? Describer)
    #expect(model.score(of: training.test).nats == score.nats)
    let answers = try model.predict(contentsOf: files.path, &bad)
    #expect(answers.count == 54 && answers[5].text == (hasPlaces ? "blue green red" : "a blue box"))
    // Names change nothing, and neither do neighbours.
    let pictures = try CaptionedPictures.read(features: folder + "/f.npy")
    let alone = try model.predict([pictures[5]])[0]
    #expect(alone.name == "6" && alone.text == answers[5].text && alone.captions.count >= 5)
    #expect(alone.captions == (answers[5] as? Describer.Answer)?.captions)
    #expect(zip(alone.captions, alone.captions.dropFirst()).allSatisfy { $0.score >= $1.score })
    let greedy = try model.predict(pictures, by: BeamSearch())
    #expect(greedy.map(\.text) == answers.map(\.text))
  }

  /// Squares and bars of three colours on two sides, of 9 x 8 pixels, in an IDX file.
  private func pixels() throws -> TextFiles {
    var random = RandomSource(seed: 2)
    var values: [UInt8] = []
    var lines = ""
    for i in 0..<150 {
      let (colour, isSquare, isLeft) = (i % 3, i / 3 % 2 == 0, i / 6 % 2 == 0)
      let (top, left) = (random.integer(below: 4), (isLeft ? 0 : 4) + random.integer(below: 2))
      var own = [UInt8](repeating: 255, count: 9 * 8 * 3)
      for y in top..<top + (isSquare ? 3 : 5) {
        for x in left..<left + (isSquare ? 3 : 1) {
          for channel in 0..<3 { own[(y * 8 + x) * 3 + channel] = channel == colour ? 250 : 10 }
        }
      }
      values += own
      lines += "p\(i)\tA \(Self.colours[colour]) \(isSquare ? "square" : "bar") on the \(isLeft ? "left" : "right")\n"
    }
    let bytes: [UInt8] = [0, 0, 8, 4, 0, 0, 0, 150, 0, 0, 0, 9, 0, 0, 0, 8, 0, 0, 0, 3] + values
    try Data(bytes).write(to: URL(fileURLWithPath: folder + "/images-idx4-ubyte"))
    try Data(lines.utf8).write(to: URL(fileURLWithPath: folder + "/list.tsv"))
    return TextFiles(path: "\(folder)/images-idx4-ubyte,\(folder)/list.tsv")
  }

  /// What is held out is described from its pixels.
  @Test func learnsFromPixels() throws {
    var bad = BadLines(skips: false)
    var configuration = Self.configuration()
    (configuration.shape.channels, configuration.settings.epochs) = ([8, 12], 60)
    let files = try pixels()
    let training = try ExampleTraining<Describer>(configuration, on: files, savingTo: folder + "/model", &bad)
    try training.run()
    let score = training.model.score(of: training.test)
    // One of twelve is right by chance.
    #expect(score.pictures == 15 && score.exact > 0.5, "\(score.text)")
    #expect(training.model.network.convolutions.map(\.outputSize) == [8, 12])
    let stored = try #require(try StoredModels.open(folder + "/model") as? Describer)
    let pictures = try CaptionedPictures.read(features: folder + "/images-idx4-ubyte")
    let answers = try stored.predict(pictures, by: BeamSearch(width: 2))
    #expect(try stored.predict([pictures[7]], by: BeamSearch(width: 2))[0].text == answers[7].text)
    let path = folder + "/model/features.json"
    let text = try String(contentsOfFile: path, encoding: .utf8)
    try text.replacing(": 72,", with: ": 71,").replacing(": 72\n", with: ": 71\n")
      .write(toFile: path, atomically: true, encoding: .utf8)
    let error = try #require(throws: UnrollError.self) { try StoredModels.open(self.folder + "/model") }
    #expect(error.place == path)
  }

  /// Pictures are moved while training, and then alone.
  @Test func picturesMoveWhileTraining() throws {
    var bad = BadLines(skips: false)
    let files = try pixels()
    var losses: [(still: Float, training: Float)] = []
    for shift in [0, 2] {
      var configuration = Self.configuration()
      (configuration.shape.channels, configuration.shape.shift) = ([4], shift)
      let training = try ExampleTraining<Describer>(configuration, on: files, savingTo: nil, &bad)
      var (still, noisy) = (Evaluation.inference, Evaluation.training(RandomSource(seed: 5)))
      let model = training.model
      losses.append(
        (model.loss(of: training.test, in: &still).sum.scalar, model.loss(of: training.test, in: &noisy).sum.scalar))
    }
    #expect(losses[0].still == losses[1].still && abs(losses[0].training - losses[0].still) < 1e-3)
    #expect(abs(losses[1].training - losses[1].still) > 1e-3)
  }

  @Test func featuresOfAnotherFormAreErrors() throws {
    var bad = BadLines(skips: false)
    let training = try ExampleTraining<Describer>(
      Self.configuration(), on: files(hasPlaces: false), savingTo: nil, &bad)
    _ = try files(hasPlaces: true)
    let error = try #require(throws: UnrollError.self) {
      try training.model.predict(contentsOf: self.folder + "/f.npy", &bad)
    }
    #expect(error.message.contains("extents [3, 4], and the model reads [5]") && error.place == folder + "/f.npy")
  }
}
