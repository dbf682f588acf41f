import Interchange
import Networks
import Recurrence
import Tensors

/// Trains: takes an objective's losses, follows their gradients, judges every epoch, and keeps what it takes to go on.
///
///     var trainer = try Trainer(objective, settings: TrainingSettings(epochs: 20), folder: "poems")
///     let summary = try trainer.run { event in
///       if case .epoch(let epoch) = event { print(epoch.epoch, epoch.trainingLoss, epoch.validationLoss ?? .nan) }
///     }
///
/// In the folder, `weights.safetensors` always holds loadable weights: at first the initial ones, then those of the
/// epoch with the lowest validation loss (without validation data, of the last epoch); averaged ones where weights are
/// averaged. `history.jsonl` has one ``EpochReport`` a line. `checkpoints` holds the newest two checkpoints. A training
/// that was interrupted after any update, or killed, and is resumed gives the weights that it would have given
/// undisturbed, bit for bit.
public struct Trainer<Target: Objective> {
  /// What is trained.
  public private(set) var objective: Target
  /// How it is trained.
  public let settings: TrainingSettings

  private var optimizer: Optimizer
  private var average: WeightAverage?
  private var progress: TrainingProgress
  private var pace = Pace()
  private var watch: GradientWatch?
  private let store: CheckpointStore?
  private let stop: StopRequest

  /// Creates a trainer; nothing is read or written before it runs.
  ///
  /// - Parameters:
  ///   - objective: What to train. Its network's parameters are changed in place.
  ///   - settings: How to train.
  ///   - folder: The model folder to keep weights, history and checkpoints in; nil keeps nothing.
  ///   - stop: What to look at after each update for the wish to stop.
  /// - Throws: A usage error when a setting is outside its range, a group has no parameter, or the objective has no
  ///   update to make.
  public init(
    _ objective: Target, settings: TrainingSettings, folder: String? = nil, stop: StopRequest = StopRequest()
  ) throws(UnrollError) {
    try settings.validate()
    let updatesPerEpoch = objective.updatesPerEpoch
    try require(
      updatesPerEpoch > 0 && updatesPerEpoch <= 1 << 31,
      "an epoch of \(updatesPerEpoch) updates: there is no data to train on")
    self.objective = objective
    self.settings = settings
    self.stop = stop
    store = folder.map { CheckpointStore(folder: $0) }
    try settings.demandMembers(among: objective.network.parameters)
    optimizer = Optimizer(settings.rule, groups: settings.groups ?? [])
    average = settings.averaging.map { WeightAverage($0) }
    progress = TrainingProgress(updatesPerEpoch: updatesPerEpoch)
    watch = settings.watchInterval.map { GradientWatch(interval: $0, parameters: objective.network.parameters) }
  }

  /// Trains until all epochs are done, patience is exhausted, or a stop is requested. The network is left with averaged
  /// weights where there are any, unless the training was interrupted.
  ///
  /// - Parameters:
  ///   - resuming: Whether to go on from the newest checkpoint in the folder that is whole.
  ///   - report: Called with every event, on the calling thread.
  /// - Throws: `.notFinite` when the losses or gradients of so many updates in a row are not finite
  ///   (``TrainingSettings/mostSkippedUpdates``); they are not made, and the last checkpoint stays. `.usage` when a new
  ///   training would overwrite one, `.missing` when there is none to resume; otherwise what reading, writing and the
  ///   objective throw.
  @discardableResult
  public mutating func run(
    resuming: Bool = false, _ report: (TrainingEvent) -> Void = { _ in }
  ) throws -> TrainingSummary {
    if resuming { report(.resumed(try resume())) } else { try begin(report) }
    pace = Pace()
    let parameters = objective.network.parameters
    while progress.epoch < settings.epochs, !isOutOfPatience {
      if progress.updateInEpoch == 0 { try objective.beginEpoch(progress.epoch) }
      while !progress.isEpochComplete {
        try update(parameters, report)
        if stop.isRequested {
          try save(report)
          return finish(.interrupted, report)
        }
        if isCheckpointDue { try save(report) }
      }
      try endEpoch(report)
      if stop.isRequested, progress.epoch < settings.epochs { return finish(.interrupted, report) }
    }
    return finish(isOutOfPatience ? .earlyStopping : .finished, report)
  }

