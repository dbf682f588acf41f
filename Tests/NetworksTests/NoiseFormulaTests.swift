import Networks
import Recurrence
import Tensors
import TestSupport
import Testing

/// The noise of each paper, against its equations written by hand.
@Suite struct NoiseFormulaTests {
  private let layout = Layout(lengths: [4, 4, 4])

  /// What a mask of a layer is for every packed row.
  private func drawn(_ mask: Mask, _ random: inout RandomSource) -> Tensor {
    let rows = mask.draw(for: layout, using: &random)
    return rows.shape[0] == layout.rowCount
      ? rows : rows.gatheringRows(layout.paddedIndex.map { Int32($0 % layout.batch) })
  }

  /// Plain steps over all time, by rows of step t of packed inputs and masks.
  private func unrolled(
    _ packed: [Tensor], from states: [Tensor], _ step: ([Tensor], [Tensor]) -> (output: Tensor, states: [Tensor])
  ) -> (outputs: [Tensor], states: [Tensor]) {
    var states = states
    let index = layout.packedIndex
    let outputs = (0..<layout.time).map { t -> Tensor in
      let rows = (0..<layout.batch).map { Int32(index[t * layout.batch + $0]) }
      let result = step(packed.map { $0.gatheringRows(rows) }, states)
      states = result.states
      return result.output
    }
    return (outputs, states)
  }

