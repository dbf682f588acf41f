import Foundation
import Interchange

/// How the learning rate changes over the updates of a training.
///
///     Schedule.cosine(warmUp: 100).learningRate(0.002, update: 50, of: 1000)  // 0.00102
///
/// A function of the update's number and of the number of updates in total, so that it needs no state of its own.
public enum Schedule: Hashable, Sendable, Codable {
  /// The same learning rate always.
  case constant
  /// Multiplied by `factor` after every `every` updates.
  case stepDecay(every: Int, factor: Float)
  /// Rises evenly from 1 / `warmUp` to 1 over `warmUp` updates, then falls to `final` along half a cosine
  /// (Loshchilov & Hutter 2017). `final` is a fraction of the learning rate, which is reached after the last update.
  case cosine(warmUp: Int = 0, final: Float = 0)

  /// The learning rate of an update.
  ///
  /// - Parameters:
  ///   - base: The full learning rate.
  ///   - update: The update's number, from 0.
  ///   - total: Number of updates of the whole training; updates beyond it have the last one's end.
  public func learningRate(_ base: Float, update: Int, of total: Int) -> Float {
    Float(Double(base) * factor(update: update, of: total))
  }

  /// Whether a training's rate at an update depends on how many follow.
  public var endsWithTheTraining: Bool {
    switch self {
    case .constant, .stepDecay: false
    case .cosine: true
    }
  }

  /// The same with a warm-up of at most so many updates: what suits a large set of data is too long for a small one.
  public func warmingUp(atMost updates: Int) -> Schedule {
    guard case .cosine(let warmUp, let final) = self else { return self }
    return .cosine(warmUp: min(warmUp, updates), final: final)
  }

  private func factor(update: Int, of total: Int) -> Double {
    switch self {
    case .constant: return 1
    case .stepDecay(let every, let factor): return pow(Double(factor), Double(update / every))
    case .cosine(let warmUp, let final):
      if update < warmUp { return Double(update + 1) / Double(warmUp) }
      let progress = min(1, Double(update - warmUp) / Double(max(1, total - warmUp)))
      return Double(final) + (1 - Double(final)) * (1 + cos(.pi * progress)) / 2
    }
  }

  /// Throws when a number is outside its range.
  package func validate() throws(UnrollError) {
    switch self {
    case .constant: return
    case .stepDecay(let every, let factor):
      try require(every > 0, "a step decay comes every 1 or more updates, not \(every)")
      try require(factor > 0 && factor <= 1, "a step decay's factor is above 0 and at most 1, not \(factor)")
    case .cosine(let warmUp, let final):
      try require(warmUp >= 0, "a warm-up takes 0 or more updates, not \(warmUp)")
      try require(final >= 0 && final <= 1, "a cosine's final fraction is in 0...1, not \(final)")
    }
  }
}