  // MARK: One update, one epoch

  private mutating func update(_ parameters: [NamedParameter], _ report: (TrainingEvent) -> Void) throws {
    let start = ContinuousClock.now
    var units = 0
    // What an update that goes wrong is found out from: the objective as it was.
    let before = objective
    let isWatched = watch?.isDue(updatesDone: progress.updatesDone) == true
    let followsFlow = settings.gradientPreservation != nil
    let looker = isWatched || followsFlow ? RecurrenceWatch(of: parameters, followsFlow: followsFlow) : nil
    var (loss, gradients) = try valueAndGradient(of: objective.network, watching: looker) {
      let loss = try objective.nextLoss()
      units = loss.units
      return loss.mean
    }
    let watched = watch?.note(gradients, listener: isWatched ? looker : nil)
    let penalty = loss.isFinite ? preserve(&gradients, looker, parameters) : nil
    let (norm, scale) = settings.clipping.clip(&gradients, of: parameters)
    guard loss.isFinite, norm.isFinite else {
      let reason = loss.isFinite ? "the gradient's norm is \(norm)" : "the loss is \(loss)"
      let fault = before.nextFault()
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      return report(.skippedUpdate(try skip(reason, fault, units: units, seconds: seconds)))
    }
    let learningRate = learningRate(ofUpdate: progress.updatesDone)
    optimizer.update(parameters, with: gradients, learningRate: learningRate, gradientScale: scale)
    objective.afterUpdate()
    average?.add(parameters)

    let seconds = (ContinuousClock.now - start) / .seconds(1)
    progress.count(loss: Double(loss), units: units, norm: norm, seconds: seconds)
    pace.count(units: units, seconds: seconds)
    watch?.count(isClipped: scale < 1)
    report(
      .update(
        UpdateReport(
          epoch: progress.epoch + 1, epochs: settings.epochs, update: progress.updateInEpoch,
          updatesPerEpoch: progress.updatesPerEpoch, loss: Double(loss), meanLoss: progress.meanLoss,
          gradientNorm: norm, flowPenalty: penalty, learningRate: learningRate, unitsPerSecond: pace.unitsPerSecond,
          secondsLeft: pace.secondsLeft(updates: updatesInAll - progress.updatesDone))))
    guard let watched else { return }
    let seen = watch?.report(
      watched, epoch: progress.epoch + 1, updatesDone: progress.updatesDone, loss: Double(loss), gradientNorm: norm,
      learningRate: learningRate)
    if let seen {
      try store?.watched.append(seen)
      report(.watch(seen))
    }
  }

  /// Adds the gradient of the penalty on what recurrences do to gradients, where there is one; returns the penalty.
  private func preserve(
    _ gradients: inout Gradients, _ seen: RecurrenceWatch?, _ parameters: [NamedParameter]
  ) -> Double? {
    guard let factor = settings.gradientPreservation, let seen else { return nil }
    return gradients.addFlowPenalty(of: seen.observations, factor: factor, to: parameters)
  }

  private mutating func skip(
    _ reason: String, _ fault: NumericalFault?, units: Int, seconds: Double
  ) throws(UnrollError) -> SkippedUpdate {
    let inARow = progress.countSkipped(seconds: seconds)
    let skipped = SkippedUpdate(
      epoch: progress.epoch + 1, update: progress.updateInEpoch, updatesDone: progress.updatesDone, inARow: inARow,
      reason: reason, fault: fault)
    try store?.skipped.append(skipped)
    guard inARow < TrainingSettings.mostSkippedUpdates else {
      throw leftTheNumbers(
        "\(reason)\(fault.map { ": \($0)" } ?? ""); the last \(inARow) updates were not made",
        at: "epoch \(progress.epoch + 1), update \(progress.updateInEpoch)")
    }
    pace.count(units: units, seconds: seconds)
    objective.afterSkippedUpdate()
    return skipped
  }

