import Networks
import Recurrence
import Tensors
import TestSupport
import Testing

/// What holds for noise and normalisation inside every cell.
@Suite struct RegularizationTests {
  static let lengths = [2, 5, 0, 3, 1]

  private static func layer(_ cell: TestCell, _ kind: TestRegularization, _ random: inout RandomSource)
    -> any SequenceLayer
  {
    let layer = kind.layer(cell.layer(input: 3, hidden: 4, using: &random))
    for named in layer.parameters where named.path.hasPrefix("norms") {
      named.parameter.value = random.uniform(named.parameter.shape, in: 0.4...1.2)
    }
    return layer
  }

  /// Outputs, states and gradients, by the same masks; with few passes too, and with checkpoints bit for bit.
  @Test(arguments: TestCell.all, TestRegularization.all)
  func compiledEqualsStepwise(cell: TestCell, kind: TestRegularization) {
    var random = RandomSource(seed: 31)
    let layer = Self.layer(cell, kind, &random)
    let batch = SequenceBatch.random(lengths: Self.lengths, features: 3, using: &random)
    let state = layer.initialState(batch: 5).randomised(using: &random)
    func run(_ unrolling: Unrolling, _ checkpointing: Checkpointing = .none) -> Outcome {
      outcome(
        of: layer, on: batch, from: state, unrolling, checkpointing: checkpointing,
        dropout: RandomSource(seed: 7, stream: 3))
    }
    let expected = run(.stepwise)
    let actual = run(.compiled)
    for other in [actual, run(.compiled([])), run(.compiled, .every(2))] {
      let worst = other.difference(to: expected)
      #expect(worst.error < 1e-4, "\(worst)")
    }
    let saving = run(.compiled, .every(2))
    for (a, b) in zip(actual.named, saving.named).prefix(1 + state.parts.count) { #expect(a.tensor == b.tensor) }
  }

  /// The noise is there: other masks give other results, the same ones the same bits, and a source that goes on gives
  /// new ones.
  @Test(arguments: TestCell.all, TestRegularization.all)
  func masksAreDrawnAnew(cell: TestCell, kind: TestRegularization) throws {
    var random = RandomSource(seed: 32)
    let layer = Self.layer(cell, kind, &random)
    let batch = SequenceBatch.random(lengths: Self.lengths, features: 3, using: &random)
    let state = layer.initialState(batch: 5).randomised(using: &random)
    var evaluation = Evaluation.training(RandomSource(seed: 1))
    let results = (0..<2).map { _ in layer(batch, from: state, in: &evaluation) }
    var again = Evaluation.training(RandomSource(seed: 1))
    let same = layer(batch, from: state, in: &again)
    #expect(same.output.rows == results[0].output.rows)
    let position = try #require(evaluation.random?.position)
    let isNoisy = position > 0
    #expect(isNoisy == (kind.description != "layer norm" && !Self.hasNothingToDrop(cell, kind)))
    let values = results.map { [$0.output.rows] + $0.state.parts.map(\.tensor) }
    #expect(isNoisy == (values[0] != values[1]))
  }

  /// Cells without recurrent matrices, and those that read no state in products.
  private static func hasNothingToDrop(_ cell: TestCell, _ kind: TestRegularization) -> Bool {
    let name = cell.description
    let isScan =
      name.hasPrefix("min") || name.hasPrefix("IndRNN")
      || ["SRU", "QRNN", "RG-LRU", "mLSTM", "scanned pair", "rotation"].contains(name)
    // The readout of an LRU reads its state; an integrator has a matrix for its input alone.
    let hasNoMatrix = isScan || name == "LRU" || name == "integrator"
    return kind.description == "drop connect" && hasNoMatrix || kind.description == "state dropout" && isScan
  }

  /// Without a random source dropout does nothing at all.
  @Test(arguments: TestCell.all, TestRegularization.all)
  func inferenceIsWithoutNoise(cell: TestCell, kind: TestRegularization) {
    var random = RandomSource(seed: 33)
    let plain = cell.layer(input: 3, hidden: 4, using: &random)
    let layer = kind.layer(plain)
    let batch = SequenceBatch.random(lengths: Self.lengths, features: 3, using: &random)
    guard !kind.regularization.normalizesLayers, kind.regularization.zoneout.others == 0 else { return }
    #expect(layer(batch).output.rows == plain(batch).output.rows)
  }

  /// Sequences do not affect one another: the masks of one depend on its number, not on the lengths of others.
  @Test(arguments: TestRegularization.all.dropLast())
  func otherLengthsChangeNoBit(kind: TestRegularization) {
    var random = RandomSource(seed: 34)
    let layer = Self.layer(TestCell.all[2], kind, &random)
    let long = SequenceBatch.random(lengths: [4, 9, 3], features: 3, using: &random)
    let values = long.values
    let short = SequenceBatch(values: values, lengths: [4, 0, 2])
    let state = layer.initialState(batch: 3).randomised(using: &random)
    func run(_ batch: SequenceBatch) -> SequenceBatch {
      var evaluation = Evaluation.training(RandomSource(seed: 5))
      return layer(batch, from: state, in: &evaluation).output
    }
    let (a, b) = (run(long), run(short))
    #expect(a.sequence(0) == b.sequence(0))
    #expect(a.sequence(2).rows(0..<2) == b.sequence(2))
  }

  /// A mask for a sequence or for weights is the same in all chunks when each gets the same source.
  @Test(arguments: [
    Regularization(inputDropout: 0.3, stateDropout: 0.4, dropConnect: 0.3), Regularization(outputDropout: 0.5),
    Regularization(recurrentDropout: 0.4, recurrentMasks: .sequence),
  ])
  func chunksOfOneSourceAreTheWhole(regularization: Regularization) {
    var random = RandomSource(seed: 40)
    let layer = Recurrent(GRU(inputSize: 3, hiddenSize: 4, using: &random), regularization: regularization)
    let batch = SequenceBatch.random(lengths: [5, 2, 7], features: 3, using: &random)
    let state = layer.initialState(batch: 3).randomised(using: &random)
    func run(_ batch: SequenceBatch, from state: LayerState) -> (output: SequenceBatch, state: LayerState) {
      var evaluation = Evaluation.training(RandomSource(seed: 6))
      return layer(batch, from: state, in: &evaluation)
    }
    let (values, whole) = (batch.values, run(batch, from: state))
    let first = run(SequenceBatch(values: values.rows(0..<4), lengths: [4, 2, 4]), from: state)
    let second = run(SequenceBatch(values: values.rows(4..<7), lengths: [1, 0, 3]), from: first.state)
    for b in 0..<3 {
      #expect(first.output.sequence(b).values + second.output.sequence(b).values == whole.output.sequence(b).values)
    }
    #expect(second.state["hidden"] == whole.state["hidden"])
  }

  /// The same layer twice on one tape: weights that are dropped differ between the uses.
  @Test(arguments: TestRegularization.all)
  func aLayerMayBeUsedTwice(kind: TestRegularization) {
    var random = RandomSource(seed: 35)
    let layer = kind.layer(TestCell.all[5].layer(input: 4, hidden: 4, using: &random))
    let stack = Stack([layer, layer])
    let batch = SequenceBatch.random(lengths: [3, 1, 0, 4], features: 4, using: &random)
    let state = stack.initialState(batch: 4).randomised(using: &random)
    func run(_ unrolling: Unrolling) -> Outcome {
      outcome(of: stack, on: batch, from: state, unrolling, dropout: RandomSource(seed: 8))
    }
    let worst = run(.compiled).difference(to: run(.stepwise))
    #expect(worst.error < 1e-4, "\(worst)")
  }

  /// Gradients with the masks fixed, against differences in Double.
  @Test(arguments: ["GRU", "LSTM", "RHN", "odd cell", "LSTM, all variants"], TestRegularization.all)
  func gradientsPassFiniteDifferences(name: String, kind: TestRegularization) throws {
    var random = RandomSource(seed: 36)
    let cell = try #require(TestCell.all.first { $0.description == name })
    let layer = kind.layer(cell.layer(input: 2, hidden: 3, using: &random))
    let batch = SequenceBatch.random(lengths: [3, 0, 2], features: 2, using: &random)
    let state = layer.initialState(batch: 3).randomised(using: &random)
    let comparisons = compareGradients(leaves: [batch.rows] + state.parts.map(\.tensor)) { leaves in
      FiniteDifferenceTests.loss(layer, batch, state, leaves, .stepwise, random: RandomSource(seed: 4))
    }
    for comparison in comparisons { #expect(comparison.error < 2e-4, "\(comparison.name): \(comparison.error)") }
    #expect(comparisons.count > state.parts.count + 1)
  }

  /// Where the result is linear in the masks, its mean over many draws is the result without noise.
  @Test(arguments: TestRegularization.all.filter { !$0.regularization.normalizesLayers })
  func meansAreTheInference(kind: TestRegularization) {
    var random = RandomSource(seed: 37)
    let layer = kind.layer(Recurrent(LinearCell(inputSize: 3, hiddenSize: 2, using: &random)))
    let state = layer.initialState(batch: 1).randomised(using: &random)
    let batch = SequenceBatch.random(lengths: [1], features: 3, using: &random)
    var inference = Evaluation.inference
    let expected = layer(batch, from: state, in: &inference)
    var evaluation = Evaluation.training(random)
    let count = 4000
    // Of one mask for a run there are as many as runs; the others have one for each sequence.
    let runs = kind.regularization.dropConnect > 0 ? count : 1
    let rows = [Int](repeating: 0, count: count / runs)
    let many = SequenceBatch(
      rows: batch.rows.gatheringRows(rows.map(Int32.init)), layout: Layout(time: 1, batch: rows.count))
    var sums = [[Double]](repeating: [], count: 1 + state.parts.count)
    for _ in 0..<runs {
      let result = layer(many, from: state.rows(rows), in: &evaluation)
      for (i, tensor) in ([result.output.rows] + result.state.parts.map(\.tensor)).enumerated() {
        for row in 0..<rows.count {
          let values = tensor.rows(row..<row + 1).values.map(Double.init)
          sums[i] = sums[i].isEmpty ? values : zip(sums[i], values).map { $0 + $1 }
        }
      }
    }
    for (sum, tensor) in zip(sums, [expected.output.rows] + expected.state.parts.map(\.tensor)) {
      for (value, mean) in zip(tensor.values, sum) { #expect(abs(Double(value) - mean / Double(count)) < 0.06) }
    }
  }

  /// What people are shown are the cell's own equations.
  @Test func equationsAreTheCells() throws {
    var random = RandomSource(seed: 38)
    let plain = Recurrent(LSTM(inputSize: 2, hiddenSize: 3, using: &random))
    let noisy = plain.regularized(by: TestRegularization.all.last?.regularization ?? .none)
    #expect(noisy.unroller.plan().history[0].graph == plain.unroller.plan().history[0].graph)
    let names = noisy.parameters.map(\.path).filter { $0.hasPrefix("norms") }
    #expect(names.count == 16)
    #expect(names.contains("norms.forget.recurrent.gain") && names.contains("norms.candidate.input.shift"))
    #expect(plain.norms.names.isEmpty)
  }

  @Test func directionsAndAlternatingStacksPassItOn() throws {
    var random = RandomSource(seed: 39)
    let regularization = Regularization(stateDropout: 0.25, zoneout: ["hidden": 0.1])
    func gru(_ inputs: Int) -> GRU { GRU(inputSize: inputs, hiddenSize: 3, using: &random) }
    let both = Bidirectional(forward: gru(2), backward: gru(2), regularization: regularization)
    let stack = Stack(alternating: [gru(2), gru(3)], regularization: regularization)
    for layer in [both.forward, both.backward] + stack.layers {
      #expect((layer as? Recurrent<GRU>)?.regularization == regularization)
    }
    #expect(
      CellKind.gru.layer(inputSize: 2, hiddenSize: 3, regularization: regularization, using: &random) is Recurrent<GRU>)
  }
}
