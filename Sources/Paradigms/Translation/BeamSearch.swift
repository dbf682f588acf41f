import Foundation
import Networks
import Recurrence
import Tensors

/// Looks for the best translations: at each step the `width` best beginnings of each sentence go on (Graves 2012;
/// Sutskever et al. 2014). A width of 1 is greedy.
///
/// A finished translation of n tokens counts with its log-probability divided by ((5 + n) / 6)^alpha (Wu et al. 2016).
public struct BeamSearch: Hashable, Sendable {
  /// Beginnings that are kept.
  public var width: Int
  /// How much longer translations are preferred; 0: not at all, 1: nearly by the mean log-probability.
  public var alpha: Double
  /// Tokens that a translation has at most: this, and twice those of its source, whichever is less.
  public var longest: Int

  /// A search. Traps unless the width is at least 1.
  public init(width: Int = 1, alpha: Double = 1, longest: Int = 200) {
    demand(width >= 1 && longest >= 1, "BeamSearch: a width of \(width), at most \(longest) tokens")
    (self.width, self.alpha, self.longest) = (width, alpha, longest)
  }

  /// A translation: tokens without its end, and its score.
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

  /// The best translations of some sentences, best first, at least one each.
  func translate(_ sources: [[Int32]], by network: TranslatorNetwork) -> [[Hypothesis]] {
    var evaluation = Evaluation.inference
    // A row for each beginning; what a sentence is read as is the same for all of its own.
    let rows = sources.count * width
    let annotations = network.annotations(of: TokenBatch(sources), in: &evaluation)
      .sequences((0..<rows).map { $0 / width })
    let layer = network.decoder.anyAttending(to: [annotations])
    var state = network.initialState(annotations)
    var beams = sources.indices.map { [Beam(logProbability: 0, row: $0 * width)] }
    var finished = [[Hypothesis]](repeating: [], count: sources.count)
    for step in 0..<longest {
      let open = sources.indices.filter { !beams[$0].isEmpty }
      if open.isEmpty { break }
      var last = [Int32](repeating: TranslatorTokens.begin, count: rows)
      var parents = Array(0..<rows)
      for sentence in open {
        for (k, beam) in beams[sentence].enumerated() {
          last[sentence * width + k] = beam.tokens.last ?? TranslatorTokens.begin
          parents[sentence * width + k] = beam.row
        }
      }
      let result = network.features(
        after: TokenBatch(tokens: last, time: 1, batch: rows), layer, from: state.rows(parents), in: &evaluation)
      state = result.state
      let scores = SequenceBatch(
        rows: logSoftmax(network.readout(result.rows)), layout: Layout(time: 1, batch: rows)
      ).values.values
      let tokens = network.readout.outputSize
      for sentence in open {
        let isLast = step + 1 >= max(1, 2 * sources[sentence].count + 5) || step + 1 == longest
        advance(
          &beams[sentence], &finished[sentence], firstRow: sentence * width, scores, tokens: tokens, isLast: isLast)
      }
    }
    return finished.map { $0.sorted { $0.score > $1.score } }
  }

  /// One sentence's next beginnings, from the scores of its rows.
  private func advance(
    _ beams: inout [Beam], _ finished: inout [Hypothesis], firstRow: Int, _ scores: [Float], tokens: Int, isLast: Bool
  ) {
    var best: [(score: Double, beam: Int, token: Int32)] = []
    for (k, beam) in beams.enumerated() {
      let from = (firstRow + k) * tokens
      for token in 0..<tokens where token != Int(TranslatorTokens.unknown) && token != Int(TranslatorTokens.begin) {
        let score = beam.logProbability + Double(scores[from + token])
        if best.count == width, score <= best[width - 1].score { continue }
        let place = best.firstIndex { score > $0.score } ?? best.count
        best.insert((score, k, Int32(token)), at: place)
        if best.count > width { best.removeLast() }
      }
    }
    var next: [Beam] = []
    for choice in best {
      let own = beams[choice.beam].tokens
      if choice.token == TranslatorTokens.end {
        finished.append(Hypothesis(tokens: own, score: penalised(choice.score, own.count)))
      } else {
        next.append(Beam(tokens: own + [choice.token], logProbability: choice.score, row: firstRow + choice.beam))
      }
    }
    if isLast, finished.isEmpty {
      finished = next.map { Hypothesis(tokens: $0.tokens, score: penalised($0.logProbability, $0.tokens.count)) }
    }
    // Nothing that goes on can be better than as many finished ones as are kept.
    beams = isLast || finished.count >= width ? [] : next
  }
}
