import Foundation
import Interchange
import Networks
import Tensors

/// A learning-rate range test (Smith 2017): the rate rises exponentially from update to update until the loss diverges,
/// and the losses on the way tell which rates learn.
///
///     let range = try LearningRateRange(of: objective, settings: settings)
///     settings.learningRate = range.chosen
///
/// The network and the objective are left as they were, and the same ones give the same rate.
public struct LearningRateRange: Sendable, Hashable, Codable {
  /// An update of the test.
  public struct Point: Sendable, Hashable, Codable {
    /// The rate of the update.
    public let learningRate: Float
    /// The minibatch's mean loss before it, in nats a unit.
    public let loss: Double
    /// The exponential mean of the losses so far.
    public let smoothed: Double
  }

  /// The test's updates, up to where the loss diverged.
  public let points: [Point]
  /// Whether the loss diverged: a smoothed loss of four times the lowest, or one that is not finite.
  public let hasDiverged: Bool
  /// The largest rate before the smoothed loss leaves its valley.
  public let edge: Float
  /// The rate to train at: a tenth of the edge.
  public let chosen: Float

  /// How much a mean keeps of what was before.
  private static let memory = 0.9
  /// By how much the chosen rate is below the edge.
  private static let margin: Float = 10

  /// Makes the test on a copy of the weights.
  ///
  /// - Parameters:
  ///   - objective: What to train; its first epochs are begun.
  ///   - settings: The optimiser's rule, groups and clipping; their learning rate and schedule have no part in it.
  ///   - rates: The first and the last rate; nil: 0.0001 to 1, of stochastic gradient descent 0.001 to 100.
  ///   - updates: Number of updates, 2 or more; nil: those of two epochs, but 100 at least and 400 at most.
  /// - Throws: A usage error when no update can be made, as the first loss or gradient is not finite; otherwise what
  ///   the objective throws.
  public init<Target: Objective>(
    of objective: Target, settings: TrainingSettings, rates: ClosedRange<Float>? = nil, updates: Int? = nil
  ) throws {
    // A rare word's vector has to be seen for the loss to fall: two epochs of a small set of data.
    let updates = updates ?? min(400, max(100, 2 * objective.updatesPerEpoch))
    let rates = rates ?? Self.rates(of: settings.rule)
    demand(
      updates >= 2 && rates.lowerBound > 0 && objective.updatesPerEpoch > 0,
      "LearningRateRange: \(updates) updates at \(rates), \(objective.updatesPerEpoch) in an epoch")
    var objective = objective
    let parameters = objective.network.parameters
    let values = parameters.map(\.parameter.value)
    defer { for (named, value) in zip(parameters, values) { named.parameter.value = value } }
    var optimizer = Optimizer(settings.rule, groups: settings.groups ?? [])
    var (points, mean, hasDiverged): ([Point], Double, Bool) = ([], 0, false)
    let ratio = Double(rates.upperBound / rates.lowerBound)
    for update in 0..<updates where !hasDiverged {
      if update % objective.updatesPerEpoch == 0 { try objective.beginEpoch(update / objective.updatesPerEpoch) }
      let rate = Float(Double(rates.lowerBound) * pow(ratio, Double(update) / Double(updates - 1)))
      var (loss, gradients) = try valueAndGradient(of: objective.network) { try objective.nextLoss().mean }
      let (norm, scale) = settings.clipping.clip(&gradients, of: parameters)
      guard loss.isFinite, norm.isFinite else {
        hasDiverged = true
        break
      }
      optimizer.update(parameters, with: gradients, learningRate: rate, gradientScale: scale)
      objective.afterUpdate()
      mean = Self.memory * mean + (1 - Self.memory) * Double(loss)
      let smoothed = mean / (1 - pow(Self.memory, Double(update + 1)))
      points.append(Point(learningRate: rate, loss: Double(loss), smoothed: smoothed))
      hasDiverged = smoothed > 4 * (points.map(\.smoothed).min() ?? smoothed)
    }
    guard let edge = Self.edge(of: points) else {
      throw UnrollError(
        .notFinite, "the first loss or gradient is not finite: no learning rate can be found",
        hint: "look at the data, or give a rate: --learning-rate")
    }
    self.points = points
    self.hasDiverged = hasDiverged
    self.edge = edge
    chosen = edge / Self.margin
  }

  private static func rates(of rule: UpdateRule) -> ClosedRange<Float> {
    if case .sgd = rule { 1e-3...100 } else { 1e-4...1 }
  }

  /// The last rate in the loss's valley, which ends where the loss has risen by a tenth of what it had fallen, and by a
  /// fiftieth of itself, which is noise.
  private static func edge(of all: [Point]) -> Float? {
    // A mean over a few losses says little.
    let points = all.dropFirst(min(all.count / 2, Int(1 / (1 - memory))))
    guard let first = points.first, let lowest = points.indices.min(by: { points[$0].smoothed < points[$1].smoothed })
    else { return nil }
    let valley = points[lowest].smoothed
    let rim = valley + 0.1 * (first.smoothed - valley) + 0.02 * abs(valley)
    return points[lowest...].last { $0.smoothed <= rim }?.learningRate
  }
}
