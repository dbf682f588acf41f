import Foundation
import Interchange
import Networks
import Training

/// How well a model does on validation data, part by part, so that models can be compared by what they differ in.
public struct Judgement: Hashable, Sendable, Codable {
  /// What each part is judged by; lower is better.
  public let values: [Double]
  /// What each part weighs: its examples, or tokens.
  public let weights: [Double]

  /// A judgement of parts.
  public init(values: [Double], weights: [Double]) { (self.values, self.weights) = (values, weights) }

  /// The mean over all parts.
  public var mean: Double { Self.mean(values, weights).mean }
  /// The standard error of the mean, from how the parts differ; nil of fewer than two.
  public var standardError: Double? { Self.mean(values, weights).error }

  /// By how much this is worse than another judgement on the same parts, and the standard error of this difference:
  /// much smaller than each one's own, as what is hard for one model is hard for the other.
  public func behind(_ other: Judgement) -> (mean: Double, error: Double?) {
    Self.mean(zip(values, other.values).map { $0 - $1 }, weights)
  }

  /// Whether this is no more than a standard error of their difference behind the best on the same parts.
  func isAsGood(as best: Judgement) -> Bool {
    let (difference, error) = behind(best)
    return difference <= error ?? 0
  }

  private static func mean(_ values: [Double], _ weights: [Double]) -> (mean: Double, error: Double?) {
    let all = weights.reduce(0, +)
    guard all > 0 else { return (0, nil) }
    let mean = zip(values, weights).reduce(0) { $0 + $1.0 * $1.1 } / all
    guard values.count > 1 else { return (mean, nil) }
    let squares = zip(values, weights).reduce(0) { $0 + $1.1 * $1.1 * ($1.0 - mean) * ($1.0 - mean) }
    let count = Double(values.count)
    return (mean, (squares * count / (count - 1)).squareRoot() / all)
  }
}

/// A model on a ``Ladder``.
public struct Rung: Hashable, Sendable, Codable {
  /// How a rung begins: what is known before it is trained.
  public struct Beginning: Hashable, Sendable, Codable {
    /// From 1; its folder is `rung-1`.
    public let number: Int
    /// The number of the rung that it is grown from; nil: the first one.
    public let parent: Int?
    /// How.
    public let step: GrowthStep
    /// `1 × gru of 32`.
    public let sizes: String
    /// Number of learnt values.
    public let parameters: Int
    /// Whether it begins with what its parent has learnt; a first rung does not, nor one whose cell does not allow it.
    public let isGrown: Bool
    /// By how much growing changed the loss on training examples, in nats; nil when it is not grown.
    public let drift: Double?
    /// The learning rate that it is trained at.
    public let learningRate: Float
    /// The most epochs that it is trained for; nil, in ladders of version 1: those of the settings.
    public let mostEpochs: Int?
  }

  /// How it began.
  public let beginning: Beginning
  /// Number of epochs that it was trained for.
  public let epochs: Int
  /// The epoch whose weights it has.
  public let bestEpoch: Int
  /// That epoch's mean training loss, in nats, with the noise of training.
  public let trainingLoss: Double
  /// What the validation data measure, by what the model's epochs are judged by.
  public let validation: Double
  /// The same part by part.
  public let judgement: Judgement
  /// Seconds in updates.
  public let seconds: Double
}

/// What decides where a ladder ends.
public struct GrowthChoices: Hashable, Sendable, Codable {
  /// The most rungs.
  public var mostRungs = 16
  /// The cell of all rungs; nil: plain ones, and gated ones from a rung on.
  public var cell: CellKind?
  /// The learning rate of all rungs; nil: each has the one that a range test finds.
  public var learningRate: Float?
  /// The parts that all data are cut in to choose among rungs that the validation data cannot tell apart; what is kept
  /// is then trained on all of them: ``Finale``. Nil or below 2: the validation data alone choose, and stay apart.
  public var folds: Int? = 5

  /// The defaults.
  public init() {}
}

/// Models that grew one from the other, and which of them is kept; in the folder it is `ladder.json`.
public struct Ladder<Configuration: GrowingConfiguration>: ClimbedLadder, Hashable, Sendable, Codable {
  /// The version of the file.
  var version = LadderFile.newestVersion
  /// The kind of model.
  let paradigm: String
  /// The model that would be trained without growing: none becomes larger, all are trained by its settings.
  public let limit: Configuration
  /// Where it ends.
  public let choices: GrowthChoices
  /// Rungs that are trained, in order.
  public internal(set) var rungs: [Rung] = []
  /// Their sizes.
  var shapes: [Configuration.Shape] = []
  /// The rung that is being trained.
  var running: Rung.Beginning?
  /// Whether no more rungs are to be trained.
  public internal(set) var isComplete = false
  /// How it ends; nil until all rungs are trained, and in ladders below version 3.
  public internal(set) var finale: Finale?

