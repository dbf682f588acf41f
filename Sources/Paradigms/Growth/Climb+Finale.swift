import Foundation
import Interchange
import Networks
import Training

/// What of the data a model on a ladder is trained on.
enum DataShare {
  /// The training data, judged by the validation data.
  case training
  /// All of both but one part, counted from 0, of so many.
  case allBut(fold: Int, of: Int)
  /// All of both.
  case all
}

extension Climb {
  /// Compares what the validation data cannot tell apart, and trains what is kept on all data. Returns false when it
  /// was interrupted.
  mutating func end(stop: StopRequest, _ report: (GrowthEvent) -> Void) throws -> Bool {
    if ladder.finale == nil {
      // NT-ASGD waits for validation data.
      if case .triggered = ladder.limit.settings.averaging { return true }
      let folds = subject.folds(atMost: ladder.choices.folds ?? 0)
      guard folds >= 2 else { return true }
      ladder.finale = Finale(folds: folds, contenders: ladder.contenders())
      try save()
    }
    guard try compare(stop: stop, report) else { return false }
    return try refit(stop: stop, report)
  }

  private mutating func compare(stop: StopRequest, _ report: (GrowthEvent) -> Void) throws -> Bool {
    let trainings = folder + "/folds"
    if let finale = ladder.finale, finale.next != nil { report(.compares(finale)) }
    while let finale = ladder.finale, let (place, fold) = finale.next {
      let contender = finale.contenders[place]
      report(.fold(contender, number: fold + 1))
      let share = DataShare.allBut(fold: fold, of: finale.folds)
      let own = "\(trainings)/\(place)-\(fold)"
      guard try train(contender, on: share, in: own, stop: stop, report) else { return false }
      let judgement = try subject.judge(subject.load(own), on: share)
      ladder.finale?.contenders[place].folds.append(judgement)
      try save()
      try? FileManager.default.removeItem(atPath: own)
      if fold + 1 == finale.folds, let whole = ladder.finale?.contenders[place] { report(.contender(whole)) }
    }
    try? FileManager.default.removeItem(atPath: trainings)
    return true
  }

  private mutating func refit(stop: StopRequest, _ report: (GrowthEvent) -> Void) throws -> Bool {
    guard let finale = ladder.finale, finale.refit == nil, let contender = try kept(of: finale) else { return true }
    report(.refit(contender))
    guard try train(contender, on: .all, in: refitFolder, stop: stop, report) else { return false }
    let history = try JSONLines(refitFolder + "/history.jsonl").read(EpochReport.self)
    guard let last = history.last else { throw noEpoch(in: refitFolder) }
    ladder.finale?.refit = Finale.Refit(
      rung: contender.rung, epochs: history.count, trainingLoss: last.trainingLoss,
      seconds: history.reduce(0) { $0 + $1.seconds })
    try save()
    return true
  }

  /// What is to be trained on all data; nil: what is kept is clearly better as it was trained, with validation data
  /// that said when to stop.
  private func kept(of finale: Finale) throws -> Contender? {
    guard let kept = ladder.kept else { return nil }
    let rung = ladder.rungs[kept]
    let error = rung.judgement.standardError ?? 0
    guard let contender = finale.chosen(among: ladder.rungs) else {
      let history = try JSONLines(rungFolder(rung.beginning.number) + "/history.jsonl").read(EpochReport.self)
      let contender = finale.contenders[0]
      guard contender.epochs <= history.count, let last = history[contender.epochs - 1].validationLoss else {
        return nil
      }
      return last <= rung.validation + error ? contender : nil
    }
    let own = contender.judgement.standardError ?? 0
    let isClearlyWorse = contender.judgement.mean - rung.validation > 2 * (own * own + error * error).squareRoot()
    return isClearlyWorse ? nil : contender
  }

  /// Trains a contender from new values, or goes on with it. Returns false when it was interrupted.
  private func train(
    _ contender: Contender, on share: DataShare, in own: String, stop: StopRequest, _ report: (GrowthEvent) -> Void
  ) throws -> Bool {
    let rung = contender.rung - 1
    var configuration = ladder.limit.sized(
      ladder.shapes[rung], learningRate: ladder.rungs[rung].beginning.learningRate, epochs: contender.epochs)
    configuration.settings.earlyStopping = nil
    let hasBegun = try CheckpointStore(folder: own).hasTraining
    // A folder of a training that was killed before its first checkpoint would be in the way.
    if !hasBegun { try? FileManager.default.removeItem(atPath: own) }
    let model = hasBegun ? nil : try subject.model(configuration)
    let summary = try subject.train(model, on: share, in: own, stop: stop) { report(.training($0)) }
    return summary.reason != .interrupted
  }
}
