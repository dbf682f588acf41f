import Networks
import Recurrence
import TestSupport
import Tensors
import Testing

/// Inference with matrices of fewer bits.
@Suite struct PrecisionTests {
  /// The largest difference from float32, relative to the largest value: a few roundings of 1/256 and 1/127 of a step
  /// each, gone through as many time steps as the longest sequence has.
  static let bounds: [(precision: Precision, error: Double)] = [(.bfloat16, 0.03), (.int8, 0.06)]

  private func outputs(_ layer: any SequenceLayer, _ batch: SequenceBatch, _ state: LayerState, _ precision: Precision)
    -> Outcome
  {
    var evaluation = Evaluation.inference(precision)
    let result = layer(batch, from: state, in: &evaluation)
    return Outcome(
      named: [("output", result.output.rows)] + result.state.parts.map { (name: $0.name, tensor: $0.tensor) })
  }

  @Test(arguments: TestCell.all, bounds.map(\.precision))
  func isNearFloat32(cell: TestCell, precision: Precision) {
    var random = RandomSource(seed: 21)
    let layer = cell.layer(input: 37, hidden: 50, using: &random)
    let batch = SequenceBatch.random(lengths: [7, 0, 3, 12] + (0..<20).map { $0 % 5 }, features: 37, using: &random)
    let state = layer.initialState(batch: 24).randomised(using: &random)
    let (exact, rounded) = (outputs(layer, batch, state, .float32), outputs(layer, batch, state, precision))
    let worst = rounded.difference(to: exact)
    let bound = Self.bounds.first { $0.precision == precision }!.error
    #expect(worst.error < bound, "\(worst)")
    #expect(worst.error > 1e-5, "nothing was rounded")
  }

  /// What holds for all inference: no sequence, thread or order of others changes a bit.
  @Test(arguments: TestCell.all, bounds.map(\.precision))
  func sequencesDoNotMeet(cell: TestCell, precision: Precision) {
    let lengths = [2, 5, 0, 3, 1, 5, 4, 4, 2]
    let (layer, batch, state) = UnrollingTests.setUp(cell, lengths)
    let together = outputs(layer, batch, state, precision)
    let turn = ThreadTurn()
    defer { turn.end() }
    Threads.count += 1
    var evaluation = Evaluation.inference(precision)
    for i in lengths.indices {
      let alone = SequenceBatch(rows: batch.sequence(i), layout: Layout(lengths: [lengths[i]]))
      let result = layer(alone, from: state.rows([i]), in: &evaluation)
      for (part, whole) in zip(result.state.parts, together.named.dropFirst()) {
        #expect(part.tensor == whole.tensor.gatheringRows([Int32(i)]), "\(part.name) of sequence \(i)")
      }
    }
  }

  /// Packed matrices of all precisions live side by side, and go with the weights they were made from.
  @Test func changedWeightsArePackedAgain() {
    var random = RandomSource(seed: 4)
    let layer = Recurrent(GRU(inputSize: 6, hiddenSize: 5, using: &random))
    let batch = SequenceBatch.random(lengths: [3, 4], features: 6, using: &random)
    let state = layer.initialState(batch: 2)
    let before = Precision.allCases.map { outputs(layer, batch, state, $0) }
    for (precision, first) in zip(Precision.allCases, before) {
      #expect(outputs(layer, batch, state, precision).named.map(\.tensor) == first.named.map(\.tensor))
    }
    for named in layer.parameters { named.parameter.value = named.parameter.value * -2 }
    for (precision, first) in zip(Precision.allCases, before) {
      #expect(outputs(layer, batch, state, precision).difference(to: first).error > 0.1, "\(precision)")
    }
  }

  @Test func gradientsAndSingleStepsNeedFloat32() async {
    func says(_ result: ExitTest.Result?, _ parts: [String]) {
      let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
      for part in parts { #expect(text.contains(part), "\(part) is missing in: \(text)") }
    }
    says(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var random = RandomSource(seed: 1)
        let layer = Recurrent(Elman(inputSize: 2, hiddenSize: 3, using: &random))
        _ = valueAndGradient(of: layer) {
          var evaluation = Evaluation.inference(.int8)
          return layer(SequenceBatch([[[1, 2]]]), from: layer.initialState(batch: 1), in: &evaluation).output.rows.sum()
        }
      }, ["gradient", "float32", "int8"])
    says(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var random = RandomSource(seed: 1)
        let layer = Recurrent(Elman(inputSize: 2, hiddenSize: 3, using: &random))
        var evaluation = Evaluation(unrolling: .stepwise, precision: .bfloat16)
        _ = layer(SequenceBatch([[[1, 2]]]), from: layer.initialState(batch: 1), in: &evaluation)
      }, ["stepwise", "float32", "bfloat16"])
  }
}
