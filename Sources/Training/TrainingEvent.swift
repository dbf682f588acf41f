/// What happens in a training, as it happens.
///
/// Encoded, an event is one flat object: `{"event": "epoch", "epoch": 2, …}`, with the fields of its report; `event` is
/// `resumed`, `update`, `skippedUpdate`, `watch`, `epoch`, `checkpoint` or `stopped`.
public enum TrainingEvent: Sendable, Encodable {
  /// A training goes on from a checkpoint.
  case resumed(Resumption)
  /// An update was made.
  case update(UpdateReport)
  /// An update was not made, as its loss or gradient is not finite.
  case skippedUpdate(SkippedUpdate)
  /// The update before was watched.
  case watch(WatchReport)
  /// An epoch is complete.
  case epoch(EpochReport)
  /// A checkpoint is on disk.
  case checkpoint(CheckpointReport)
  /// The training is over, or interrupted. The last event.
  case stopped(TrainingSummary)

  private enum Key: String, CodingKey { case event }

  /// Writes the event's name and its report's fields into one object.
  public func encode(to encoder: any Encoder) throws {
    let (name, report): (String, any Encodable) =
      switch self {
      case .resumed(let report): ("resumed", report)
      case .update(let report): ("update", report)
      case .skippedUpdate(let report): ("skippedUpdate", report)
      case .watch(let report): ("watch", report)
      case .epoch(let report): ("epoch", report)
      case .checkpoint(let report): ("checkpoint", report)
      case .stopped(let report): ("stopped", report)
      }
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(name, forKey: .event)
    try report.encode(to: encoder)
  }
}

/// Where a training goes on. Epochs and updates are counted from 1 in reports.
public struct Resumption: Sendable, Hashable, Encodable {
  /// A checkpoint that could not be used.
  public struct Skipped: Sendable, Hashable, Encodable {
    /// The file.
    public let path: String
    /// Why it was skipped.
    public let reason: String
  }
  /// The checkpoint's file.
  public let path: String
  /// Number of complete epochs.
  public let epochsDone: Int
  /// Number of updates made.
  public let updatesDone: Int
  /// Newer checkpoints that were damaged, newest first.
  public let skipped: [Skipped]
}

/// One update of the weights.
public struct UpdateReport: Sendable, Hashable, Encodable {
  /// The epoch, from 1.
  public let epoch: Int
  /// Number of epochs in all.
  public let epochs: Int
  /// The update within the epoch, from 1.
  public let update: Int
  /// Number of updates in an epoch.
  public let updatesPerEpoch: Int
  /// Mean loss of the minibatch, in nats per unit.
  public let loss: Double
  /// Mean loss of the epoch so far, in nats per unit.
  public let meanLoss: Double
  /// Global norm of the gradient before clipping.
  public let gradientNorm: Double
  /// Ω, without its factor, where the training preserves gradients
  /// (``TrainingSettings/gradientPreservation``); it is not in `loss`.
  public let flowPenalty: Double?
  /// The learning rate of the update.
  public let learningRate: Float
  /// Speed over the last updates.
  public let unitsPerSecond: Double
  /// Seconds until the last epoch ends, at the mean speed since the start or resumption.
  public let secondsLeft: Double

  /// Number of updates made since the beginning of the training.
  public var updatesDone: Int { (epoch - 1) * updatesPerEpoch + update }
}

/// An update that was not made: weights, averages and the optimiser stay as they were, and the next minibatch's turn
/// comes.
///
/// This is also a line of `skipped.jsonl`.
public struct SkippedUpdate: Sendable, Hashable, Codable {
  /// The epoch, from 1.
  public let epoch: Int
  /// The update within the epoch, from 1.
  public let update: Int
  /// Number of minibatches seen since the beginning of the training.
  public let updatesDone: Int
  /// How many it is in a row; at ``TrainingSettings/mostSkippedUpdates`` the training ends.
  public let inARow: Int
  /// What is not finite: `the loss is nan`.
  public let reason: String
  /// Where it came about, found by a second run, step by step; nil where all numbers were finite then.
  public let fault: NumericalFault?

  /// An update that was not made.
  public init(
    epoch: Int, update: Int, updatesDone: Int, inARow: Int, reason: String, fault: NumericalFault? = nil
  ) {
    self.epoch = epoch
    self.update = update
    self.updatesDone = updatesDone
    self.inARow = inARow
    self.reason = reason
    self.fault = fault
  }
}

/// One epoch. This is also a line of `history.jsonl`.
public struct EpochReport: Sendable, Hashable, Codable {
  /// The epoch, from 1.
  public let epoch: Int
  /// Number of updates made since the beginning of the training.
  public let updatesDone: Int
  /// Mean loss over the epoch while it was trained, in nats per unit.
  public let trainingLoss: Double
  /// Mean loss on the validation data after the epoch, in nats per unit; nil without such data.
  public let validationLoss: Double?
  /// Whether the validation loss is the lowest so far; true without validation data.
  public let isBest: Bool
  /// Mean over the updates of the gradient's global norm before clipping.
  public let gradientNorm: Double
  /// The learning rate of the last update.
  public let learningRate: Float
  /// Seconds spent in updates.
  public let seconds: Double
  /// Units trained on per second of updates.
  public let unitsPerSecond: Double
  /// The most memory that the process had so far, in bytes; nil when the system does not tell.
  public let peakMemory: Int?
  /// Whether averaged weights were judged; nil: no.
  public let isAveraged: Bool?
  /// Number of updates that were not made, as a loss or gradient was not finite; nil: none.
  public let skippedUpdates: Int?
}

/// A checkpoint that is on disk.
public struct CheckpointReport: Sendable, Hashable, Encodable {
  /// The file.
  public let path: String
  /// Number of updates made.
  public let updatesDone: Int
}

/// How a training ended.
public struct TrainingSummary: Sendable, Hashable, Encodable {
  /// Why a training ended.
  public enum Reason: String, Sendable, Hashable, Encodable {
    /// All epochs are done.
    case finished
    /// No improvement for as long as the settings have patience.
    case earlyStopping
    /// It was asked to; it can be resumed.
    case interrupted
  }
  /// Why it ended.
  public let reason: Reason
  /// Number of complete epochs.
  public let epochsDone: Int
  /// Number of updates made.
  public let updatesDone: Int
  /// The lowest validation loss, in nats per unit; nil without validation data or a complete epoch.
  public let bestValidationLoss: Double?
  /// The epoch, from 1, whose weights are in `weights.safetensors`; nil before one is complete.
  public let bestEpoch: Int?
}