  private mutating func endEpoch(_ report: (TrainingEvent) -> Void) throws {
    let ended = progress
    guard ended.updatesMadeInEpoch > 0 else {
      throw leftTheNumbers("no update of the epoch could be made", at: "end of epoch \(progress.epoch + 1)")
    }
    let isAveraged = average?.isThere == true
    let (validationLoss, isBest) = try judge()
    let epoch = EpochReport(
      epoch: progress.epoch, updatesDone: ended.updatesDone, trainingLoss: ended.meanLoss,
      validationLoss: validationLoss, isBest: isBest, gradientNorm: ended.normSum / Double(ended.updatesMadeInEpoch),
      learningRate: learningRate(ofUpdate: ended.updatesDone - 1), seconds: ended.seconds,
      unitsPerSecond: ended.seconds > 0 ? Double(ended.units) / ended.seconds : 0, peakMemory: peakMemory(),
      isAveraged: isAveraged ? true : nil, skippedUpdates: (ended.skipped?.inEpoch).flatMap { $0 > 0 ? $0 : nil })
    // The checkpoint comes last: whatever is killed between these lines is done again, alike, from the one before.
    try store?.history.append(epoch)
    report(.epoch(epoch))
    try save(report)
  }

  /// Judges the epoch by the weights, or their averages where there are any, and keeps these when they are the best.
  private mutating func judge() throws -> (validationLoss: Double?, isBest: Bool) {
    let parameters = objective.network.parameters
    let trained = average?.exchange(parameters)
    defer { for (named, value) in zip(parameters, trained ?? []) { named.parameter.value = value } }
    let trainingLoss = progress.meanLoss
    let validationLoss = try objective.validationLoss()
    if let validationLoss, !validationLoss.isFinite {
      throw leftTheNumbers("the validation loss is \(validationLoss)", at: "end of epoch \(progress.epoch + 1)")
    }
    let isBest = progress.endEpoch(
      trainingLoss: trainingLoss, validationLoss: validationLoss, stopping: settings.earlyStopping)
    if isBest, let store { try Weights.save(objective.network, to: store.weights) }
    if case .triggered(let patience) = settings.averaging, average?.isThere == false,
      progress.triggersAveraging(validationLoss ?? trainingLoss, patience: patience)
    {
      average?.begin(parameters)
    }
    return (validationLoss, isBest)
  }

  private func learningRate(ofUpdate update: Int) -> Float {
    settings.schedule.learningRate(settings.learningRate, update: update, of: updatesInAll)
  }

  private var updatesInAll: Int { settings.epochs * progress.updatesPerEpoch }

  private var isOutOfPatience: Bool {
    settings.earlyStopping.map { progress.epochsWithoutImprovement >= $0.patience } ?? false
  }

  private var isCheckpointDue: Bool {
    guard let interval = settings.checkpointInterval, !progress.isEpochComplete else { return false }
    // Between updates that cannot be made is no good place to go on from.
    guard progress.skipped?.inARow ?? 0 == 0 else { return false }
    return progress.updatesDone % interval == 0
  }

  private func finish(_ reason: TrainingSummary.Reason, _ report: (TrainingEvent) -> Void) -> TrainingSummary {
    if reason != .interrupted { _ = average?.exchange(objective.network.parameters) }
    let summary = TrainingSummary(
      reason: reason, epochsDone: progress.epoch, updatesDone: progress.updatesDone,
      bestValidationLoss: progress.bestValidationLoss, bestEpoch: progress.bestEpoch)
    report(.stopped(summary))
    return summary
  }

  private func leftTheNumbers(_ what: String, at place: String) -> UnrollError {
    UnrollError(
      .notFinite, what, at: place,
      hint: "lower --learning-rate or --clip and train again; the last checkpoint is unharmed")
  }
}

// MARK: - Beginning, saving, resuming

