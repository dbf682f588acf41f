import Foundation
import Interchange
import Tensors
import Testing
import Training

extension TrainingTests {
  /// A rate is found, and nothing else changes.
  @Suite struct LearningRateRangeTests {
    private static let settings = TrainingSettings(rule: .adam())

    @Test func nothingIsChanged() throws {
      let objective = Regression()
      let values = objective.network.parameters.map(\.parameter.value)
      let range = try LearningRateRange(of: objective, settings: Self.settings)
      #expect(objective.network.parameters.map(\.parameter.value) == values)
      #expect(try LearningRateRange(of: objective, settings: Self.settings) == range)
      #expect(range.chosen == range.edge / 10 && range.points.contains { $0.learningRate == range.edge })
      // Regression has 4 updates an epoch.
      #expect(range.hasDiverged ? range.points.count < 100 : range.points.count == 100)
    }

    /// Rates rise by a factor, and the first loss is that of the weights as they are.
    @Test func ratesRise() throws {
      let range = try LearningRateRange(of: Regression(), settings: Self.settings, rates: 1e-3...10, updates: 41)
      let rates = range.points.map(\.learningRate)
      #expect(rates.first == 1e-3)
      for (a, b) in zip(rates, rates.dropFirst()) { #expect(abs(b / a - 1.2589) < 1e-3) }
      var objective = Regression()
      try objective.beginEpoch(0)
      let first = try objective.nextLoss().mean.scalar
      #expect(range.points.first?.loss == Double(first))
      #expect(range.points.first?.smoothed == range.points.first?.loss)
    }

    /// What is chosen lowers the loss, and ten times the edge raises it.
    @Test func theChosenRateLearns() throws {
      func loss(at rate: Float) throws -> Double {
        var last = 0.0
        var trainer = try Trainer(
          Regression(), settings: TrainingSettings(epochs: 8, learningRate: rate, rule: .sgd(), clipping: .none))
        do {
          try trainer.run { if case .epoch(let epoch) = $0 { last = epoch.trainingLoss } }
        } catch let error as UnrollError {
          #expect(error.kind == .notFinite)
          return .infinity
        }
        return last
      }
      let settings = TrainingSettings(rule: .sgd(), clipping: .none)
      let range = try LearningRateRange(of: Regression(), settings: settings)
      #expect(range.hasDiverged)
      #expect(try loss(at: range.chosen) < range.points[0].loss)
      #expect(try loss(at: 10 * range.edge) > range.points[0].loss)
    }

    @Test func withoutAFirstLossThereIsNoRate() throws {
      var objective = Regression()
      objective.poisonedUpdates = [0]
      let error = try #require(throws: UnrollError.self) {
        try LearningRateRange(of: objective, settings: Self.settings)
      }
      #expect(error.kind == .notFinite && error.hint?.contains("--learning-rate") == true)
    }
  }
}
