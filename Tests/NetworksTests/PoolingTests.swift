import Networks
import Recurrence
import Tensors
import TestSupport
import Testing

/// One vector for each sequence.
@Suite struct PoolingTests {
  private static let poolings: [Pooling] = [.last, .mean, .maximum]

  @Test func valuesAreThoseByHand() {
    let batch = SequenceBatch([[[1, -5], [4, -2], [2, -9]], [], [[-7, 8]], [[-3, -4], [-1, -6]]])
    let none = LayerState()
    #expect(Pooling.last(batch, none) == Tensor([[2, -9], [0, 0], [-7, 8], [-1, -6]]))
    #expect(Pooling.maximum(batch, none) == Tensor([[4, -2], [0, 0], [-7, 8], [-1, -4]]))
    let third = Float(1) / 3
    #expect(Pooling.mean(batch, none) == Tensor([[7 * third, -16 * third], [0, 0], [-7, 8], [-2, -5]]))
  }

  /// Against plain loops, for lengths of all kinds; a sequence's vector is the same alone, bit for bit.
  @Test(arguments: TestLengths.all) func poolsAreThoseOfEachSequence(lengths: TestLengths) {
    var random = RandomSource(seed: 101)
    let batch = SequenceBatch.random(lengths: lengths.lengths, features: 3, using: &random)
    for pooling in Self.poolings {
      let vectors = pooling(batch, LayerState())
      #expect(vectors.shape == [lengths.lengths.count, 3])
      for (b, length) in lengths.lengths.enumerated() {
        let own = batch.sequence(b)
        let alone = SequenceBatch(rows: own, layout: Layout(time: length, batch: 1))
        #expect(pooling(alone, LayerState()).values == vectors.rows(b..<b + 1).values, "\(pooling), \(b)")
        for i in 0..<3 {
          let values = (0..<length).map { own[$0, i] }
          let expected =
            switch pooling {
            case .last: values.last ?? 0
            case .mean: values.isEmpty ? 0 : values.reduce(0, +) / Float(length)
            case .maximum: values.max() ?? 0
            case .state: Float.nan
            }
          #expect(abs(vectors[b, i] - expected) < 1e-6, "\(pooling), \(b)")
        }
      }
    }
  }

  @Test func partsOfTheStateAreNamed() {
    var random = RandomSource(seed: 102)
    let layer = Bidirectional(
      forward: LSTM(inputSize: 3, hiddenSize: 4, using: &random),
      backward: GRU(inputSize: 3, hiddenSize: 2, using: &random))
    let encoder = Encoder(layer, pooling: .state(["backward.hidden", "forward.cell"]))
    #expect(encoder.inputSize == 3 && encoder.outputSize == 6)
    #expect(Encoder(layer, pooling: .mean).outputSize == 6)
    #expect(Encoder(Stack([layer]), pooling: .state(["0.forward.hidden"])).outputSize == 4)
    #expect(encoder.parameters.first?.path == "layer.forward.cell.forget.weight")
    let batch = SequenceBatch.random(lengths: [2, 0, 4], features: 3, using: &random)
    let state = layer.initialState(batch: 3).randomised(using: &random)
    var evaluation = Evaluation.inference
    let result = encoder(batch, from: state, in: &evaluation)
    let plain = layer(batch, from: state, in: &evaluation).state
    #expect(result.vector.features(0..<2) == plain["backward.hidden"])
    #expect(result.vector.features(2..<6) == plain["forward.cell"])
    #expect(result.state["forward.hidden"] == plain["forward.hidden"])
    // An empty sequence ends in the state it began with.
    #expect(result.vector.rows(1..<2).features(2..<6) == state["forward.cell"]?.rows(1..<2))
    #expect(encoder(batch).vector.rows(1..<2).values == [Float](repeating: 0, count: 6))
  }

