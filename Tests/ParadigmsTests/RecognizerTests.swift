import Corpora
import Foundation
import Interchange
import Paradigms
import Testing
import Training

/// Numbers that tell their class: one to one.
@Suite final class RecognizerTests {
  private let folder = NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)"

  init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(atPath: folder) }

  private func file(_ name: String, _ bytes: some Sequence<UInt8>) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: folder + "/" + name))
    return folder + "/" + name
  }

  private static func configuration() -> ModelConfiguration<RecognizerShape> {
    var shape = RecognizerShape()
    shape.hidden = [9, 7]
    shape.dropout = 0
    shape.inputDropout = 0
    shape.labelColumn = "kind"
    var configuration = Recognizer.configuration(shape)
    configuration.batch = 8
    configuration.settings = TrainingSettings(epochs: 40, learningRate: 0.02)
    return configuration
  }

  @Test func learnsATableAndComesBack() throws {
    let lines = (0..<80).map { i in
      let (x, y) = (Double(i % 9) * 100 - 400, Double(i % 7) / 100)
      return "\(x),\((x > 0) != (y > 0.03) ? "odd" : "even"),\(y)\n"
    }
    let path = try file("a.csv", ("x,kind,y\n" + lines.joined()).utf8)
    var bad = BadLines(skips: false)
    let training = try ExampleTraining<Recognizer>(
      Self.configuration(), on: TextFiles(path: path, validation: path, test: path), savingTo: folder + "/model", &bad)
    #expect(training.test.count == 80)
    try training.run()
    let model = try #require(try StoredModels.open(folder + "/model") as? Recognizer)
    #expect(model.score(of: training.test).accuracy > 0.97)
    #expect(model.score(of: training.test) == training.model.score(of: training.test))
    #expect(try model.predict(lines: ["-400,0.06", " 400 , 0.06"]).map { $0.text.prefix(3) } == ["odd", "eve"])
    for line in ["", "1", "1,2,3", "1,x", "1,nan"] {
      #expect(throws: UnrollError.self) { try model.predict(lines: [line]) }
    }
  }

  @Test func picturesHaveLabelsInAnotherFile() throws {
    let images = try file(
      "t-images-idx3-ubyte", [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 0, 128, 255, 7, 8, 9])
    var bad = BadLines(skips: false)
    func read() throws(UnrollError) -> [LabelledNumbers] {
      try LabelledNumbers.read(images, labelColumn: nil, hasHeader: false, &bad).samples
    }
    #expect(throws: UnrollError.self) { try read() }
    _ = try file("t-labels-idx1-ubyte", [0, 0, 8, 1, 0, 0, 0, 1, 4])
    #expect(throws: UnrollError.self) { try read() }
    _ = try file("t-labels-idx1-ubyte", [0, 0, 8, 1, 0, 0, 0, 2, 4, 9])
    let samples = try read()
    #expect(samples.map(\.values) == [[0, 128, 255], [7, 8, 9]] && samples.map(\.label) == ["4", "9"])
  }

  @Test(arguments: ["1,2,a\n3,b\n", "1,2,a\n3,x,b\n", "1,2,a\n3,4,\n", "1,2,a\n3,inf,b\n"])
  func badLinesAreErrorsOrCounted(text: String) throws {
    let path = try file("b.csv", text.utf8)
    var strict = BadLines(skips: false)
    let error = try #require(throws: UnrollError.self) {
      try LabelledNumbers.read(path, labelColumn: nil, hasHeader: false, &strict)
    }
    #expect(error.place == path + ":2" && error.hint?.contains("--skip-bad-lines") == true)
    var lax = BadLines(skips: true)
    #expect(try LabelledNumbers.read(path, labelColumn: nil, hasHeader: false, &lax).samples.count == 1)
    #expect(lax.skipped.count == 1)
  }
}
