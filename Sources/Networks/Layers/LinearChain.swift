import Foundation
import Recurrence
import Tensors

/// A readout of whole sequences of tags: a linear-chain conditional random field (Lafferty et al. 2001; over a
/// recurrent network Huang et al. 2015). A sequence of tags has the sum of its tags' scores, which a network gives, and
/// of learnt scores of each tag after the one before it; its probability is the exponential of that, divided by the sum
/// over all sequences.
///
///     let chain = LinearChain(tags: 9)
///     chain.loss(of: tags, scores: readout(rows)).sum()                            // -log of the tags' probability
///     chain.bestTags(for: SequenceBatch(rows: readout(rows), layout: batch.layout))   // Viterbi
///
/// Sums over all sequences are taken forwards and backwards in time, in 64-bit floats; sequences do not affect each
/// other.
public struct LinearChain: Module {
  /// The score of each tag (column) after each other one (row), [tags, tags]; begins as 0.
  public let transitions: Parameter
  /// Scores of a sequence's first tag, and of its last one, [tags].
  public let first, last: Parameter

  /// A chain without preferences.
  public init(tags: Int) {
    transitions = Parameter(.zeros([tags, tags]))
    first = Parameter(.zeros([tags]))
    last = Parameter(.zeros([tags]))
  }

  /// Number of tags.
  public var tags: Int { first.shape[0] }

  /// The negative logarithm of the probability of each sequence of tags, [batch], in nats; 0 for an empty one. `scores`
  /// [rows, tags] are packed as the tags are. Traps when sizes do not fit, or there is no such tag.
  public func loss(of tags: TokenBatch, scores: Tensor) -> Tensor {
    let (count, layout) = (self.tags, tags.layout)
    demand(
      scores.shape == [layout.rowCount, count],
      "LinearChain: scores \(scores.shape) for \(count) tags, lengths "
        + "\(layout.lengths)")
    demand(
      tags.tokens.allSatisfy { $0 >= 0 && $0 < count },
      "LinearChain: the tags \(tags.tokens.min() ?? 0)...\(tags.tokens.max() ?? 0) of \(count)")
    let operands = [scores, transitions.tensor, first.tensor, last.tensor]
    let sums = ChainSums(
      values: operands.map(\.detached), targets: tags.tokens, rows: layout.rowsOfSequences, count: count)
    let losses = Tensor(shape: [layout.batch], storage: sums.losses)
    guard case .tape(let tape) = Recording.current, operands.contains(where: { tape.index(of: $0) != nil }) else {
      return losses
    }
    return tape.record(sums, operands: operands, results: [losses])[0]
  }

  /// The likeliest sequence of tags for each sequence of scores (Viterbi 1967). Traps when sizes do not fit.
  public func bestTags(for scores: SequenceBatch) -> [[Int32]] {
    demand(scores.features == tags, "LinearChain: scores of \(scores.features) tags for \(tags)")
    let (count, values) = (tags, scores.rows.values)
    let (steps, first, last) = (transitions.value.values, self.first.value.values, self.last.value.values)
    return scores.layout.rowsOfSequences.map { rows in
      guard let start = rows.first else { return [] }
      let offset = Int(start) * count
      var best = (0..<count).map { first[$0] + values[offset + $0] }
      var origins: [[Int32]] = []
      for row in rows.dropFirst() {
        var (next, from) = (best, [Int32](repeating: 0, count: count))
        for tag in 0..<count {
          var top = -Float.infinity
          for before in 0..<count where best[before] + steps[before * count + tag] > top {
            top = best[before] + steps[before * count + tag]
            from[tag] = Int32(before)
          }
          next[tag] = top + values[Int(row) * count + tag]
        }
        best = next
        origins.append(from)
      }
      let ends = (0..<count).map { best[$0] + last[$0] }
      var tag = Int32(ends.indices.max { ends[$0] < ends[$1] } ?? 0)
      var path = [tag]
      for from in origins.reversed() {
        tag = from[Int(tag)]
        path.append(tag)
      }
      return path.reversed()
    }
  }
}

/// Losses and gradients of a ``LinearChain``, computed together: what the sum over all sequences needs, its gradient,
/// the probabilities of tags and of pairs, needs too.
private struct ChainSums: CompositeOperation {
  let losses: Storage
  private let count: Int
  private let rows: [[Int32]]
  /// Gradients of each sequence's loss: of the scores, one row each; of transitions, first and last, a block each.
  private let ofScores, ofChain: Storage
  private var blockSize: Int { count * (count + 2) }

