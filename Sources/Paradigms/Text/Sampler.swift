import Foundation
import Tensors

/// Chooses the next token by a model's scores.
///
///     var sampler = Sampler(temperature: 0.8, topK: 20, seed: 1)
///     let token = sampler.choose(logits)
public struct Sampler: Sendable {
  /// What scores are divided by: under 1 the likely becomes likelier, above 1 the unlikely does; 0 takes the best
  /// always.
  public let temperature: Float
  /// Only the best k tokens may be chosen; nil: all.
  public let topK: Int?
  private var random: RandomSource

  /// Creates a sampler. Traps when the temperature is negative or no number, or `topK` is not positive.
  public init(temperature: Float = 1, topK: Int? = nil, seed: UInt64 = 1) {
    demand(temperature >= 0 && temperature.isFinite, "Sampler: a temperature of \(temperature)")
    demand(topK.map { $0 > 0 } ?? true, "Sampler: topK \(topK ?? 0)")
    self.temperature = temperature
    self.topK = topK
    random = RandomSource(seed: seed, stream: 2)
  }

  /// A token by its score; equal scores are ordered by token. Traps without scores.
  public mutating func choose(_ logits: [Float]) -> Int32 {
    let ranked = logits.indices.sorted { (logits[$0], $1) > (logits[$1], $0) }
    guard temperature > 0 else { return Int32(ranked[0]) }
    let allowed = ranked.prefix(topK ?? ranked.count)
    let best = logits[ranked[0]]
    let weights = allowed.map { exp(Double((logits[$0] - best) / temperature)) }
    var rest = Double(random.uniform()) * weights.reduce(0, +)
    for (token, weight) in zip(allowed, weights) {
      rest -= weight
      if rest < 0 { return Int32(token) }
    }
    return Int32(allowed[allowed.count - 1])
  }
}
