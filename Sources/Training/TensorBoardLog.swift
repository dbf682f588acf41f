import Interchange
import Tensors

/// Writes what happens in a training for TensorBoard.
///
///     let log = try TensorBoardLog(folder: "poems/tensorboard")
///     try trainer.run { log.record($0) }
///
/// Scalars are `update/loss`, `update/gradient_norm`, `update/learning_rate` and `update/units_per_second` of every
/// so many updates, what a ``WatchReport`` says of layers, gates and parameters, and `epoch/training_loss` and
/// `epoch/validation_loss`; the step is the number of updates made. A resumed training writes a file of its own, before
/// which the steps that are made again no longer count. More tags are a line each: ``append(_:step:)``.
///
/// A disk that is full does not end the training: the log ends, and ``failure`` says why.
public final class TensorBoardLog {
  /// Why nothing is written any more; nil as long as all is well.
  public private(set) var failure: UnrollError?
  private let file: EventFile
  private let interval: Int
  private var configuration: String?
  private var watched = WatchSummaries()

  /// Begins a file in a folder, which is made unless it is there.
  ///
  /// - Parameters:
  ///   - folder: The folder; what TensorBoard is given by `--logdir`.
  ///   - interval: Of how many updates one is written; 10 by default. Traps unless it is above 0.
  ///   - configuration: A text, in Markdown, that is written once, as `configuration`.
  /// - Throws: `UnrollError` when the folder cannot be made or written.
  public init(folder: String, every interval: Int = 10, configuration: String? = nil) throws(UnrollError) {
    demand(interval > 0, "TensorBoardLog: every \(interval) updates")
    try CheckpointStore.makeFolder(folder, flag: "--tensorboard")
    file = try EventFile(in: folder)
    self.interval = interval
    self.configuration = configuration
  }

  /// Writes an event's numbers.
  public func record(_ event: TrainingEvent) {
    switch event {
    case .resumed(let resumption):
      attempt { () throws(UnrollError) in try file.restart(at: resumption.updatesDone + 1) }
      describe(step: resumption.updatesDone)
    case .update(let update):
      describe(step: 0)
      guard update.updatesDone % interval == 0 || update.updatesDone == 1 else { return }
      var summaries: [EventSummary] = [
        .scalar("update/loss", update.loss), .scalar("update/gradient_norm", update.gradientNorm),
        .scalar("update/learning_rate", Double(update.learningRate)),
        .scalar("update/units_per_second", update.unitsPerSecond),
      ]
      if let penalty = update.flowPenalty { summaries.append(.scalar("update/flow_penalty", penalty)) }
      append(summaries, step: update.updatesDone)
    case .skippedUpdate(let update):
      describe(step: 0)
      append([.scalar("update/skipped_in_a_row", Double(update.inARow))], step: update.updatesDone)
    case .watch(let report): append(watched.next(report), step: report.updatesDone)
    case .epoch(let epoch):
      var summaries = [EventSummary.scalar("epoch/training_loss", epoch.trainingLoss)]
      if let loss = epoch.validationLoss { summaries.append(.scalar("epoch/validation_loss", loss)) }
      append(summaries, step: epoch.updatesDone)
    case .checkpoint, .stopped: break
    }
  }

  /// Writes more, after so many updates.
  public func append(_ summaries: [EventSummary], step: Int) {
    attempt { () throws(UnrollError) in try file.append(summaries, step: step) }
  }

  /// Writes the configuration, the first time.
  private func describe(step: Int) {
    guard let text = configuration else { return }
    configuration = nil
    append([.text("configuration", text)], step: step)
  }

  private func attempt(_ body: () throws(UnrollError) -> Void) {
    guard failure == nil else { return }
    do throws(UnrollError) { try body() } catch { failure = error }
  }
}
