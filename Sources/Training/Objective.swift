import Networks
import Tensors

/// What a ``Trainer`` makes smaller: a network, its data, and the loss that the one has on the other.
///
/// A trainer calls, for each epoch, `beginEpoch` once and `nextLoss` `updatesPerEpoch` times. Everything that decides
/// the losses to come (random numbers, the order of samples, the place in it, a state carried from one window of text
/// to the next) is part of the snapshot: restored into an objective that was made anew from the same data and settings,
/// it goes on with the same losses, bit for bit.
///
/// A loss that is not finite is computed again by a copy of the objective as it was before, to find out where that came
/// about. A class is not asked.
public protocol Objective {
  /// The model's type.
  associatedtype Network: Module
  /// The model. Its parameters are updated in place.
  var network: Network { get }
  /// Number of losses that make an epoch; at least 1, and always the same.
  var updatesPerEpoch: Int { get }
  /// Prepares an epoch, counted from 0: shuffles, goes back to the start. Not called for an epoch that goes on from a
  /// snapshot.
  mutating func beginEpoch(_ epoch: Int) throws
  /// The loss of the next minibatch. Called while operations are recorded for the gradient.
  mutating func nextLoss() throws -> Loss
  /// Called after each update, for weights that have to stay within a limit. Does nothing by default.
  mutating func afterUpdate()
  /// Called in the place of an update that was not made, as its loss or gradient was not finite: for a state that is
  /// carried on, and may not be finite either. Does nothing by default.
  mutating func afterSkippedUpdate()
  /// The mean loss per unit, in nats, on held-out data; nil without such data.
  func validationLoss() throws -> Double?
  /// Where the objective stands, between two losses.
  var snapshot: ObjectiveSnapshot { get }
  /// Goes back to where a snapshot was taken. Throws when it does not fit.
  mutating func restore(_ snapshot: ObjectiveSnapshot) throws
}

extension Objective {
  /// Nothing.
  public mutating func afterUpdate() {}
  /// Nothing.
  public mutating func afterSkippedUpdate() {}
}

/// The loss of a minibatch.
public struct Loss: Sendable {
  /// The mean loss per unit, in nats: a tensor of count 1 that gradients flow from.
  public let mean: Tensor
  /// Number of units (characters, words, samples) that the mean was taken over; losses are averaged and speed is
  /// counted by it.
  public let units: Int

  /// Creates a loss. Traps when the tensor is no scalar or the number is negative.
  public init(mean: Tensor, units: Int) {
    demand(mean.shape.count == 1, "a loss is a scalar, not of shape \(mean.shape)")
    demand(units >= 0, "a loss over \(units) units")
    self.mean = mean
    self.units = units
  }
}

/// Where an ``Objective`` stands: carried states and everything else.
public struct ObjectiveSnapshot: Sendable {
  /// Tensors with names of their own, each used once: carried hidden states, for example.
  public var tensors: [(name: String, tensor: Tensor)]
  /// The rest as one JSON text: random numbers' positions, order, place. It goes into a file's header, which is limited
  /// to 16 MiB; an order is better stored as the seed and position that it comes from.
  public var values: String

  /// Creates a snapshot.
  public init(tensors: [(name: String, tensor: Tensor)] = [], values: String = "{}") {
    self.tensors = tensors
    self.values = values
  }
}
