import Testing
import Unroll

/// The code of "Cells".
@Suite struct CellsTests {
  /// Remembers the strongest recent signals: each unit holds its peak, which fades at a rate that is learnt.
  struct Peak: RecurrentCell {
    let signal: Linear  // takes x
    let fading: Parameter  // [hiddenSize]

    init(inputSize: Int, hiddenSize: Int, using random: inout RandomSource) {
      signal = Linear(inputs: inputSize, outputs: hiddenSize, using: &random)
      fading = Parameter(Tensor(shape: [hiddenSize], repeating: 2))  // σ(2) = 0.88 a time step
    }

    var inputSize: Int { signal.inputSize }
    func initialState(batch: Int) -> Tensor { .zeros([batch, signal.outputSize]) }

    func step(_ x: Tensor, _ peak: Tensor) -> (output: Tensor, state: Tensor) {
      let new = maximum(sigmoid(fading.tensor) * peak, tanh(signal(x)))
      return (output: new, state: new)
    }
  }

  @Test func thePlainCellHasThreeLayers() {
    var random = RandomSource(seed: 1)
    let cell = Elman(inputSize: 3, hiddenSize: 8, outputSize: 2, using: &random)
    let batch = SequenceBatch([[[1, 2, 3], [4, 5, 6]]])
    let (output, state) = Recurrent(cell)(batch)  // 2 values a time step; the state has 8

    #expect(cell.parameters.map(\.path) == ["hidden.weight", "hidden.bias", "readout.weight", "readout.bias"])
    #expect(output.features == 2)
    #expect(state["hidden"]?.shape == [1, 8])
    #expect(isClose(state["hidden"].flatMap { cell.readout?($0) }, output.sequence(0).rows(1..<2)))
  }

  @Test func anyFeedforwardNetworkIsACell() {
    var random = RandomSource(seed: 2)
    let network = Feedforward(sizes: [8 + 3, 16, 16, 8], activations: [.relu, .relu, .tanh], using: &random)
    let layer = Recurrent(FeedforwardCell(network))  // three layers deep at every time step

    #expect((layer.inputSize, layer.outputSize) == (3, 8))
    let batch = SequenceBatch([[[1, 2, 3]]])
    #expect(isClose(layer(batch).output.rows, network(concatenated(.zeros([1, 8]), batch.rows))))
  }

  @Test func gatesByTheirEquations() {
    var random = RandomSource(seed: 3)
    let lstm = LSTM(inputSize: 3, hiddenSize: 4, using: &random)
    let gru = GRU(inputSize: 3, hiddenSize: 4, using: &random)
    let x = random.normal([1, 3])
    let (h, c) = (random.normal([1, 4]), random.normal([1, 4]))
    let hx = concatenated(h, x)

    // LSTM
    let f = sigmoid(lstm.forget(hx))
    let i = sigmoid(lstm.input(hx))
    let o = sigmoid(lstm.output(hx))
    let cNew = f * c + i * tanh(lstm.candidate(hx))
    let hNew = o * tanh(cNew)
    // GRU
    let z = sigmoid(gru.update(hx))
    let r = sigmoid(gru.reset(hx))
    let gNew = (1 - z) * h + z * tanh(gru.candidate(concatenated(r * h, x)))

    let one = SequenceBatch(rows: x, layout: Layout(lengths: [1]))
    let after = Recurrent(lstm)(one, from: LSTM.State(hidden: h, cell: c)).state
    #expect(isClose(after.hidden, hNew))
    #expect(isClose(after.cell, cNew))
    #expect(isClose(Recurrent(gru)(one, from: h).state, gNew))
  }

  @Test func anInventedCellIsALayerLikeOthers() {
    var random = RandomSource(seed: 4)
    let layer = Recurrent(Peak(inputSize: 3, hiddenSize: 5, using: &random))
    let batch = SequenceBatch(rows: random.normal([9, 3]), layout: Layout(lengths: [6, 0, 3]))
    let start = layer.cell.initialState(batch: 3)

    let compiled = layer(batch, from: start)  // traced, rewritten, fused
    let plain = layer(batch, from: start, unrolling: .stepwise)  // the same equations, one operation at a time

    #expect(isClose(compiled.output.rows, plain.output.rows))
    #expect(isClose(compiled.state, plain.state))
    let (loss, gradients) = valueAndGradient(of: layer) { square(layer(batch).output.rows).sum() }
    #expect(loss > 0)
    #expect(gradients[layer.cell.fading]?.values.contains { $0 != 0 } == true)
    #expect(layer.parameters.map(\.path) == ["cell.signal.weight", "cell.signal.bias", "cell.fading"])
  }