  init(values: [Tensor], targets: [Int32], rows: [[Int32]], count: Int) {
    self.count = count
    self.rows = rows
    losses = Storage(count: rows.count, repeating: 0)
    ofScores = Storage(count: values[0].shape.count, repeating: 0)
    ofChain = Storage(count: rows.count * count * (count + 2), repeating: 0)
    let top = values[1].values.max().map(Double.init) ?? 0
    let steps = values[1].values.map { exp(Double($0) - top) }
    parallelRanges(rows.count, grain: 1) { part in
      for sequence in part where !rows[sequence].isEmpty {
        run(sequence, values.map(\.storage.floats), targets, steps, top)
      }
    }
  }

  private func run(
    _ sequence: Int, _ values: [UnsafeMutablePointer<Float>], _ targets: [Int32], _ steps: [Double], _ top: Double
  ) {
    let (own, n, k) = (rows[sequence].map(Int.init), rows[sequence].count, count)
    let chain = ofChain.floats + sequence * blockSize
    // Exponentials of each time step's scores, the largest taken off.
    var weights = [Double](repeating: 0, count: n * k)
    var logarithm = 0.0
    for t in 0..<n {
      for j in 0..<k {
        var value = Double(values[0][own[t] * k + j])
        if t == 0 { value += Double(values[2][j]) }
        if t == n - 1 { value += Double(values[3][j]) }
        weights[t * k + j] = value
      }
      let target = Int(targets[own[t]])
      logarithm -= weights[t * k + target]
      if t > 0 { logarithm -= Double(values[1][Int(targets[own[t - 1]]) * k + target]) - top }
      let largest = weights[t * k..<(t + 1) * k].max() ?? 0
      logarithm += largest
      for j in 0..<k { weights[t * k + j] = exp(weights[t * k + j] - largest) }
    }
    // Forwards: the probability of each tag, by what is known so far.
    var ahead = weights
    var scales = [Double](repeating: 1, count: n)
    for t in 0..<n {
      if t > 0 {
        for j in 0..<k {
          var sum = 0.0
          for i in 0..<k { sum += ahead[(t - 1) * k + i] * steps[i * k + j] }
          ahead[t * k + j] *= sum
        }
      }
      scales[t] = ahead[t * k..<(t + 1) * k].reduce(0, +)
      logarithm += log(scales[t])
      for j in 0..<k { ahead[t * k + j] /= scales[t] }
    }
    losses.floats[sequence] = Float(logarithm)
    // Backwards: how much more likely what follows makes it.
    var behind = [Double](repeating: 1, count: k)
    for t in (0..<n).reversed() {
      let target = Int(targets[own[t]])
      for j in 0..<k {
        let gradient = Float(ahead[t * k + j] * behind[j]) - (j == target ? 1 : 0)
        ofScores.floats[own[t] * k + j] = gradient
        if t == 0 { chain[k * k + j] = gradient }
        if t == n - 1 { chain[k * k + k + j] = gradient }
      }
      guard t > 0 else { break }
      let next = (0..<k).map { weights[t * k + $0] * behind[$0] / scales[t] }
      for i in 0..<k {
        var sum = 0.0
        for j in 0..<k {
          let share = steps[i * k + j] * next[j]
          chain[i * k + j] += Float(ahead[(t - 1) * k + i] * share)
          sum += share
        }
        behind[i] = sum
      }
      chain[Int(targets[own[t - 1]]) * k + target] -= 1
    }
  }

  func cotangents(_ results: [Tensor?], needed _: [Bool]) -> [Tensor?] {
    guard let scale = results[0]?.values else { return [] }
    let scores = Storage(count: ofScores.count, repeating: 0)
    var sums = [Float](repeating: 0, count: blockSize)
    for (sequence, own) in rows.enumerated() {
      for row in own {
        for j in Int(row) * count..<(Int(row) + 1) * count {
          scores.floats[j] = scale[sequence] * ofScores.floats[j]
        }
      }
      for i in 0..<blockSize { sums[i] += scale[sequence] * ofChain.floats[sequence * blockSize + i] }
    }
    let (steps, first) = (count * count, count * count + count)
    return [
      Tensor(shape: [count == 0 ? 0 : ofScores.count / count, count], storage: scores),
      Tensor(shape: [count, count], values: Array(sums[..<steps])),
      Tensor(shape: [count], values: Array(sums[steps..<first])), Tensor(shape: [count], values: Array(sums[first...])),
    ]
  }
}
