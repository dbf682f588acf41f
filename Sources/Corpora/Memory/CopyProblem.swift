import Tensors

/// The copy problem (Hochreiter & Schmidhuber 1997, in the form of Arjovsky et al. 2016): ten symbols, a long delay, a
/// sign, and then the ten symbols have to be said again.
///
///     inputs    4 1 7 … 3   0 0 0 … 0 9   0 0 0 … 0
///     targets   0 0 0 … 0   0 0 0 … 0 0   4 1 7 … 3
///
/// A network without memory guesses the last ten: a mean cross-entropy of 10 ln 8 / (delay + 20) nats a time step.
public struct CopyProblem: Hashable, Sendable {
  /// Time steps between the last symbol and the first that is asked for, at least 1; the sign stands on the last.
  public let delay: Int
  /// Symbols to remember.
  public static let symbols = 10
  /// Different tokens: blank, eight symbols, the sign.
  public static let tokens = 10

  /// A problem. Traps unless `delay` is at least 1.
  public init(delay: Int) {
    demand(delay >= 1, "CopyProblem: a delay of \(delay)")
    self.delay = delay
  }

  /// Time steps in all.
  public var length: Int { delay + 2 * Self.symbols }
  /// The mean cross-entropy without memory, in nats a time step.
  public var baseline: Double { 10 * 2.0794415416798357 / Double(length) }

  /// New sequences of tokens, inputs and targets [length, count], time first.
  public func batch(_ count: Int, using random: inout RandomSource) -> (inputs: [Int32], targets: [Int32]) {
    var inputs = [Int32](repeating: 0, count: length * count)
    var targets = inputs
    for sequence in 0..<count {
      for t in 0..<Self.symbols {
        let symbol = Int32(1 + random.integer(below: 8))
        inputs[t * count + sequence] = symbol
        targets[(t + Self.symbols + delay) * count + sequence] = symbol
      }
      inputs[(Self.symbols + delay - 1) * count + sequence] = 9
    }
    return (inputs, targets)
  }
}