  /// Runs a layer with noise and compares it with steps that are written out. `masks` draws what the layer draws.
  private func compare(
    _ layer: some SequenceLayer, isNoisy: Bool = true, masks: (inout RandomSource) -> [Tensor],
    _ step: ([Tensor], [Tensor]) -> (output: Tensor, states: [Tensor]), source: SourceLocation = #_sourceLocation
  ) {
    var random = RandomSource(seed: 51)
    let rows = random.uniform([layout.rowCount, layer.inputSize], in: -1...1)
    let state = layer.initialState(batch: layout.batch).randomised(using: &random)
    var own = RandomSource(seed: 52)
    let expected = unrolled([rows] + masks(&own), from: state.parts.map(\.tensor), step)
    for unrolling in [Unrolling.compiled, .stepwise] {
      var evaluation = Evaluation(unrolling: unrolling, random: isNoisy ? RandomSource(seed: 52) : nil)
      let actual = layer(SequenceBatch(rows: rows, layout: layout), from: state, in: &evaluation)
      if isNoisy { #expect(evaluation.random == own, sourceLocation: source) }
      let values = actual.output.values
      for t in 0..<layout.time {
        let output = values.rows(t..<t + 1).reshaped(to: expected.outputs[t].shape)
        #expect(isClose(output, expected.outputs[t]), sourceLocation: source)
      }
      for (a, b) in zip(actual.state.parts, expected.states) { #expect(isClose(a.tensor, b), sourceLocation: source) }
    }
  }

  private func isClose(_ a: Tensor, _ b: Tensor) -> Bool {
    a.shape == b.shape && zip(a.values, b.values).allSatisfy { abs($0 - $1) < 1e-5 }
  }

  private func lstm() -> LSTM {
    var random = RandomSource(seed: 53)
    return LSTM(inputSize: 3, hiddenSize: 5, using: &random)
  }

  private func gru(_ form: GRU.Form = .textbook) -> GRU {
    var random = RandomSource(seed: 54)
    return GRU(form, inputSize: 3, hiddenSize: 5, using: &random)
  }

  /// The LSTM's new values from [h, x]: gates and candidate.
  private func gates(_ cell: LSTM, _ h: Tensor, _ x: Tensor) -> (f: Tensor, i: Tensor, o: Tensor, new: Tensor) {
    let hx = concatenated(h, x)
    return (sigmoid(cell.forget(hx)), sigmoid(cell.input(hx)), sigmoid(cell.output(hx)), tanh(cell.candidate(hx)))
  }

  @Test(arguments: [Regularization.MaskSpan.step, .sequence])
  func recurrentDropoutOfLSTMDropsTheCandidate(span: Regularization.MaskSpan) {
    let cell = lstm()
    let layer = Recurrent(cell, regularization: Regularization(recurrentDropout: 0.4, recurrentMasks: span))
    let mask = Mask(span == .step ? .step : .sequence, [5], rate: 0.4)
    compare(layer, masks: { [drawn(mask, &$0)] }) { input, state in
      let (f, i, o, new) = gates(cell, state[0], input[0])
      let c = f * state[1] + i * (input[1] * new)
      let h = o * tanh(c)
      return (h, [h, c])
    }
  }

  @Test func recurrentDropoutOfGRUDropsTheCandidate() {
    let cell = gru()
    let layer = Recurrent(cell, regularization: Regularization(recurrentDropout: 0.4))
    compare(layer, masks: { [drawn(Mask(.step, [5], rate: 0.4), &$0)] }) { input, state in
      let h = state[0]
      let z = sigmoid(cell.update(concatenated(h, input[0])))
      let r = sigmoid(cell.reset(concatenated(h, input[0])))
      let new = (1 - z) * h + z * (input[1] * tanh(cell.candidate(concatenated(r * h, input[0]))))
      return (new, [new])
    }
  }

  @Test func recurrentDropoutOfPlainCellsDropsTheWholeState() {
    var random = RandomSource(seed: 55)
    let cell = Elman(inputSize: 3, hiddenSize: 5, using: &random)
    let layer = Recurrent(cell, regularization: Regularization(recurrentDropout: 0.4))
    compare(layer, masks: { [drawn(Mask(.step, [5], rate: 0.4), &$0)] }) { input, state in
      let new = input[1] * tanh(cell.hidden(concatenated(state[0], input[0])))
      return (new, [new])
    }
  }

  @Test func stateDropoutOfLSTMMasksProductsOnly() {
    let cell = lstm()
    let layer = Recurrent(cell, regularization: Regularization(stateDropout: 0.4))
    compare(layer, masks: { [drawn(Mask(.sequence, [5], rate: 0.4), &$0)] }) { input, state in
      let (f, i, o, new) = gates(cell, input[1] * state[0], input[0])
      let c = f * state[1] + i * new
      let h = o * tanh(c)
      return (h, [h, c])
    }
  }

  @Test func stateDropoutOfGRUMasksProductsOnly() {
    let cell = gru()
    let layer = Recurrent(cell, regularization: Regularization(stateDropout: 0.4))
    compare(layer, masks: { [drawn(Mask(.sequence, [5], rate: 0.4), &$0)] }) { input, state in
      let masked = input[1] * state[0]
      let z = sigmoid(cell.update(concatenated(masked, input[0])))
      let r = sigmoid(cell.reset(concatenated(masked, input[0])))
      let new = (1 - z) * state[0] + z * tanh(cell.candidate(concatenated(r * masked, input[0])))
      return (new, [new])
    }
  }

  /// Each part by its own mask; h' is computed from the new C, not from the zoned one.
  @Test func zoneoutOfLSTMIsThePapers() {
    let cell = lstm()
    let layer = Recurrent(cell, regularization: Regularization(zoneout: ["hidden": 0.2, "cell": 0.5]))
    func masks(_ random: inout RandomSource) -> [Tensor] {
      [0.2, 0.5].map { drawn(Mask(.step, [5], rate: $0, keepsMean: false), &random) }
    }
    compare(layer, masks: masks) { input, state in
      let (f, i, o, new) = gates(cell, state[0], input[0])
      let c = f * state[1] + i * new
      let h = input[1] * (o * tanh(c)) + (1 - input[1]) * state[0]
      return (h, [h, input[2] * c + (1 - input[2]) * state[1]])
    }
    compare(layer, isNoisy: false, masks: { _ in [] }) { input, state in
      let (f, i, o, new) = gates(cell, state[0], input[0])
      let c = f * state[1] + i * new
      let h = 0.8 * (o * tanh(c)) + 0.2 * state[0]
      return (h, [h, 0.5 * c + 0.5 * state[1]])
    }
  }

  /// Recurrent columns are dropped, once for all steps; input columns and biases are not, and no gradient reaches what
  /// is dropped.
  @Test func dropConnectDropsRecurrentColumns() throws {
    var random = RandomSource(seed: 56)
    let cell = Elman(inputSize: 3, hiddenSize: 5, outputSize: 2, using: &random)
    let layer = Recurrent(cell, regularization: Regularization(dropConnect: 0.4))
    var own = RandomSource(seed: 52)
    let mask = Mask(.run, [5, 5], rate: 0.4).draw(for: layout, using: &own)
    let whole = concatenated(mask, .ones([5, 3]))
    compare(
      layer,
      masks: {
        $0 = own; return []
      }
    ) { input, state in
      let weight = whole * cell.hidden.weight.tensor
      let hidden = tanh(
        matmul(concatenated(state[0], input[0]), weight, transposeB: true) + (cell.hidden.bias?.tensor ?? .zeros([5])))
      return (cell.readout?(hidden) ?? hidden, [hidden])
    }
    let rows = random.uniform([layout.rowCount, 3], in: -1...1)
    let gradients = valueAndGradient(of: layer) {
      var evaluation = Evaluation.training(RandomSource(seed: 52))
      let state = layer.initialState(batch: layout.batch)
      return layer(SequenceBatch(rows: rows, layout: layout), from: state, in: &evaluation).output.rows.sum()
    }.gradients
    let gradient = try #require(gradients[cell.hidden.weight])
    for (value, isKept) in zip(gradient.values, whole.values) { #expect((value != 0) == (isKept != 0)) }
    #expect(whole.values.contains(0))
  }

  @Test func layerNormIsOfEachProduct() throws {
    let cell = gru(.resetAfter)
    let layer = Recurrent(cell, regularization: Regularization(normalizesLayers: true))
    var random = RandomSource(seed: 57)
    for norm in layer.norms.values {
      for parameter in [norm.gain, norm.shift] { parameter.value = random.uniform(parameter.shape, in: 0.5...1.5) }
    }
    func normalized(_ values: Tensor, _ name: String) -> Tensor {
      guard let norm = layer.norms[name] else { return .zeros([1]) }
      let rows = (0..<values.shape[0]).map { row -> [Float] in
        let x = values.rows(row..<row + 1).values
        let mean = x.reduce(0, +) / Float(x.count)
        let variance = x.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / Float(x.count)
        return x.map { ($0 - mean) / (variance + 1e-5).squareRoot() }
      }
      return Tensor(rows) * norm.gain.tensor + norm.shift.tensor
    }
    func product(_ layer: Linear, _ h: Tensor, _ x: Tensor, _ name: String) -> Tensor {
      let weight = layer.weight.tensor
      let sum =
        normalized(matmul(h, weight.features(0..<5), transposeB: true), name + ".recurrent")
        + normalized(matmul(x, weight.features(5..<8), transposeB: true), name + ".input")
      return sum + (layer.bias?.tensor ?? .zeros([5]))
    }
    let recurrentCandidate = try #require(cell.recurrentCandidate)
    compare(layer, masks: { _ in [] }) { input, state in
      let (x, h) = (input[0], state[0])
      let z = sigmoid(product(cell.update, h, x, "update"))
      let r = sigmoid(product(cell.reset, h, x, "reset"))
      let fromInput =
        normalized(matmul(x, cell.candidate.weight.tensor, transposeB: true), "candidate.input")
        + (cell.candidate.bias?.tensor ?? .zeros([5]))
      let fromState =
        normalized(matmul(h, recurrentCandidate.weight.tensor, transposeB: true), "recurrentCandidate.recurrent")
        + (recurrentCandidate.bias?.tensor ?? .zeros([5]))
      let new = (1 - z) * tanh(fromInput + r * fromState) + z * h
      return (new, [new])
    }
  }

  /// One mask for all time steps of a sequence, another for the next sequence.
  @Test func inputAndOutputMasksLastASequence() {
    var random = RandomSource(seed: 58)
    let cell = Elman(inputSize: 3, hiddenSize: 5, using: &random)
    let layer = Recurrent(cell, regularization: Regularization(inputDropout: 0.3, outputDropout: 0.6))
    func masks(_ random: inout RandomSource) -> [Tensor] {
      [Mask(.sequence, [3], rate: 0.3), Mask(.sequence, [5], rate: 0.6)].map { drawn($0, &random) }
    }
    compare(layer, masks: masks) { input, state in
      let new = tanh(cell.hidden(concatenated(state[0], input[1] * input[0])))
      return (input[2] * new, [new])
    }
    var source = RandomSource(seed: 3)
    let rows = drawn(Mask(.sequence, [64], rate: 0.5), &source)
    let batch = SequenceBatch(rows: rows, layout: layout)
    for b in 0..<layout.batch {
      for t in 1..<layout.time { #expect(batch.sequence(b).rows(t..<t + 1) == batch.sequence(b).rows(0..<1)) }
    }
    #expect(batch.sequence(0) != batch.sequence(1))
  }

  /// A cell that the library does not know, as its user would write it.
  @Test func usersCellsTakeNoiseUnchanged() {
    var random = RandomSource(seed: 59)
    let cell = Leaky(mix: Linear(inputs: 8, outputs: 5, using: &random), hiddenSize: 5)
    let layer = Recurrent(cell, regularization: Regularization(stateDropout: 0.3, recurrentDropout: 0.4, zoneout: 0.2))
    func masks(_ random: inout RandomSource) -> [Tensor] {
      [
        Mask(.sequence, [5], rate: 0.3), Mask(.step, [5], rate: 0.4), Mask(.step, [5], rate: 0.2, keepsMean: false),
      ].map { drawn($0, &random) }
    }
    compare(layer, masks: masks) { input, state in
      let h = state[0]
      let new = 0.9 * h + input[2] * (0.1 * tanh(cell.mix(concatenated(input[1] * h, input[0]))))
      let zoned = input[3] * new + (1 - input[3]) * h
      return (zoned, [zoned])
    }
  }

  private struct Leaky: RecurrentCell {
    let mix: Linear
    let hiddenSize: Int
    var inputSize: Int { mix.inputSize - hiddenSize }
    func initialState(batch: Int) -> Tensor { .zeros([batch, hiddenSize]) }
    func step(_ x: Tensor, _ h: Tensor) -> (output: Tensor, state: Tensor) {
      let new = 0.9 * h + 0.1 * tanh(mix(concatenated(h, x)))
      return (output: new, state: new)
    }
  }
}