  @Test func noiseReachesInventedCells() {
    var random = RandomSource(seed: 5)
    let regularization = Regularization(inputDropout: 0.2, zoneout: 0.1)
    let layer = Recurrent(Peak(inputSize: 3, hiddenSize: 5, using: &random), regularization: regularization)
    var training = Evaluation.training(RandomSource(seed: 6))
    let batch = SequenceBatch(rows: random.normal([9, 3]), layout: Layout(lengths: [6, 0, 3]))
    let noisy = layer(batch, from: layer.initialState(batch: 3), in: &training).output
    let plain = layer(batch).output

    #expect(!isClose(noisy.rows, plain.rows, within: 1e-3))
  }

  /// An exponential average of each unit's own input: h' = a * h + (1 - a) * V·x, linear in the state.
  struct Average: RecurrentCell {
    let value: Linear
    let keeping: Parameter

    var inputSize: Int { value.inputSize }
    func initialState(batch: Int) -> Tensor { .zeros([batch, value.outputSize]) }

    func step(_ x: Tensor, _ h: Tensor) -> (output: Tensor, state: Tensor) {
      let a = sigmoid(keeping.tensor)
      let new = a * h + (1 - a) * value(x)
      return (output: new, state: new)
    }
  }

  @Test func linearCellsAreSums() {
    var random = RandomSource(seed: 7)
    let cell = Average(
      value: Linear(inputs: 2, outputs: 3, using: &random), keeping: Parameter(.zeros([3])))  // a is 1/2
    let x = random.normal([4, 2])
    let last = Recurrent(cell)(SequenceBatch(rows: x, layout: Layout(lengths: [4]))).state["hidden"]
    let v = cell.value(x)
    let sum = v.rows(3..<4) / 2 + v.rows(2..<3) / 4 + v.rows(1..<2) / 8 + v.rows(0..<1) / 16
    // last and sum are the same: no step waits for a product of the one before

    #expect(isClose(last, sum))
  }

  @Test func timesMayBeIrregular() {
    var random = RandomSource(seed: 8)
    // Two vital signs of one patient; nil: not measured at that hour.
    let hours: [[Double]] = [[0, 1.5, 9]]
    let signs = SequenceBatch(observations: [[[36.9, nil], [nil, 74], [37.4, 80]]], times: hours)
    let decaying = Recurrent(GRUD(means: Tensor([36.6, 80]), hiddenSize: 8, using: &random))
    let state = decaying(signs).state  // hidden, last and unseen

    let complete = SequenceBatch(values: [[[36.9, 71], [37.0, 74], [37.4, 80]]], times: hours)
    let continuous = Recurrent(CfC(inputSize: 2 + 1, hiddenSize: 8, using: &random))
    let output = continuous(complete).output

    #expect(signs.features == 2 + 2 + 1)
    #expect(isClose(state["last"], Tensor([[37.4, 80]])))
    #expect(isClose(state["unseen"], .zeros([1, 2])))
    #expect(output.features == 8)
    let sooner = SequenceBatch(values: [[[36.9, 71], [37.0, 74], [37.4, 80]]], times: [[0, 1.5, 2]])
    #expect(!isClose(continuous(sooner).output.sequence(0), output.sequence(0), within: 1e-3))
  }

  @Test func everyCellOfTheTableIsALayer() {
    var random = RandomSource(seed: 9)
    for kind in CellKind.allCases {
      let layer = kind.layer(inputSize: 3, hiddenSize: 6, using: &random)
      #expect(layer.parameterCount == kind.parameterCount(inputSize: 3, hiddenSize: 6), "\(kind)")
      #expect(layer(SequenceBatch([[[1, 2, 3]]])).output.features == layer.outputSize, "\(kind)")
    }
  }
}
