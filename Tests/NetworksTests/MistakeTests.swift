import Networks
import Recurrence
import Tensors
import Testing

/// A programmer's mistake stops the program, in release builds too, with words that help: operation, shapes, layer.
@Suite struct MistakeTests {
  private func expect(_ result: ExitTest.Result?, says parts: String..., source: SourceLocation = #_sourceLocation) {
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    for part in parts { #expect(text.contains(part), "\(part) is missing in: \(text)", sourceLocation: source) }
  }

  @Test func linearNamesBothShapes() async {
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var random = RandomSource(seed: 1)
        let layer = Linear(inputs: 3, outputs: 2, using: &random)
        LayerPath.entering("readout") { _ = layer(.zeros([5, 4])) }
      }, says: "product", "[5, 4]", "[2, 3]", "readout")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Linear(weight: Parameter(.zeros([2, 3])), bias: Parameter(.zeros([3])))
      }, says: "Linear", "[2, 3]", "[3]")
  }

  @Test func cellsNameWhatCannotBe() async {
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var random = RandomSource(seed: 1)
        IndRNN(inputSize: 2, hiddenSize: 3, using: &random).limitRecurrent(steps: 0)
      }, says: "IndRNN", "0 time steps", "at least 1")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var random = RandomSource(seed: 1)
        _ = RHN(inputSize: 2, hiddenSize: 3, depth: 0, using: &random)
      }, says: "RHN", "depth of 0", "at least 1")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var random = RandomSource(seed: 1)
        let options = VariantLSTM.Options(cellClip: -0.5)
        _ = VariantLSTM(inputSize: 2, hiddenSize: 3, options: options, using: &random)
      }, says: "VariantLSTM", "clip of -0.5", "above 0")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var random = RandomSource(seed: 1)
        _ = SLSTM(inputSize: 2, hiddenSize: 4, heads: 3, using: &random)
      }, says: "SLSTM", "3 heads", "4 values")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var random = RandomSource(seed: 1)
        _ = MLSTM(inputSize: 2, hiddenSize: 5, heads: 2, using: &random)
      }, says: "MLSTM", "2 heads", "5 values")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = SequenceBatch(values: [[[1], [2], [3]]], times: [[1, 3, 2.5]])
      }, says: "SequenceBatch", "step 2", "sequence 0", "2.5")
  }

  @Test func newerCellsAndLayersNameWhatCannotBe() async {
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var random = RandomSource(seed: 1)
        _ = LRU(inputSize: 2, hiddenSize: 4, radii: 0.5...1.5, using: &random)
      }, says: "LRU", "radii 0.5...1.5", "0...1")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var random = RandomSource(seed: 1)
        _ = GRUD(means: .zeros([2, 3]), hiddenSize: 4, using: &random)
      }, says: "GRUD", "[2, 3]", "vector")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var random = RandomSource(seed: 1)
        _ = CfC(inputSize: 2, hiddenSize: 4, backbone: [], using: &random)
      }, says: "CfC", "without a layer")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = LayerNorm(size: 3, epsilon: 0)
      }, says: "LayerNorm", "epsilon of 0", "above 0")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Window(inputSize: 3, steps: 1)
      }, says: "Window", "1 time steps of 3")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Window(inputSize: 3, steps: 2)(SequenceBatch([[[1, 2]]]))
      }, says: "Window", "2 values", "have 3")
  }

  @Test func regularizationNamesTheRateThatCannotBe() async {
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var random = RandomSource(seed: 1)
        let cell = GRU(inputSize: 2, hiddenSize: 3, using: &random)
        _ = Recurrent(cell, regularization: Regularization(recurrentDropout: 1))
      }, says: "Recurrent", "recurrent-dropout is 1.0", "below 1")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var random = RandomSource(seed: 1)
        let cell = GRU(inputSize: 2, hiddenSize: 3, using: &random)
        _ = Recurrent(cell, regularization: Regularization(zoneout: ["cell": 0.5]))
      }, says: "zoneout of `cell`", "[\"hidden\"]")
  }

  @Test func recurrentNamesTheStateThatDoesNotFit() async {
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var random = RandomSource(seed: 1)
        let stack = Stack([Recurrent(LSTM(inputSize: 2, hiddenSize: 3, using: &random))])
        let state = stack.initialState(batch: 4)
        var evaluation = Evaluation.inference
        _ = stack(SequenceBatch([[[1, 2]], [[3, 4]]]), from: state, in: &evaluation)
      }, says: "recurrence", "initial state", "[4, 3]", "[2, 3]", "layer `0`")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var random = RandomSource(seed: 1)
        let layer = Recurrent(LSTM(inputSize: 2, hiddenSize: 3, using: &random))
        let other = Recurrent(GRU(inputSize: 2, hiddenSize: 3, using: &random))
        var evaluation = Evaluation.inference
        _ = layer(SequenceBatch([[[1, 2]]]), from: other.initialState(batch: 1), in: &evaluation)
      }, says: "Recurrent", "hidden", "cell")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var random = RandomSource(seed: 1)
        _ = Recurrent(GRU(inputSize: 2, hiddenSize: 3, using: &random))(SequenceBatch([[[1, 2, 3]]]))
      }, says: "recurrence", "input", "[1, 3]", "[1, 2]")
  }

  @Test func stacksNameLayersThatDoNotFit() async {
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var random = RandomSource(seed: 1)
        let lower = Recurrent(GRU(inputSize: 2, hiddenSize: 3, using: &random))
        _ = Stack([lower, Recurrent(GRU(inputSize: 4, hiddenSize: 3, using: &random))])
      }, says: "Stack", "layer 0", "3", "layer 1", "4")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var random = RandomSource(seed: 1)
        let layer = Recurrent(GRU(inputSize: 2, hiddenSize: 2, using: &random))
        var evaluation = Evaluation.inference
        _ = Stack([layer])(
          SequenceBatch([[[1, 2]]]), from: Stack([layer, layer]).initialState(batch: 1), in: &evaluation)
      }, says: "Stack", "1.hidden", "1 layers")
  }

  @Test func tokensAndTargetsOutsideTheirRangeAreNamed() async {
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var random = RandomSource(seed: 1)
        let embed = Embedding(tokens: 5, size: 2, using: &random)
        LayerPath.entering("embed") { _ = embed(TokenBatch([[4], [7]])) }
      }, says: "row 7", "[5, 2]", "embed")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = crossEntropy(.zeros([2, 6]), [1, 6])
      }, says: "crossEntropy", "target 6", "[2, 6]")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = crossEntropy(.zeros([2, 6]), [1])
      }, says: "crossEntropy", "[2, 6]", "1 targets")
  }

  @Test func batchesNameLengthsThatDoNotFit() async {
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = SequenceBatch(values: .zeros([4, 2, 3]), lengths: [4, 5])
      }, says: "SequenceBatch", "[4, 2, 3]", "[4, 5]")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = SequenceBatch(rows: .zeros([4, 2]), layout: Layout(lengths: [3, 2]))
      }, says: "SequenceBatch", "[4, 2]", "[3, 2]")
    // As many values as three vectors of two features, but not three vectors of two features.
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = SequenceBatch([[[1, 2], [3]], [[4, 5, 6]]])
      }, says: "SequenceBatch", "1 features", "time step 1 of sequence 0", "2 elsewhere")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Layout(lengths: [2, -1])
      }, says: "negative", "[2, -1]")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = SequenceBatch([[[1, 2]]]).sequence(1)
      }, says: "sequence 1 of 1")
  }

  /// A cell whose step does what the test wants.
  struct Careless: RecurrentCell {
    let inputSize = 2
    let equations: @Sendable (Tensor, Tensor) -> Tensor
    func initialState(batch: Int) -> Tensor { .zeros([batch, 3]) }
    func step(_ x: Tensor, _ h: Tensor) -> (output: Tensor, state: Tensor) {
      let new = equations(x, h)
      return (output: new, state: new)
    }

    /// Runs the cell as layer `encoder`.
    static func run(_ equations: @escaping @Sendable (_ x: Tensor, _ h: Tensor) -> Tensor) {
      let layer = Recurrent(Careless(equations: equations))
      LayerPath.entering("encoder") { _ = layer(SequenceBatch([[[1, 2]], [[3, 4]]])) }
    }
  }

  @Test func stepsThatMixRowsAreNamed() async {
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        Careless.run { x, h in h * x.sum() }
      }, says: "reduce([])", "must not meet", "encoder")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        Careless.run { x, h in h + h.rows(0..<1) * 2 }
      }, says: "slice(rows, 0, 1)", "encoder")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        Careless.run { x, h in matmul(h.features(0..<1), .ones([1, 3]), transposeA: true) }
      }, says: "productᵀ·", "must not meet", "encoder")
  }

  @Test func stepsThatChangeTheStatesWidthAreNamed() async {
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        Careless.run { x, h in concatenated(h, x) }
      }, says: "step", "[3]", "[5]", "encoder")
  }

  @Test func stepsThatLookAtValuesAreNamed() async {
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        Careless.run { x, h in h[0, 0] > 0 ? h : -h }
      }, says: "cannot look at values", "[1, 3]", "encoder")
  }

  @Test func gradientsAreOfScalars() async {
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var random = RandomSource(seed: 1)
        let layer = Linear(inputs: 3, outputs: 2, using: &random)
        _ = valueAndGradient(of: layer) { layer(.zeros([5, 3])) }
      }, says: "scalar", "[5, 2]")
  }
}