  init(paradigm: String, limit: Configuration, choices: GrowthChoices) {
    (self.paradigm, self.limit, self.choices) = (paradigm, limit, choices)
  }

  /// The epochs of the settings.
  public var usualEpochs: Int { limit.settings.epochs }

  /// What is to be trained next; nil when there is nothing, or growing no longer pays.
  ///
  /// Gates come first, then units for as long as they help, then layers. A doubling that did not help is doubled again
  /// before units are given up, as one step may be lost in the noise of the data that judge; everything else that did
  /// not help is not tried again from there. Where more no longer helps, the best sizes are trained once from new
  /// values, then with more dropout; then the limit's sizes, so that no ladder is worse than what would be trained
  /// without it, and half of them for as long as they do as well; then the sizes to keep, for four times as many
  /// epochs. Growing goes on from what is better. `fits` says whether a network of such sizes is small enough.
  package func next(_ fits: (Configuration.Shape) throws -> Bool) rethrows -> Growing? {
    guard rungs.count < choices.mostRungs else { return nil }
    guard let best, let kept else {
      return Growing(
        parent: nil, step: .start, shape: limit.growing.start(cell: choices.cell), epochs: limit.settings.epochs)
    }
    let failed = rungs.indices.filter { $0 > best }
    func failures(_ step: GrowthStep) -> [Int] { failed.filter { rungs[$0].beginning.step == step } }
    func once(_ step: GrowthStep) -> Int? { failures(step).isEmpty ? best : nil }
    let longest = min(Self.prolongation * limit.settings.epochs, TrainingSettings.mostEpochs)
    let isFullTried = hasTrained(limit.growing) { !$0.isGrown }
    let steps: [(step: GrowthStep, parent: Int?)] = [
      (.gate, choices.cell == nil ? once(.gate) : nil),
      (.widen, failures(.widen).count < 2 ? failures(.widen).last ?? best : nil),
      (.deepen, once(.deepen)),
      // What was learnt in a small network can be in the way of a large one.
      (.afresh, rungs[best].beginning.isGrown ? once(.afresh) : nil),
      (.regularize, once(.regularize)),
      (.full, isFullTried ? nil : best),
      (.narrow, isNarrowed(kept) ? nil : kept),
      (.prolong, hasTrained(shapes[kept]) { $0.mostEpochs == longest } ? nil : kept),
    ]
    for case (let step, let parent?) in steps {
      guard let shape = shapes[parent].grown(by: step, towards: limit.growing), try fits(shape) else { continue }
      let epochs = step == .prolong ? longest : step == .full ? limit.settings.epochs : mostEpochs(of: parent)
      return Growing(parent: step == .full ? nil : parent, step: step, shape: shape, epochs: epochs)
    }
    return nil
  }

  private func hasTrained(_ shape: Configuration.Shape, where condition: (Rung.Beginning) -> Bool) -> Bool {
    rungs.indices.contains { shapes[$0] == shape && condition(rungs[$0].beginning) }
  }

  /// Whether half of a rung's units are known not to do, or need not be asked for: what grew came from there.
  private func isNarrowed(_ place: Int) -> Bool {
    let begun = rungs[place].beginning
    guard begun.step == .full || begun.step == .narrow else { return true }
    return rungs.contains { $0.beginning.step == .narrow && $0.beginning.parent == begun.number }
  }

  /// How many times as many epochs the last rungs are trained for.
  static var prolongation: Int { 4 }

  /// What is to be trained next.
  package struct Growing {
    /// The place of the rung that it grows from.
    package let parent: Int?
    package let step: GrowthStep
    package let shape: Configuration.Shape
    /// The most epochs that it is trained for.
    package let epochs: Int
  }
}

/// What happens while a ladder is climbed.
public enum GrowthEvent: Sendable {
  /// A rung is about to be trained, or to be gone on with.
  case begins(Rung.Beginning)
  /// Its training, or another, goes on.
  case training(TrainingEvent)
  /// A rung is trained.
  case rung(Rung)
  /// Contenders are about to be compared, or to be gone on with.
  case compares(Finale)
  /// A contender is about to be trained without one of the parts of all data, counted from 1, or to be gone on with.
  case fold(Contender, number: Int)
  /// A contender was judged by all parts.
  case contender(Contender)
  /// What is kept is about to be trained on all data, or to be gone on with.
  case refit(Contender)
}
