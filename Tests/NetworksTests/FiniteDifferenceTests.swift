import Networks
import Recurrence
import Tensors
import TestSupport
import Testing

/// Contract 2: gradients of every cell against central differences in Double, with ragged lengths and a non-zero state.
@Suite struct FiniteDifferenceTests {
  @Test(arguments: TestCell.all)
  func cellsPassFiniteDifferences(cell: TestCell) {
    var random = RandomSource(seed: 11)
    let layer = cell.layer(input: 2, hidden: 3, using: &random)
    let batch = SequenceBatch.random(lengths: [3, 0, 2], features: 2, using: &random)
    let state = layer.initialState(batch: 3).randomised(using: &random)
    let stepwise = compareGradients(leaves: [batch.rows] + state.parts.map(\.tensor)) { leaves in
      Self.loss(layer, batch, state, leaves, .stepwise)
    }
    for comparison in stepwise { #expect(comparison.error < 1e-4, "\(comparison.name): \(comparison.error)") }
    #expect(stepwise.count > state.parts.count + 1)
  }

  /// Two layers with dropout between them, by fixed masks.
  @Test func stacksWithDropoutPassFiniteDifferences() {
    var random = RandomSource(seed: 12)
    let stack = Stack(
      [
        TestCell.all[5].layer(input: 2, hidden: 3, using: &random),
        TestCell.all[2].layer(input: 3, hidden: 4, using: &random),
      ], dropout: 0.4)
    let batch = SequenceBatch.random(lengths: [2, 3], features: 2, using: &random)
    let state = stack.initialState(batch: 2).randomised(using: &random)
    let comparisons = compareGradients(leaves: [batch.rows] + state.parts.map(\.tensor)) { leaves in
      Self.loss(stack, batch, state, leaves, .stepwise, random: RandomSource(seed: 4))
    }
    for comparison in comparisons { #expect(comparison.error < 1e-4, "\(comparison.name): \(comparison.error)") }
  }

  static func loss(
    _ layer: any SequenceLayer, _ batch: SequenceBatch, _ state: LayerState, _ leaves: [Tensor], _ unrolling: Unrolling,
    random: RandomSource? = nil
  ) -> Tensor {
    var weights = RandomSource(seed: 21)
    let initial = LayerState(
      parts: zip(state.parts, leaves.dropFirst()).map { LayerState.Part(name: $0.name, tensor: $1) })
    var evaluation = Evaluation(unrolling: unrolling, random: random)
    let result = layer(batch.replacingRows(with: leaves[0]), from: initial, in: &evaluation)
    let all = [result.output.rows] + result.state.parts.map(\.tensor)
    let terms = all.map { ($0 * weights.uniform($0.shape, in: -1...1)).sum() }
    return terms.dropFirst().reduce(terms[0], +)
  }
}
