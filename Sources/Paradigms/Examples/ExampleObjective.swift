import Corpora
import Foundation
import Interchange
import Networks
import Tensors
import Training

/// Training a model on examples, in batches of similar length that are mixed anew each epoch.
public struct ExampleObjective<Model: ExampleModel>: Objective {
  /// The model.
  public let model: Model
  private let training, validation: [Model.Example]
  private let lengths: [Int]
  private let longest: Int
  /// The running epoch's batches: numbers of examples.
  private var batches: [[Int]] = []
  private var position: Position

  private struct Position: Codable {
    var epoch = 0
    var batch = 0
    var random: RandomSource
  }

  /// An objective; without validation examples epochs are not judged.
  public init(_ model: Model, training: [Model.Example], validation: [Model.Example]) {
    self.model = model
    self.training = training
    self.validation = validation
    lengths = training.map(model.length)
    longest = max(1, lengths.max() ?? 1)
    position = Position(random: RandomSource(seed: model.configuration.seed, stream: 1))
  }

  /// The network.
  public var network: Model.Network { model.network }

  /// Batches of an epoch.
  public var updatesPerEpoch: Int {
    let batch = model.configuration.batch
    return (training.count + batch - 1) / batch
  }

  private func mixed(_ epoch: Int) -> [[Int]] {
    var random = RandomSource(seed: model.configuration.seed, stream: UInt64(epoch) &+ 1 << 32)
    return LengthBatches.shuffled(lengths, batch: model.configuration.batch, using: &random)
  }

  /// Mixes the examples.
  public mutating func beginEpoch(_ epoch: Int) {
    batches = mixed(epoch)
    position.epoch = epoch
    position.batch = 0
  }

  /// The mean loss of the next batch.
  public mutating func nextLoss() -> Loss {
    let examples = batches[position.batch].map { training[$0] }
    position.batch += 1
    var evaluation = Evaluation.training(position.random)
    let loss = model.loss(of: examples, in: &evaluation)
    position.random = evaluation.random ?? position.random
    return Loss(mean: loss.sum / Float(max(1, loss.units)), units: loss.units)
  }

  /// Keeps recurrent weights within their cell's limit.
  public mutating func afterUpdate() { network.limitRecurrent(steps: longest) }

  /// What the model's score is judged by, on the validation examples.
  public func validationLoss() -> Double? { validation.isEmpty ? nil : model.judge(validation).judged }

  /// Epoch, batch and random numbers.
  public var snapshot: ObjectiveSnapshot {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    // Numbers and a random source are always JSON.
    let values = (try? encoder.encode(position)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    return ObjectiveSnapshot(tensors: [], values: values)
  }

  /// Goes back to a snapshot. Throws when it is one of other data.
  public mutating func restore(_ snapshot: ObjectiveSnapshot) throws {
    let position = try StrictJSON.decode(Position.self, from: Data(snapshot.values.utf8), path: "checkpoint")
    guard position.epoch >= 0, (0...updatesPerEpoch).contains(position.batch), position.random.position < 1 << 62 else {
      throw UnrollError(
        .invalidData,
        "the checkpoint stands at batch \(position.batch) of epoch \(position.epoch), but an epoch has "
          + "\(updatesPerEpoch)", hint: "resume with the data and --batch that the training began with")
    }
    self.position = position
    batches = mixed(position.epoch)
  }
}
