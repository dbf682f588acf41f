import Testing
import Unroll

/// The code of "Layering".
@Suite struct LayeringTests {
  @Test func layersOfAllKindsStack() {
    var random = RandomSource(seed: 1)
    let stack = Stack(
      [
        Bidirectional(
          forward: LSTM(inputSize: 3, hiddenSize: 4, using: &random),
          backward: LSTM(inputSize: 3, hiddenSize: 4, using: &random)),
        Pyramid(inputSize: 8),  // two time steps become one of twice the size
        Recurrent(GRU(inputSize: 16, hiddenSize: 5, using: &random)),
        Residual(Recurrent(GRU(inputSize: 5, hiddenSize: 5, using: &random))),
      ], dropout: 0.2)

    let batch = SequenceBatch(rows: random.normal([11, 3]), layout: Layout(lengths: [7, 4, 0]))
    let (output, state) = stack(batch)  // output.lengths is [4, 2, 0], output.features 5
    let names = state.parts.map(\.name)
    // 0.forward.hidden, 0.forward.cell, 0.backward.hidden, 0.backward.cell, 2.hidden, 3.hidden

    #expect(output.lengths == [4, 2, 0] && output.features == 5)
    #expect(
      names == [
        "0.forward.hidden", "0.forward.cell", "0.backward.hidden", "0.backward.cell", "2.hidden", "3.hidden",
      ])
  }

  @Test func backwardIsFromEachSequencesOwnEnd() {
    var random = RandomSource(seed: 2)
    let cell = Elman(inputSize: 2, hiddenSize: 3, using: &random)
    let batch = SequenceBatch([[[1, 2], [3, 4], [5, 6]], [[7, 8]]])
    let backward = Recurrent(cell, direction: .backward)(batch).output
    let mirrored = Recurrent(cell)(batch.reversed()).output.reversed()  // the same

    #expect(isClose(backward.rows, mirrored.rows))
    #expect(!isClose(backward.rows, Recurrent(cell)(batch).output.rows, within: 0.01))

    let alternating = Stack(alternating: [
      LSTM(inputSize: 2, hiddenSize: 4, using: &random),  // forward
      LSTM(inputSize: 4, hiddenSize: 4, using: &random),  // backward
      GRU(inputSize: 4, hiddenSize: 6, using: &random),  // forward
    ])
    #expect(alternating(batch).output.features == 6)
    #expect(alternating.layers.count == 3)
  }

  @Test func connectionsAroundLayers() {
    var random = RandomSource(seed: 3)
    let gru = Recurrent(GRU(inputSize: 4, hiddenSize: 4, using: &random))
    let batch = SequenceBatch(rows: random.normal([6, 4]), layout: Layout(lengths: [2, 4]))
    let x = batch.rows
    let y = gru(batch).output.rows

    let residual = Residual(gru)(batch).output.rows  // y + x
    let skip = Skip(gru)(batch).output.rows  // [y, x]
    let highway = Highway(gru, using: &random)
    let t = sigmoid(highway.gate(x))
    let gated = highway(batch).output.rows  // t * y + (1 - t) * x

    #expect(isClose(residual, y + x))
    #expect(isClose(skip, concatenated(y, x)))
    #expect(isClose(gated, t * y + (1 - t) * x))
  }

  @Test func aClockworkLayerIsSlow() {
    var random = RandomSource(seed: 4)
    let slow = Clockwork(Recurrent(Elman(inputSize: 2, hiddenSize: 3, using: &random)), every: 4)
    let stack = Stack([Recurrent(LSTM(inputSize: 2, hiddenSize: 2, using: &random)), Skip(slow)])  // both are seen
    let batch = SequenceBatch(rows: random.normal([10, 2]), layout: Layout(lengths: [10]))
    let shown = slow(batch).output.sequence(0)  // runs at the time steps 0, 4 and 8, and holds in between

    #expect(isClose(shown.rows(0..<1), shown.rows(3..<4)))
    #expect(isClose(shown.rows(4..<5), shown.rows(7..<8)))
    #expect(!isClose(shown.rows(3..<4), shown.rows(4..<5), within: 1e-3))
    #expect(stack(batch).output.features == 3 + 2)
  }

  @Test func hierarchiesReadPartsOfElements() {
    var random = RandomSource(seed: 5)
    let letters = Embedding(tokens: 26, size: 6, using: &random)
    let words = Encoder(
      Bidirectional(
        forward: GRU(inputSize: 6, hiddenSize: 4, using: &random),
        backward: GRU(inputSize: 6, hiddenSize: 4, using: &random)),
      pooling: .state(["forward.hidden", "backward.hidden"]))
    let sentences = Hierarchical(words, Recurrent(LSTM(inputSize: 8, hiddenSize: 5, using: &random)))

    // Two sentences, of two words and of one; a word is a sequence of letters.
    let text = NestedBatch([[[7, 4, 24], [24, 14, 20]], [[1, 24, 4]]])
    let output = sentences(text.mapParts { letters($0) }).output  // output.lengths is [2, 1]: one output a word

    #expect(output.lengths == [2, 1] && output.features == 5)
    let alone = sentences(NestedBatch([[[1, 24, 4]]]).mapParts { letters($0) }).output
    #expect(isClose(output.sequence(1), alone.sequence(0)))
  }

  @Test func attentionLooksAtAnotherSequence() {
    var random = RandomSource(seed: 6)
    let encoder = Recurrent(GRU(inputSize: 3, hiddenSize: 6, using: &random))
    let decoder = AttentiveRecurrent(
      inputSize: 2, order: .before,
      attentions: [Attention(.additive(size: 7), querySize: 4, memorySize: 6, using: &random)], using: &random
    ) { GRU(inputSize: $0, hiddenSize: 4, using: &$1) }  // $0 is 2 + 6: the cell reads [x, what it looked at]

    let source = SequenceBatch(rows: random.normal([8, 3]), layout: Layout(lengths: [5, 3]))
    let target = SequenceBatch(rows: random.normal([6, 2]), layout: Layout(lengths: [2, 4]))
    let layer = decoder.attending(to: encoder(source).output)  // a layer like any other
    var evaluation = Evaluation.inference
    let result = layer.run(target, from: layer.initialState(batch: 2), in: &evaluation)
    let weights = result.weights[0].sequence(1)  // [4, 5]: where sequence 1 looked at each of its 4 time steps

    #expect(result.output.features == 4 + 6)
    #expect(weights.shape == [4, 5])
    for t in 0..<4 {
      let row = weights.rows(t..<t + 1).values
      #expect(abs(row.reduce(0, +) - 1) < 1e-5)
      #expect(row[3...].allSatisfy { $0 == 0 })  // its memory has 3 places
    }
  }

  @Test func vectorsAndStatesGoFromLayerToLayer() {
    var random = RandomSource(seed: 7)
    let encoder = Encoder(Recurrent(GRU(inputSize: 3, hiddenSize: 6, using: &random)), pooling: .last)
    let decoder = Conditioned(Recurrent(LSTM(inputSize: 2 + 6, hiddenSize: 4, using: &random)), contextSize: 6)
    let bridge = Bridge(from: encoder.layer, to: decoder.layer, using: &random)

    let source = SequenceBatch(rows: random.normal([8, 3]), layout: Layout(lengths: [5, 3]))
    let target = SequenceBatch(rows: random.normal([6, 2]), layout: Layout(lengths: [2, 4]))
    let (vector, state) = encoder(source)  // [2, 6], and the state after each source
    var evaluation = Evaluation.inference
    let output = decoder.on(vector)(target, from: bridge(state), in: &evaluation).output

    #expect(vector.shape == [2, 6])
    #expect(bridge(state).parts.map(\.name) == ["hidden", "cell"])
    #expect(output.lengths == [2, 4] && output.features == 4)
    let from0 = decoder.on(vector)(target, from: decoder.layer.initialState(batch: 2), in: &evaluation).output
    #expect(!isClose(output.rows, from0.rows, within: 1e-3))
  }

  @Test func aSessionIsTheLayerStepByStep() {
    var random = RandomSource(seed: 8)
    let stack = Stack([
      Recurrent(LSTM(inputSize: 2, hiddenSize: 4, using: &random)),
      Residual(Recurrent(GRU(inputSize: 4, hiddenSize: 4, using: &random))),
    ])
    let steps = random.normal([5, 2])
    let session = Session(stack)
    let pushed = (0..<5).map { session.push(steps.rows($0..<$0 + 1)) }  // each [4], as soon as its input is there
    let whole = stack(SequenceBatch(rows: steps, layout: Layout(lengths: [5]))).output.sequence(0)  // the same values

    #expect(pushed.flatMap(\.values) == whole.values)

    let other = session.forked()
    #expect(other.push(steps.rows(0..<1)) == session.push(steps.rows(0..<1)))
  }
}
