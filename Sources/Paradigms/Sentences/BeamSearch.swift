import Foundation
import Tensors

/// Looks for the best sentences: at each step the `width` best beginnings of each sentence go on (Graves 2012;
/// Sutskever et al. 2014). A width of 1 is greedy.
///
/// The search ends when `width` sentences are finished and nothing that goes on would be better if it ended now. A
/// finished sentence of n tokens counts with its log-probability divided by ((5 + n) / 6)^alpha (Wu et al. 2016).
public struct BeamSearch: Hashable, Sendable {
  /// Beginnings that are kept.
  public var width: Int
  /// How much longer sentences are preferred; 0: not at all, 1: nearly by the mean log-probability.
  public var alpha: Double
  /// Tokens that a sentence has at most; a translation also not more than about twice those of its source.
  public var longest: Int

  /// A search. Traps unless the width is at least 1.
  public init(width: Int = 1, alpha: Double = 1, longest: Int = 200) {
    demand(width >= 1 && longest >= 1, "BeamSearch: a width of \(width), at most \(longest) tokens")
    (self.width, self.alpha, self.longest) = (width, alpha, longest)
  }

  /// A sentence: tokens without its end, and its score.
  public struct Hypothesis: Hashable, Sendable {
    /// Tokens.
    public let tokens: [Int32]
    /// Log-probability with the penalty of its length, in nats.
    public let score: Double
  }

  private struct Beam {
    var tokens: [Int32] = []
    var logProbability: Double
    /// The row that its state stands in.
    var row: Int
  }

  private func penalised(_ logProbability: Double, _ count: Int) -> Double {
    logProbability / pow(Double(5 + count) / 6, alpha)
  }

  /// The best sentences, best first, at least one for each limit of tokens.
  ///
  /// `step` is asked for log-probabilities [limits * width, tokens] of what comes next, given the last token of each
  /// row's beginning and the row in which that beginning stood in the step before.
  func search(
    limits: [Int], tokens: Int, _ step: (_ last: [Int32], _ parents: [Int]) -> [Float]
  ) -> [[Hypothesis]] {
    let rows = limits.count * width
    var beams = limits.indices.map { [Beam(logProbability: 0, row: $0 * width)] }
    var finished = [[Hypothesis]](repeating: [], count: limits.count)
    for length in 1...longest {
      let open = limits.indices.filter { !beams[$0].isEmpty }
      if open.isEmpty { break }
      var last = [Int32](repeating: SentenceTokens.begin, count: rows)
      var parents = Array(0..<rows)
      for sentence in open {
        for (k, beam) in beams[sentence].enumerated() {
          last[sentence * width + k] = beam.tokens.last ?? SentenceTokens.begin
          parents[sentence * width + k] = beam.row
        }
      }
      let scores = step(last, parents)
      for sentence in open {
        advance(
          &beams[sentence], &finished[sentence], firstRow: sentence * width, scores, tokens: tokens,
          isLast: length >= limits[sentence] || length == longest)
      }
    }
    return finished
  }

  /// One sentence's next beginnings, from the scores of its rows: the `width` best that are not finished. Those of the
  /// `width` best of all that end are finished.
  private func advance(
    _ beams: inout [Beam], _ finished: inout [Hypothesis], firstRow: Int, _ scores: [Float], tokens: Int, isLast: Bool
  ) {
    var next: [Beam] = []
    for (rank, choice) in candidates(beams, firstRow, scores, tokens).enumerated() where next.count < width {
      let own = beams[choice.beam].tokens
      if choice.token != SentenceTokens.end {
        next.append(Beam(tokens: own + [choice.token], logProbability: choice.score, row: firstRow + choice.beam))
      } else if rank < width {
        finished.append(Hypothesis(tokens: own, score: penalised(choice.score, own.count)))
      }
    }
    finished.sort { $0.score > $1.score }
    finished.removeLast(max(0, finished.count - width))
    if isLast, finished.isEmpty {
      finished = next.map { Hypothesis(tokens: $0.tokens, score: penalised($0.logProbability, $0.tokens.count)) }
    }
    // What goes on is given up when, as long as it is now, it would be worse than all that are finished.
    let isOver =
      finished.count == width
      && next.allSatisfy {
        penalised($0.logProbability, $0.tokens.count) <= finished[width - 1].score
      }
    beams = isLast || isOver ? [] : next
  }

  /// The best ways to go on, the best first: twice as many as beginnings are kept, as each can end in one way only.
  private func candidates(
    _ beams: [Beam], _ firstRow: Int, _ scores: [Float], _ tokens: Int
  ) -> [(score: Double, beam: Int, token: Int32)] {
    let most = 2 * width
    var best: [(score: Double, beam: Int, token: Int32)] = []
    for (k, beam) in beams.enumerated() {
      let from = (firstRow + k) * tokens
      for token in 0..<tokens where token != Int(SentenceTokens.unknown) && token != Int(SentenceTokens.begin) {
        let score = beam.logProbability + Double(scores[from + token])
        if best.count == most, score <= best[most - 1].score { continue }
        let place = best.firstIndex { score > $0.score } ?? best.count
        best.insert((score, k, Int32(token)), at: place)
        if best.count > most { best.removeLast() }
      }
    }
    return best
  }
}
