import Networks
import Recurrence
import Tensors
import TestSupport
import Testing

/// Penalties of activations, and noise on tokens and their vectors.
@Suite struct PenaltyTests {
  @Test func penaltiesAreMeansOfSquares() {
    let batch = SequenceBatch([[[1, 2], [3, 5]], [], [[4, 0], [4, 1], [2, 1]], [[7, 7]]])
    let squares: Float = 1 + 4 + 9 + 25 + 16 + 16 + 1 + 4 + 1 + 49 + 49
    #expect(abs(batch.activationPenalty().scalar - squares / 12) < 1e-5)
    // Changes: (2, 3), (0, 1), (-2, 0).
    let changes: Float = 4 + 9 + 0 + 1 + 4 + 0
    #expect(abs(batch.temporalActivationPenalty().scalar - changes / 6) < 1e-5)
    for lengths in [[0], [1, 1]] {
      var random = RandomSource(seed: 3)
      let still = SequenceBatch.random(lengths: lengths, features: 2, using: &random)
      #expect(still.temporalActivationPenalty().scalar == 0)
    }
  }

  @Test func penaltiesPassFiniteDifferences() {
    var random = RandomSource(seed: 9)
    let batch = SequenceBatch.random(lengths: [3, 0, 2], features: 2, using: &random)
    let comparisons = compareGradients(leaves: [batch.rows]) { leaves in
      let own = batch.replacingRows(with: leaves[0])
      return 2 * own.activationPenalty() + 3 * own.temporalActivationPenalty()
    }
    for comparison in comparisons { #expect(comparison.error < 1e-4) }
  }

  @Test func tokensAreReplacedWhileTraining() {
    let tokens = TokenBatch(tokens: (0..<10_000).map { Int32($0 % 7 + 1) }, time: 100, batch: 100)
    var training = Evaluation.training(RandomSource(seed: 8))
    let replaced = tokens.replacing(at: 0.2, with: 0, in: &training)
    let count = replaced.tokens.count { $0 == 0 }
    #expect((1_800...2_200).contains(count))
    #expect(zip(tokens.tokens, replaced.tokens).allSatisfy { $1 == 0 || $0 == $1 })
    #expect(replaced.layout == tokens.layout)
    #expect(replaced != tokens.replacing(at: 0.2, with: 0, in: &training), "the same masks again")
    var inference = Evaluation.inference
    #expect(tokens.replacing(at: 0.2, with: 0, in: &inference) == tokens)
  }

  /// A token that is dropped is dropped everywhere.
  @Test func wholeVectorsAreDropped() {
    var random = RandomSource(seed: 8)
    let embedding = Embedding(tokens: 50, size: 3, using: &random)
    let tokens = TokenBatch([(0..<200).map { Int32($0 * 7 % 50) }, [], (0..<50).map { Int32($0) }])
    var training = Evaluation.training(RandomSource(seed: 1))
    let vectors = embedding(tokens, dropping: 0.4, in: &training)
    var inference = Evaluation.inference
    let plain = embedding(tokens, dropping: 0.4, in: &inference)
    #expect(plain.rows == embedding(tokens).rows)
    var factors: [Int32: Float] = [:]
    for (row, token) in tokens.tokens.enumerated() {
      let (a, b) = (vectors.rows.rows(row..<row + 1).values, plain.rows.rows(row..<row + 1).values)
      let factor: Float = a.allSatisfy { $0 == 0 } ? 0 : 1 / 0.6
      for (x, y) in zip(a, b) { #expect(abs(x - factor * y) < 1e-5) }
      #expect(factors[token, default: factor] == factor)
      factors[token] = factor
    }
    #expect((10...30).contains(factors.values.count { $0 == 0 }))
  }

  @Test func ratesOutsideTheirRangeStop() async {
    func text(of result: ExitTest.Result?) -> String {
      String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    }
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      var evaluation = Evaluation.inference
      _ = TokenBatch([[1]]).replacing(at: 1, with: 0, in: &evaluation)
    }
    #expect(text(of: result).contains("word dropout"))
    let other = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      _ = crossEntropy(.zeros([1, 2]), [0], smoothing: 1)
    }
    #expect(text(of: other).contains("label smoothing"))
  }
}
