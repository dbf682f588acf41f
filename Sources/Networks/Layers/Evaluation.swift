import Recurrence
import Tensors

/// How a network is run: in which way over time, with how many bits, and with or without the noise of training. There
/// is no global mode.
///
///     var evaluation = Evaluation.training(random)
///     let result = stack(batch, from: state, in: &evaluation)
public struct Evaluation: Sendable {
  /// The way over time.
  public var unrolling: Unrolling
  /// How much recurrences keep for a gradient: all of it, or so little that very long sequences fit in memory. Without
  /// a gradient, and in plain steps, it changes nothing.
  public var checkpointing: Checkpointing
  /// Where dropout and ``Regularization`` take their masks from, and how far they have got; nil: there is no noise.
  public var random: RandomSource?
  /// What recurrent layers round their matrices to, and the values that these are multiplied with. For compiled
  /// inference only: taking a gradient in another precision than `.float32` stops with a message.
  public var precision: Precision

  /// Creates an evaluation; by default compiled, without checkpoints, without noise and with 32-bit floats.
  public init(
    unrolling: Unrolling = .compiled, checkpointing: Checkpointing = .none, random: RandomSource? = nil,
    precision: Precision = .float32
  ) {
    self.unrolling = unrolling
    self.precision = precision
    self.checkpointing = checkpointing
    self.random = random
  }

  /// Without noise.
  public static var inference: Evaluation { Evaluation() }
  /// Without noise, in fewer bits: half or a quarter of the memory and, where reading weights takes most of it, of the
  /// time.
  public static func inference(_ precision: Precision) -> Evaluation { Evaluation(precision: precision) }
  /// With dropout and the noise of layers, by masks from `random`.
  public static func training(_ random: RandomSource, checkpointing: Checkpointing = .none) -> Evaluation {
    Evaluation(checkpointing: checkpointing, random: random)
  }
}

/// Sets values to 0 at random while training and scales the others up, so that no unit can rely on another
/// (Srivastava et al. 2014).
///
/// Each value is dropped with probability `rate`, the others are multiplied with 1 / (1 - rate). Without a random
/// source in the evaluation nothing happens.
public struct Dropout: Module {
  /// Probability of a value to be dropped, in 0..<1.
  public let rate: Float

  /// Creates the layer. Traps unless 0 <= rate < 1.
  public init(rate: Float) {
    demand(rate >= 0 && rate < 1, "Dropout: a rate is in 0..<1, not \(rate)")
    self.rate = rate
  }

  /// Rows of any shape to rows of the same shape.
  public func callAsFunction(_ x: Tensor, in evaluation: inout Evaluation) -> Tensor {
    guard rate > 0, evaluation.random != nil else { return x }
    return x * evaluation.random!.dropoutMask(x.shape, rate: rate)
  }

  /// The same for every time step of a batch, each with a mask of its own.
  public func callAsFunction(_ batch: SequenceBatch, in evaluation: inout Evaluation) -> SequenceBatch {
    batch.replacingRows(with: self(batch.rows, in: &evaluation))
  }
}
