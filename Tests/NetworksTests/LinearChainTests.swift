import Foundation
import Networks
import Recurrence
import Tensors
import Testing

/// The chain against the sum over every sequence of tags, one by one.
@Suite struct LinearChainTests {
  private static func chain(tags: Int, seed: UInt64 = 3) -> LinearChain {
    var random = RandomSource(seed: seed)
    let chain = LinearChain(tags: tags)
    chain.transitions.value = random.normal([tags, tags])
    chain.first.value = random.normal([tags])
    chain.last.value = random.normal([tags])
    return chain
  }

  /// The score of one sequence of tags, in Double.
  private static func score(_ chain: LinearChain, _ scores: Tensor, _ path: [Int]) -> Double {
    var sum = 0.0
    for (t, tag) in path.enumerated() {
      sum += Double(scores[t, tag])
      if t > 0 { sum += Double(chain.transitions.value[path[t - 1], tag]) }
    }
    if let first = path.first, let last = path.last {
      sum += Double(chain.first.value[first]) + Double(chain.last.value[last])
    }
    return sum
  }

  private static func paths(_ length: Int, tags: Int) -> [[Int]] {
    (0..<length).reduce([[]]) { paths, _ in paths.flatMap { path in (0..<tags).map { path + [$0] } } }
  }

  private static let lengths = [4, 0, 1, 5, 2]

  private static func batch(tags: Int) -> (scores: SequenceBatch, targets: TokenBatch, sequences: [[Int32]]) {
    var random = RandomSource(seed: 5)
    let layout = Layout(lengths: lengths)
    let scores = SequenceBatch(rows: random.normal([layout.rowCount, tags], deviation: 2), layout: layout)
    let sequences = lengths.map { length in (0..<length).map { _ in Int32(random.integer(below: tags)) } }
    return (scores, TokenBatch(sequences), sequences)
  }

  @Test func lossesAreThoseOfAllSequences() {
    let (chain, (scores, targets, sequences)) = (Self.chain(tags: 3), Self.batch(tags: 3))
    let losses = chain.loss(of: targets, scores: scores.rows).values
    for (i, length) in Self.lengths.enumerated() {
      let own = scores.sequence(i)
      let all = Self.paths(length, tags: 3).map { exp(Self.score(chain, own, $0)) }.reduce(0, +)
      let expected = log(all) - Self.score(chain, own, sequences[i].map(Int.init))
      #expect(abs(Double(losses[i]) - expected) < 1e-5, "sequence \(i)")
    }
  }

  @Test func gradientsPassFiniteDifferences() {
    struct Network: Module {
      let chain: LinearChain
      let scores: Parameter
    }
    let (scores, targets, _) = Self.batch(tags: 3)
    let network = Network(chain: Self.chain(tags: 3), scores: Parameter(scores.rows))
    let weights = Tensor([0.5, -1, 2, 1, 0.25])
    func loss() -> Tensor { (network.chain.loss(of: targets, scores: network.scores.tensor) * weights).sum() }
    let gradients = valueAndGradient(of: network) { loss() }.gradients
    for named in network.parameters {
      let gradient = gradients[named.parameter]?.values ?? []
      let original = named.parameter.value
      #expect(gradient.count == original.shape.count)
      for i in gradient.indices {
        func value(_ step: Float) -> Float {
          var values = original.values
          values[i] += step
          named.parameter.value = Tensor(shape: original.shape, values: values)
          return loss().scalar
        }
        let difference = (value(0.02) - value(-0.02)) / 0.04
        #expect(abs(difference - gradient[i]) < 2e-3, "\(named.path) \(i): \(gradient[i]), \(difference)")
      }
      named.parameter.value = original
    }
  }

  @Test func theBestTagsAreTheBestOfAll() {
    let (chain, (scores, _, _)) = (Self.chain(tags: 4, seed: 8), Self.batch(tags: 4))
    let best = chain.bestTags(for: scores)
    #expect(best.map(\.count) == Self.lengths)
    for (i, length) in Self.lengths.enumerated() {
      let own = scores.sequence(i)
      let expected = Self.paths(length, tags: 4).max { Self.score(chain, own, $0) < Self.score(chain, own, $1) }
      #expect(best[i].map(Int.init) == expected)
    }
  }

  /// Large scores, and a long sequence: nothing overflows.
  @Test func longSequencesOfLargeScoresStayNumbers() {
    var random = RandomSource(seed: 1)
    let (chain, length) = (Self.chain(tags: 5), 10_000)
    let scores = random.normal([length, 5], deviation: 60)
    let targets = TokenBatch([(0..<length).map { _ in Int32(random.integer(below: 5)) }])
    let (value, gradients) = valueAndGradient(of: chain) { chain.loss(of: targets, scores: scores).sum() }
    #expect(value.isFinite && value > 0)
    #expect(gradients[chain.transitions]?.values.allSatisfy(\.isFinite) == true)
  }
}
