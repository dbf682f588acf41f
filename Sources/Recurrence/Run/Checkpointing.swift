import Tensors

/// How much a recurrence keeps of its forward run for the gradient: everything, or the states at a few time steps only,
/// from which the rest is computed a second time when the backward run comes to it (Chen et al. 2016).
///
/// Outputs and states are the same bit for bit, gradients up to the order of sums. With checkpoints the memory beside
/// inputs, outputs and their gradients is what one segment of time steps needs, plus one state a segment; a training
/// step takes about a third longer.
///
///     var evaluation = Evaluation(checkpointing: .squareRoot)   // 100,000 steps: 317 states, segments of 317 steps
///     let (output, state) = layer(batch, from: initial, in: &evaluation)
public enum Checkpointing: Hashable, Sendable {
  /// Everything that the backward run reads, for all time steps: the fastest.
  case none
  /// The state at every so many time steps, at least 1, each sequence counted from its first. Few steps: many states
  /// and small segments.
  case every(Int)
  /// The state at every √T-th time step of T, so that there are about as many segments as steps in one.
  case squareRoot

  /// Time steps in a segment; nil when all steps are one. Traps unless there is at least one.
  func segmentLength(time: Int) -> Int? {
    let length: Int
    switch self {
    case .none: return nil
    case .every(let steps): length = steps
    case .squareRoot: length = max(1, Int(Double(time).squareRoot().rounded(.up)))
    }
    demand(length > 0, "checkpointing: a state can be kept at every step or fewer, not at every \(length)")
    return length < time ? length : nil
  }
}
