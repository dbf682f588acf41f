import Foundation
import Interchange

/// The counters of a training: with the tensors of a checkpoint, all that it takes to go on.
struct TrainingProgress: Codable, Equatable {
  static let currentFormat = 1

  var format = TrainingProgress.currentFormat
  /// The epoch under way, from 0: the number of complete ones.
  var epoch = 0
  /// Updates made in it; equal to `updatesPerEpoch` when the epoch only waits for its end.
  var updateInEpoch = 0
  var updatesPerEpoch: Int
  /// Sums over the updates of the epoch.
  var lossSum = 0.0
  var units = 0
  var normSum = 0.0
  var seconds = 0.0
  /// The lowest validation loss, and the epoch, from 1, that `weights.safetensors` is of.
  var bestValidationLoss: Double?
  var bestEpoch: Int?
  /// What the next epoch's loss is compared with for early stopping, and the epochs since.
  var patienceLoss: Double?
  var epochsWithoutImprovement = 0
  /// Updates that were not made; nil: all were.
  var skipped: Skipped?
  /// Updates that the averaged weights are an average over; nil: there are none.
  var averagedUpdates: Int?
  /// The losses that epochs were judged by, for as long as NT-ASGD waits; nil: it does not.
  var judgedLosses: [Double]?
  /// The objective's own values, as it gave them.
  var objective = "{}"

  /// Updates whose loss or gradient was not finite.
  struct Skipped: Codable, Equatable {
    var inAll = 0
    var inEpoch = 0
    /// Since the last one that was made.
    var inARow = 0
  }

  init(updatesPerEpoch: Int) { self.updatesPerEpoch = updatesPerEpoch }

  /// Minibatches that were seen.
  var updatesDone: Int { epoch * updatesPerEpoch + updateInEpoch }
  /// The updates among them, in all and in the epoch.
  var updatesMade: Int { updatesDone - (skipped?.inAll ?? 0) }
  var updatesMadeInEpoch: Int { updateInEpoch - (skipped?.inEpoch ?? 0) }
  var meanLoss: Double { units > 0 ? lossSum / Double(units) : 0 }
  var isEpochComplete: Bool { updateInEpoch == updatesPerEpoch }

  mutating func count(loss: Double, units: Int, norm: Double, seconds: Double) {
    updateInEpoch += 1
    lossSum += loss * Double(units)
    self.units += units
    normSum += norm
    self.seconds += seconds
    skipped?.inARow = 0
  }

  /// Counts an update that could not be made; returns how many it is in a row.
  mutating func countSkipped(seconds: Double) -> Int {
    updateInEpoch += 1
    self.seconds += seconds
    var skipped = self.skipped ?? Skipped()
    skipped.inAll += 1
    skipped.inEpoch += 1
    skipped.inARow += 1
    self.skipped = skipped
    return skipped.inARow
  }

  /// Ends the epoch: judges it, and sets the counters for the next. Returns whether its weights are to be kept.
  mutating func endEpoch(trainingLoss: Double, validationLoss: Double?, stopping: EarlyStopping?) -> Bool {
    epoch += 1
    let isBest = validationLoss.map { $0 < bestValidationLoss ?? .infinity } ?? true
    if isBest {
      bestValidationLoss = validationLoss
      bestEpoch = epoch
    }
    let judged = validationLoss ?? trainingLoss
    if judged < (patienceLoss ?? .infinity) - (stopping?.minimumImprovement ?? 0) {
      patienceLoss = judged
      epochsWithoutImprovement = 0
    } else {
      epochsWithoutImprovement += 1
    }
    (updateInEpoch, lossSum, units, normSum, seconds) = (0, 0, 0, 0, 0)
    skipped?.inEpoch = 0
    return isBest
  }

  /// Whether NT-ASGD has waited long enough: an epoch is worse than the best of those more than so many epochs back.
  /// Patience begins anew then.
  mutating func triggersAveraging(_ loss: Double, patience: Int) -> Bool {
    let before = judgedLosses ?? []
    guard let best = before.dropLast(patience).min(), loss > best else {
      judgedLosses = before + [loss]
      return false
    }
    judgedLosses = nil
    epochsWithoutImprovement = 0
    return true
  }

  /// Throws when the counters cannot be those of a training with so many updates in an epoch.
  func validate(updatesPerEpoch expected: Int, at place: String) throws(UnrollError) {
    guard updatesPerEpoch == expected else {
      throw UnrollError(
        .invalidData, "the training has \(updatesPerEpoch) updates in an epoch, the data and settings give \(expected)",
        at: place, hint: "resume with the data, batch size and length that the training began with")
    }
    let limit = 1 << 31
    let isPossible =
      (0...limit).contains(epoch) && (0...updatesPerEpoch).contains(updateInEpoch) && updatesPerEpoch <= limit
      && units >= 0 && units <= 1 << 60 && (0...epoch).contains(epochsWithoutImprovement)
      && (bestEpoch.map { (1...max(1, epoch)).contains($0) } ?? true)
      && [lossSum, normSum, seconds].allSatisfy(\.isFinite)
      && [skipped?.inAll ?? 0, averagedUpdates ?? 0].allSatisfy { (0...max(0, updatesDone)).contains($0) }
      && [skipped?.inEpoch ?? 0, skipped?.inARow ?? 0].allSatisfy { (0...(skipped?.inAll ?? 0)).contains($0) }
      && (skipped?.inEpoch ?? 0) <= updateInEpoch
    guard isPossible else {
      throw UnrollError(.invalidData, "the training's counters contradict one another", at: place)
    }
  }
}