extension Trainer {
  private mutating func begin(_ report: (TrainingEvent) -> Void) throws {
    guard let store else { return }
    if let known = try store.checkpoints().first {
      throw UnrollError(
        .usage, "the folder holds a training already, of \(known.update) updates", at: store.folder,
        hint: "go on with it (--resume), or choose another folder")
    }
    try store.prepare()
    try StrictJSON.write(Machine.here, to: store.machine)
    try store.history.keep(first: 0)
    try store.watched.keep(first: 0)
    try store.skipped.keep(first: 0)
    try Weights.save(objective.network, to: store.weights)
    try save(report)
  }

  private mutating func save(_ report: (TrainingEvent) -> Void) throws {
    guard let store else { return }
    let snapshot = objective.snapshot
    progress.objective = snapshot.values
    progress.averagedUpdates = average.flatMap { $0.isThere ? $0.count : nil }
    let checkpoint = Checkpoint(
      progress: progress, model: Weights.named(objective.network), optimizer: optimizer.state,
      average: average?.state ?? [], objective: snapshot.tensors)
    let path = try store.write(checkpoint.encoded(), update: progress.updatesDone)
    report(.checkpoint(CheckpointReport(path: path, updatesDone: progress.updatesDone)))
  }

  private mutating func resume() throws -> Resumption {
    guard let store else { throw UnrollError(.usage, "a training without a folder cannot be resumed") }
    var skipped: [Resumption.Skipped] = []
    var newestError: UnrollError?
    for (_, path) in try store.checkpoints() {
      let checkpoint: Checkpoint
      do throws(UnrollError) {
        checkpoint = try Checkpoint(from: path)
      } catch {
        // Damage is mended by the checkpoint before. What is whole and does not fit is the caller's to mend: falling
        // back would lose good updates.
        if error.kind == .unsupportedVersion { throw error }
        skipped.append(Resumption.Skipped(path: path, reason: error.message))
        newestError = newestError ?? error
        continue
      }
      try restore(checkpoint, at: path)
      try store.prepare()
      try StrictJSON.write(Machine.here, to: store.machine)
      try store.history.keep(first: progress.epoch)
      try store.keepWatched(updates: progress.updatesDone)
      return Resumption(
        path: path, epochsDone: progress.epoch, updatesDone: progress.updatesDone, skipped: skipped)
    }
    throw newestError
      ?? UnrollError(
        .missing, "there is no checkpoint to resume from", at: store.folder,
        hint: "begin anew in another folder: --out")
  }

  private mutating func restore(_ checkpoint: Checkpoint, at path: String) throws {
    try checkpoint.progress.validate(updatesPerEpoch: objective.updatesPerEpoch, at: path)
    try Weights.assign(checkpoint.model, to: objective.network, at: path)
    try optimizer.restore(
      checkpoint.optimizer, updateCount: checkpoint.progress.updatesMade, for: objective.network.parameters, at: path)
    guard average != nil || checkpoint.average.isEmpty else {
      throw UnrollError(
        .invalidData, "the checkpoint has averaged weights, and the settings average none", at: path,
        hint: "resume with the settings that the training began with")
    }
    try average?.restore(
      checkpoint.average, count: checkpoint.progress.averagedUpdates ?? 0, for: objective.network.parameters, at: path)
    try objective.restore(ObjectiveSnapshot(tensors: checkpoint.objective, values: checkpoint.progress.objective))
    progress = checkpoint.progress
  }
}

/// How fast updates come: lately, and since the start.
private struct Pace {
  private let start = ContinuousClock.now
  private var updates = 0
  // Sums in which an update's part falls by a tenth with each one after it.
  private var recentUnits = 0.0
  private var recentSeconds = 0.0

  mutating func count(units: Int, seconds: Double) {
    updates += 1
    recentUnits = 0.9 * recentUnits + Double(units)
    recentSeconds = 0.9 * recentSeconds + seconds
  }

  var unitsPerSecond: Double { recentSeconds > 0 ? recentUnits / recentSeconds : 0 }

  func secondsLeft(updates left: Int) -> Double {
    guard updates > 0 else { return 0 }
    return (ContinuousClock.now - start) / .seconds(1) / Double(updates) * Double(max(0, left))
  }
}
