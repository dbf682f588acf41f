import Corpora
import Foundation
import Interchange
import Paradigms
import Testing
import Training

/// Numbers over time and how they go on.
@Suite final class ForecasterTests {
  private let folder = NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)"

  init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// A wave of period 12 and twice its height upside down, on a slope.
  private static func row(_ i: Int) -> (a: Double, b: Double) {
    let wave = sin(Double(i) * .pi / 6)
    return (10 + wave + Double(i) / 50, -2 * wave)
  }

  private func table(_ name: String, rows: Int = 260, changed: Range<Int> = 0..<0) throws -> String {
    let lines = (0..<rows).map { i in
      let (a, b) = Self.row(i)
      return "\(i),\(changed.contains(i) ? 1e6 : a),\(b)\n"
    }
    let path = folder + "/" + name
    try Data(("t,a,b\n" + lines.joined()).utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  private static func configuration(_ change: (inout ForecasterShape) -> Void = { _ in })
    -> ModelConfiguration<ForecasterShape>
  {
    var shape = ForecasterShape()
    (shape.window, shape.horizon, shape.season, shape.hidden, shape.dropout) = (18, 5, 12, 12, 0)
    shape.split = [180, 40, 40]
    change(&shape)
    var configuration = Forecaster.configuration(shape)
    configuration.batch = 16
    configuration.settings = TrainingSettings(epochs: 12, learningRate: 0.01)
    return configuration
  }

  private func training(
    _ path: String, _ name: String, _ change: (inout ForecasterShape) -> Void = { _ in }
  ) throws -> ExampleTraining<Forecaster> {
    var bad = BadLines(skips: false)
    return try ExampleTraining<Forecaster>(
      Self.configuration(change), on: TextFiles(path: path), savingTo: folder + "/" + name, &bad)
  }

  @Test(arguments: [true, false]) func learnsAWaveAndComesBack(isLinear: Bool) throws {
    let path = try table("wave.csv")
    let training = try training(path, "model") {
      $0.isLinear = isLinear
      $0.targets = ["b", "a"]
    }
    try training.run()
    let score = training.model.score(of: training.test)
    #expect(score.windows == 36 && score.model.mse < 0.05 * score.naive.mse, "\(score)")
    #expect(try score.model.mse < #require(score.seasonalNaive).mse)
    let model = try #require(try StoredModels.open(folder + "/model") as? Forecaster)
    #expect(model.score(of: training.test) == score)
    var bad = BadLines(skips: false)
    let steps = try model.predict(contentsOf: path, &bad)
    #expect(steps.count == 5 && steps[0].text.hasPrefix("260,") && steps[4].text.hasPrefix("264,"))
    for (k, step) in steps.enumerated() {
      let values = try #require(step as? Forecaster.Step).values
      let truth = Self.row(260 + k)
      #expect(abs(Double(values["a"] ?? 0) - truth.a) < 0.5 && abs(Double(values["b"] ?? 0) - truth.b) < 0.6)
    }
  }

  /// What is held out is nowhere in what is trained on: not in the numbers that standardise, nor in a weight.
  @Test func whatComesLaterChangesNoWeight() throws {
    let models = try [0..<0, 180..<260].enumerated().map { i, changed in
      let training = try training(try table("\(i).csv", changed: changed), "model\(i)") { $0.split = [180, 0, 0] }
      #expect(training.test.isEmpty)
      try training.run()
      return training.model
    }
    for (a, b) in zip(models[0].network.parameters, models[1].network.parameters) {
      #expect(a.parameter.tensor == b.parameter.tensor, "\(a.path)")
    }
  }

  /// Parts are cut in time: no row that one part forecasts is forecast in another.
  @Test func partsFollowOneAnother() throws {
    var bad = BadLines(skips: false)
    let shape = Self.configuration().shape
    let windows = try Forecaster.samples(in: table("a.csv"), as: shape, &bad).samples
    #expect(windows.first?.origin == 18 && windows.last?.origin == 255)
    let parts = Forecaster.split(windows, shape, validation: true, test: true)
    func rows(_ part: [Forecaster.Window]) -> [Int] {
      part.isEmpty ? [] : [part[0].origin, part[part.count - 1].origin + 5]
    }
    #expect(
      rows(parts.training) == [18, 180] && rows(parts.validation) == [180, 220] && rows(parts.test) == [220, 260])
    let own = Forecaster.split(windows, shape, validation: false, test: false)
    #expect(rows(own.training) == [18, 260] && own.validation.isEmpty && own.test.isEmpty)
    var shares = shape
    shares.split = [0.5, 0.25, 0.25]
    let half = Forecaster.split(windows, shares, validation: true, test: false)
    #expect(rows(half.training) == [18, 130] && rows(half.validation) == [130, 260] && half.test.isEmpty)
  }

  @Test func tablesThatDoNotFitAreErrors() throws {
    let short = try table("short.csv", rows: 22)
    let error = try #require(throws: UnrollError.self) { try self.training(short, "a") }
    #expect(error.message.contains("22 rows") && error.place == short)
    let path = try table("b.csv")
    #expect(throws: UnrollError.self) { try self.training(path, "b") { $0.targets = ["c"] } }
    let training = try training(path, "c")
    try training.run()
    let other = folder + "/other.csv"
    try Data("t,a,c\n1,2,3\n".utf8).write(to: URL(fileURLWithPath: other))
    for (path, part) in [(other, "no column `b`"), (try table("tiny.csv", rows: 17), "17 rows")] {
      var bad = BadLines(skips: false)
      let error = try #require(throws: UnrollError.self) { try training.model.predict(contentsOf: path, &bad) }
      #expect(error.message.contains(part) && error.place?.hasPrefix(path) == true, "\(error)")
    }
  }

  @Test(arguments: [[0.5, 0.3, 0.3], [0.7, 0.1], [0, 0.5, 0.5], [1.5, 2, 3], [-1, 1, 0], [.nan, 0, 0]])
  func splitsThatCannotBeAreErrors(split: [Double]) {
    var shape = ForecasterShape()
    shape.split = split
    #expect(throws: UnrollError.self) { try shape.validate(at: nil) }
  }
}
