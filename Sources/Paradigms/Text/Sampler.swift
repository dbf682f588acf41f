import Foundation
import Tensors

/// Chooses the next token by a model's scores.
///
///     var sampler = Sampler(temperature: 0.8, topK: 20, topP: 0.95, seed: 1)
///     let token = sampler.choose(logits)
///
/// First comes the penalty of what was used already, then the temperature, then the best k, then of these the smallest
/// number that reaches the share p; among them a token is drawn by its probability.
public struct Sampler: Sendable {
  /// What scores are divided by: under 1 the likely becomes likelier, above 1 the unlikely does; 0 takes the best
  /// always.
  public let temperature: Float
  /// Only the best k tokens may be chosen; nil: all.
  public let topK: Int?
  /// Only the fewest best tokens may be chosen whose probabilities add up to this (Holtzman et al. 2020); nil: all.
  public let topP: Float?
  /// What the scores of tokens that were used already are divided by, or, where they are negative, multiplied with
  /// (Keskar et al. 2019, whose formula for positive scores would reward the others); 1: nothing, above 1: the text
  /// repeats itself less.
  public let repetitionPenalty: Float
  private var random: RandomSource

  /// Creates a sampler. Traps when the temperature is negative or no number, `topK` is not positive, `topP` is not in
  /// 0...1 or is 0, or the penalty is not positive or no number.
  public init(
    temperature: Float = 1, topK: Int? = nil, topP: Float? = nil, repetitionPenalty: Float = 1, seed: UInt64 = 1
  ) {
    demand(temperature >= 0 && temperature.isFinite, "Sampler: a temperature of \(temperature)")
    demand(topK.map { $0 > 0 } ?? true, "Sampler: topK \(topK ?? 0)")
    self.temperature = temperature
    demand(topP.map { $0 > 0 && $0 <= 1 } ?? true, "Sampler: topP \(topP ?? 0)")
    demand(
      repetitionPenalty > 0 && repetitionPenalty.isFinite, "Sampler: a repetition penalty of \(repetitionPenalty)")
    self.topK = topK
    self.topP = topP
    self.repetitionPenalty = repetitionPenalty
    random = RandomSource(seed: seed, stream: 2)
  }

  /// A token by its score; equal scores are ordered by token. `used` are the tokens that were used already, for
  /// ``repetitionPenalty``. Traps without scores, or when one of `used` has none.
  public mutating func choose(_ scores: [Float], penalising used: Set<Int32> = []) -> Int32 {
    demand(!scores.isEmpty, "Sampler: no scores to choose by")
    let logits = penalised(scores, used)
    var ranking = Ranking(logits)
    let best = ranking.best
    guard temperature > 0 else { return Int32(best) }
    func weight(_ token: Int) -> Double { exp(Double((logits[token] - logits[best]) / temperature)) }
    var allowed = min(topK ?? logits.count, logits.count)
    var total = 0.0
    if allowed == logits.count {
      for token in logits.indices { total += weight(token) }
    } else {
      var first = ranking
      for _ in 0..<allowed { total += weight(first.next()) }
    }
    if let topP, topP < 1 {
      var (first, sum, count) = (ranking, 0.0, 0)
      while count < allowed, sum < Double(topP) * total {
        sum += weight(first.next())
        count += 1
      }
      (allowed, total) = (count, sum)
    }
    var (rest, token) = (Double(random.uniform()) * total, best)
    for _ in 0..<allowed {
      token = ranking.next()
      rest -= weight(token)
      if rest < 0 { break }
    }
    return Int32(token)
  }

  private func penalised(_ scores: [Float], _ used: Set<Int32>) -> [Float] {
    guard repetitionPenalty != 1, !used.isEmpty else { return scores }
    var scores = scores
    for token in used {
      demand(scores.indices.contains(Int(token)), "Sampler: token \(token) of \(scores.count)")
      let score = scores[Int(token)]
      scores[Int(token)] = score > 0 ? score / repetitionPenalty : score * repetitionPenalty
    }
    return scores
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
