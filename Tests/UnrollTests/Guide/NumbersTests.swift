import Foundation
import Testing
import Unroll

/// The code of the article `Numbers`.
@Suite struct NumbersTests {
  @Test func forecaster() throws {
    let folder = NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    let (file, model) = (folder + "/tides.csv", folder + "/tides")
    let lines = (0..<400).map { hour in
      "\(hour),\(sin(Double(hour) * .pi / 6) + sin(Double(hour) * .pi / 31))\n"
    }
    try ("hour,level\n" + lines.joined()).write(toFile: file, atomically: true, encoding: .utf8)

    var shape = ForecasterShape()
    (shape.window, shape.horizon, shape.season, shape.hidden) = (24, 6, 12, 16)
    var configuration = Forecaster.configuration(shape)
    configuration.settings = TrainingSettings(epochs: 6, learningRate: 0.01)
    let (forecaster, score) = try Forecaster.train(configuration, on: TextFiles(path: file))
    // score?.model.mse beside score?.naive.mse: of the last fifth of the table

    let mae = try forecaster.evaluate(file).columnMAE["level"]  // in the column's own unit
    var bad = BadLines(skips: false)
    let series = try NumberSeries(contentsOf: file, SeriesColumns(), &bad)
    let steps = try forecaster.predict(after: series)  // steps[0].time, steps[0].values["level"]

    try forecaster.save(to: model)
    let same = try Forecaster.load(from: model)
    let found = try #require(score)
    #expect(found.model.mse < 0.5 * found.naive.mse && found.windows > 50, "\(found.text)")
    #expect(try #require(mae) < 1)
    #expect(steps.map(\.time) == (400..<406).map(String.init))
    #expect(try same.predict(after: series) == steps)
  }
}
