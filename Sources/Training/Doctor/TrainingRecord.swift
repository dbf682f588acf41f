import Foundation
import Interchange

/// What a training has written about itself into its model folder.
///
///     let record = try TrainingRecord(of: "poems")
///     record.epochs.last?.validationLoss
public struct TrainingRecord: Sendable {
  /// The complete epochs: `history.jsonl`.
  public let epochs: [EpochReport]
  /// The watched updates: `watch.jsonl`; empty when nobody watched.
  public let watched: [WatchReport]
  /// The updates that were not made: `skipped.jsonl`; empty when all were.
  public let skipped: [SkippedUpdate]

  /// Reads a model folder. Throws when a file is damaged, or there is no training in the folder.
  public init(of folder: String) throws(UnrollError) {
    let store = CheckpointStore(folder: folder)
    epochs = try store.history.read(EpochReport.self)
    watched = try store.watched.read(WatchReport.self)
    skipped = try store.skipped.read(SkippedUpdate.self)
    guard !epochs.isEmpty || !watched.isEmpty || !skipped.isEmpty else {
      throw UnrollError(
        .missing, "there is no record of a training: history.jsonl is missing or empty", at: folder,
        hint: "name a folder that unroll train --out made, after its first epoch")
    }
  }
}