  /// The gradient of a maximum goes to where it comes from, once where values are equal.
  @Test func maximaSendTheirGradientToOneStep() {
    let batch = SequenceBatch([[[1, 7], [5, 2], [3, 7], [2, 0], [5, 1]], [], [[4, -1]]])
    let tape = Tape()
    let rows = tape.watch(batch.rows)
    let loss = Recording.$current.withValue(.tape(tape)) {
      (Pooling.maximum(batch.replacingRows(with: rows), LayerState()) * Tensor([[2, 3], [4, 5], [6, 7]])).sum()
    }
    let gradient = tape.cotangents(from: [(loss, .ones([]))])[tape.index(of: rows)!]!
    let batchOfGradients = batch.replacingRows(with: gradient)
    #expect(batchOfGradients.sequence(0).values == [0, 0, 0, 0, 0, 3, 0, 0, 2, 0])
    #expect(batchOfGradients.sequence(2).values == [6, 7])
  }

  @Test(arguments: poolings + [.state(["cell", "hidden"])]) func encodersPassFiniteDifferences(pooling: Pooling) {
    var random = RandomSource(seed: 103)
    let encoder = Encoder(TestCell.all[5].layer(input: 2, hidden: 3, using: &random), pooling: pooling)
    let batch = SequenceBatch.random(lengths: [3, 0, 2, 5], features: 2, using: &random)
    let weights = random.uniform([4, encoder.outputSize], in: -1...1)
    let comparisons = compareGradients(leaves: [batch.rows]) { leaves in
      var evaluation = Evaluation(unrolling: .stepwise)
      return (encoder(batch.replacingRows(with: leaves[0]), in: &evaluation).vector * weights).sum()
    }
    for comparison in comparisons { #expect(comparison.error < 1e-4, "\(pooling), \(comparison)") }
    #expect(comparisons.count == 9)
  }

  /// Weights add up to 1, follow the scores, and stay numbers where scores are huge; a sequence's vector is the same
  /// alone.
  @Test func attentionIsAWeightedMean() {
    var random = RandomSource(seed: 103)
    let pooling = AttentivePooling(size: 3, hidden: 5, using: &random)
    let batch = SequenceBatch.random(lengths: [4, 0, 1, 6], features: 3, using: &random)
    let vectors = pooling(batch)
    #expect(vectors.shape == [4, 3] && vectors.rows(1..<2) == .zeros([1, 3]))
    #expect(zip(vectors.rows(2..<3).values, batch.sequence(2).values).allSatisfy { abs($0 - $1) < 1e-6 })
    for b in [0, 3] {
      let own = batch.sequence(b)
      let scores = pooling.question(tanh(pooling.key(own))).reshaped(to: [1, own.shape[0]])
      let mean = matmul(softmax(scores), own).values
      #expect(zip(vectors.rows(b..<b + 1).values, mean).allSatisfy { abs($0 - $1) < 1e-5 })
    }
    pooling.question.weight.value = pooling.question.weight.value * 1e6
    let isFinite = pooling(batch).values.allSatisfy { $0.isFinite }
    #expect(isFinite)
    let other = AttentivePooling(size: 3, hidden: 5, using: &random)
    let comparisons = compareGradients(leaves: [batch.rows]) { leaves in
      square(other(batch.replacingRows(with: leaves[0]))).sum()
    }
    for comparison in comparisons { #expect(comparison.error < 2e-3, "\(comparison.name): \(comparison.error)") }
  }

  @Test(arguments: CellKind.allCases) func everyCellHasTwoDirections(cell: CellKind) {
    var random = RandomSource(seed: 104)
    let layer = cell.bidirectional(inputSize: 3, hiddenSize: 4, using: &random)
    #expect(layer.inputSize == 3 && layer.outputSize == 8)
    let batch = SequenceBatch.random(lengths: [2, 0, 3], features: 3, using: &random)
    #expect(layer(batch).output.rows.shape == [5, 8])
    #expect(layer.forward.parameters.first?.parameter !== layer.backward.parameters.first?.parameter)
  }
}
