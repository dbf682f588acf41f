import Foundation
import Interchange
import Networks
import Tensors

/// Everything that a training goes on from, in one safetensors file.
///
/// Tensors are `model/<path>`, `optimizer/<slot>/<path>`, `average/<path>` and `objective/<name>`; the metadata's entry
/// `training` holds ``TrainingProgress`` as JSON.
struct Checkpoint {
  var progress: TrainingProgress
  var model: [(name: String, tensor: Tensor)]
  var optimizer: [(name: String, tensor: Tensor)]
  /// Averaged weights; empty: there are none.
  var average: [(name: String, tensor: Tensor)]
  var objective: [(name: String, tensor: Tensor)]

  private static let metadataKey = "training"

  /// The file's content.
  func encoded() throws(UnrollError) -> SafeTensors {
    let parts = [("model/", model), ("optimizer/", optimizer), ("average/", average), ("objective/", objective)]
    let tensors = parts.flatMap { prefix, tensors in
      tensors.map { (name: prefix + $0.name, tensor: $0.tensor) }
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    do {
      let json = String(decoding: try encoder.encode(progress), as: UTF8.self)
      return SafeTensors(tensors: tensors, metadata: [Self.metadataKey: json])
    } catch {
      throw UnrollError(.notFinite, "the training's counters cannot be written: \(error)")
    }
  }

  init(
    progress: TrainingProgress, model: [(name: String, tensor: Tensor)], optimizer: [(name: String, tensor: Tensor)],
    average: [(name: String, tensor: Tensor)], objective: [(name: String, tensor: Tensor)]
  ) {
    self.progress = progress
    self.model = model
    self.optimizer = optimizer
    self.average = average
    self.objective = objective
  }

  /// Reads a file. What the tensors and counters are for is checked by those that take them.
  init(from path: String) throws(UnrollError) {
    let file = try SafeTensors.read(from: path)
    guard let json = file.metadata[Self.metadataKey].map({ Data($0.utf8) }) else {
      throw UnrollError(
        .invalidData, "a safetensors file, but no checkpoint: its metadata has no entry training", at: path)
    }
    let place = "\(path): metadata, training"
    let version = try StrictJSON.decode(Version.self, from: json, path: place)
    guard version.format == TrainingProgress.currentFormat else {
      throw UnrollError(
        .unsupportedVersion,
        "a checkpoint of format \(version.format); this program knows \(TrainingProgress.currentFormat)", at: path,
        hint: "resume with the version of unroll that wrote it")
    }
    progress = try StrictJSON.decode(TrainingProgress.self, from: json, path: place)
    (model, optimizer, average, objective) = ([], [], [], [])
    for (name, tensor) in file.tensors {
      let parts = name.split(separator: "/", maxSplits: 1)
      let rest = parts.count == 2 ? String(parts[1]) : ""
      switch parts.first {
      case "model": model.append((rest, tensor))
      case "optimizer": optimizer.append((rest, tensor))
      case "average": average.append((rest, tensor))
      case "objective": objective.append((rest, tensor))
      default: throw UnrollError(.invalidData, "tensor \(name) is no part of a checkpoint", at: path)
      }
    }
  }

  private struct Version: Decodable { let format: Int }
}
