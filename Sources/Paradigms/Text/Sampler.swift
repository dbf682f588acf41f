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
    demand(!logits.isEmpty, "Sampler: no scores to choose by")
    var ranking = Ranking(logits)
    let best = ranking.best
    guard temperature > 0 else { return Int32(best) }
    func weight(_ token: Int) -> Double { exp(Double((logits[token] - logits[best]) / temperature)) }
    let allowed = min(topK ?? logits.count, logits.count)
    var total = 0.0
    if allowed == logits.count {
      for token in logits.indices { total += weight(token) }
    } else {
      var first = ranking
      for _ in 0..<allowed { total += weight(first.next()) }
    }
    var (rest, token) = (Double(random.uniform()) * total, best)
    for _ in 0..<allowed {
      token = ranking.next()
      rest -= weight(token)
      if rest < 0 { break }
    }
    return Int32(token)
  }
}

/// Tokens from the best score to the worst, each found when it is asked for: as a rule that is the first few out of
/// many. A binary heap.
private struct Ranking {
  private let scores: [Float]
  private var heap: [Int]

  init(_ scores: [Float]) {
    self.scores = scores
    heap = Array(scores.indices)
    for place in (0..<heap.count / 2).reversed() { sink(from: place) }
  }

  /// The best of those that are left.
  var best: Int { heap[0] }

  /// Takes out the best of those that are left.
  mutating func next() -> Int {
    let best = heap[0]
    let last = heap.removeLast()
    if !heap.isEmpty {
      heap[0] = last
      sink(from: 0)
    }
    return best
  }

  private func isBetter(_ a: Int, _ b: Int) -> Bool { (scores[a], b) > (scores[b], a) }

  private mutating func sink(from start: Int) {
    let token = heap[start]
    var place = start
    while 2 * place + 1 < heap.count {
      var child = 2 * place + 1
      if child + 1 < heap.count, isBetter(heap[child + 1], heap[child]) { child += 1 }
      guard isBetter(heap[child], token) else { break }
      heap[place] = heap[child]
      place = child
    }
    heap[place] = token
  }
}
