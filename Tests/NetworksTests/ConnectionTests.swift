import Networks
import Recurrence
import Tensors
import TestSupport
import Testing

/// What each layer around, between and beside others computes.
@Suite struct ConnectionTests {
  private static func recurrent(_ inputs: Int, _ hidden: Int, seed: UInt64 = 81) -> Recurrent<LSTM> {
    var random = RandomSource(seed: seed)
    return Recurrent(LSTM(inputSize: inputs, hiddenSize: hidden, using: &random))
  }

  private static func batch(_ lengths: [Int], _ features: Int) -> SequenceBatch {
    var random = RandomSource(seed: 82)
    return .random(lengths: lengths, features: features, using: &random)
  }

  @Test func residualsAddTheInput() {
    let (layer, batch) = (Self.recurrent(3, 3), Self.batch([4, 0, 2], 3))
    let (plain, result) = (layer(batch), Residual(layer)(batch))
    #expect(result.output.rows == plain.output.rows + batch.rows)
    #expect(result.state.parts.map(\.name) == ["hidden", "cell"])
    #expect(result.state["cell"] == plain.state["cell"])
  }

  @Test func skipsAppendTheInput() {
    let (layer, batch) = (Self.recurrent(3, 5), Self.batch([4, 0, 2], 3))
    let skip = Skip(layer)
    let (plain, result) = (layer(batch), skip(batch))
    #expect(skip.inputSize == 3 && skip.outputSize == 8)
    #expect(result.output.rows.features(0..<5) == plain.output.rows)
    #expect(result.output.rows.features(5..<8) == batch.rows)
    #expect(result.state["hidden"] == plain.state["hidden"])
  }

  /// A closed gate shows the input, an open one the layer; at first most of the input passes.
  @Test func highwaysMixByTheirGate() throws {
    var random = RandomSource(seed: 83)
    let (layer, batch) = (Self.recurrent(3, 3), Self.batch([4, 0, 2], 3))
    let highway = Highway(layer, using: &random)
    #expect(highway.gate.bias?.value == Tensor([-1, -1, -1]))
    #expect(highway.parameters.map(\.path).suffix(2) == ["gate.weight", "gate.bias"])
    let plain = layer(batch).output.rows
    let gate = sigmoid(highway.gate(batch.rows))
    let expected = gate * plain + (1 - gate) * batch.rows
    let actual = highway(batch).output.rows
    for (a, b) in zip(actual.values, expected.values) { #expect(abs(a - b) < 1e-6) }
    highway.gate.weight.value = .zeros([3, 3])
    for (bias, rows) in [(Float(-200), batch.rows), (200, plain)] {
      try #require(highway.gate.bias).value = Tensor([bias, bias, bias])
      #expect(highway(batch).output.rows == rows)
    }
  }

  /// Two time steps become one, zeros stand for the missing partner, empty sequences stay empty.
  @Test func pyramidsJoinNeighbours() {
    let batch = SequenceBatch([[[1, 2], [3, 4], [5, 6]], [], [[7, 8]], [[9, 10], [11, 12]]])
    let pyramid = Pyramid(inputSize: 2)
    let result = pyramid(batch)
    #expect(pyramid.outputSize == 4 && result.state.parts.isEmpty)
    #expect(result.output.lengths == [2, 0, 1, 1])
    #expect(result.output.sequence(0).values == [1, 2, 3, 4, 5, 6, 0, 0])
    #expect(result.output.sequence(2).values == [7, 8, 0, 0])
    #expect(result.output.sequence(3).values == [9, 10, 11, 12])
    #expect(pyramid(SequenceBatch(rows: .zeros([0, 2]), layout: Layout(lengths: [0, 0]))).output.lengths == [0, 0])
  }

  @Test(arguments: Merging.allCases, Precision.allCases)
  func bidirectionalLayersMergeTheirDirections(merging: Merging, precision: Precision) {
    var random = RandomSource(seed: 84)
    let (ahead, back) = (
      GRU(inputSize: 3, hiddenSize: 4, using: &random), LSTM(inputSize: 3, hiddenSize: 4, using: &random)
    )
    let batch = Self.batch([4, 0, 2, 5], 3)
    let layer = Bidirectional(forward: ahead, backward: back, merging: merging)
    func run(_ layer: some SequenceLayer) -> (output: SequenceBatch, state: LayerState) {
      var evaluation = Evaluation.inference(precision)
      return layer(batch, from: layer.initialState(batch: 4), in: &evaluation)
    }
    let (f, b) = (run(Recurrent(ahead)), run(Recurrent(back, direction: .backward)))
    let (x, y) = (f.output.rows, b.output.rows)
    let result = run(layer)
    let expected =
      switch merging {
      case .concatenate: concatenated(x, y)
      case .sum: x + y
      case .average: (x + y) * 0.5
      case .multiply: x * y
      }
    #expect(result.output.rows == expected)
    #expect(layer.outputSize == (merging == .concatenate ? 8 : 4))
    #expect(result.state.parts.map(\.name) == ["forward.hidden", "backward.hidden", "backward.cell"])
    #expect(result.state.state(of: "backward")["cell"] == b.state["cell"])
    #expect(result.state["forward.hidden"] == f.state["hidden"])
    // The backward state stands at each sequence's beginning, the forward one at its end.
    #expect(result.state["backward.hidden"]?.rows(0..<1) == b.output.sequence(0).rows(0..<1))
    #expect(result.state["forward.hidden"]?.rows(0..<1) == f.output.sequence(0).rows(3..<4))
  }

  @Test func sharedCellsAreOneWeight() {
    var random = RandomSource(seed: 85)
    let cell = GRU(inputSize: 3, hiddenSize: 4, using: &random)
    let layer = Bidirectional(forward: cell, backward: cell)
    #expect(layer.parameters.count == cell.parameters.count)
    #expect(layer.parameters[0].path == "forward.cell.update.weight")
  }

  /// The lowest layer walks forward; it is the stack of layers that one would write by hand.
  @Test func directionsAlternate() {
    var random = RandomSource(seed: 86)
    let lower = LSTM(inputSize: 3, hiddenSize: 4, using: &random)
    let middle = GRU(inputSize: 4, hiddenSize: 5, using: &random)
    let upper = Elman(inputSize: 5, hiddenSize: 2, using: &random)
    let batch = Self.batch([4, 0, 2], 3)
    let stack = Stack(alternating: [lower, middle, upper])
    let byHand = Stack([Recurrent(lower), Recurrent(middle, direction: .backward), Recurrent(upper)])
    #expect(stack(batch).output.rows == byHand(batch).output.rows)
    #expect(stack.parameters.map(\.path) == byHand.parameters.map(\.path))
  }

  @Test func learnedStatesBeginAsTheLayersOwn() throws {
    var random = RandomSource(seed: 87)
    let inner = Stack([
      Self.recurrent(3, 4),
      Bidirectional(
        forward: GRU(inputSize: 4, hiddenSize: 2, using: &random),
        backward: GRU(inputSize: 4, hiddenSize: 5, using: &random)),
    ])
    let layer = LearnedState(inner)
    let batch = Self.batch([4, 0, 2], 3)
    #expect(layer(batch).output.rows == inner(batch).output.rows)
    let names = ["0.hidden", "0.cell", "1.forward.hidden", "1.backward.hidden"]
    let paths = names.map { "initial.\($0)" } + ["layer.layers.0.cell.forget.weight"]
    #expect(layer.parameters.prefix(5).map(\.path) == paths)
    #expect(layer.initialState(batch: 0).parts.map(\.tensor.shape) == [[0, 4], [0, 4], [0, 2], [0, 5]])
    let values = Tensor([0.1, -0.2, 0.3, -0.4])
    try #require(layer.initial["0.cell"]).value = values
    let state = layer.initialState(batch: 3)
    #expect(state.parts.map(\.name) == names)
    #expect(state["0.cell"]?.rows(2..<3).values == values.values)
    #expect(layer(batch).output.rows != inner(batch).output.rows)
    // A sequence of length 0 ends in the learnt state.
    #expect(layer(batch).state["0.cell"]?.rows(1..<2).values == values.values)
    #expect(layer.initial["cell"] == nil)
  }

  /// Old model folders name weights by their paths: those of plain stacks stay.
  @Test func plainStacksKeepTheirPaths() {
    let stack = Stack([Self.recurrent(2, 3)])
    #expect(stack.parameters.first?.path == "layers.0.cell.forget.weight")
    #expect(Stack([Residual(Self.recurrent(2, 2))]).parameters.first?.path == "layers.0.layer.cell.forget.weight")
  }

  static let layers: [(name: String, make: @Sendable (inout RandomSource) -> any SequenceLayer)] = [
    ("residual", { Residual(TestCell.all[5].layer(input: 3, hidden: 3, using: &$0)) }),
    ("highway", { Highway(TestCell.all[2].layer(input: 3, hidden: 3, using: &$0), using: &$0) }),
    ("skip", { Skip(TestCell.all[7].layer(input: 3, hidden: 2, using: &$0)) }),
    ("pyramid", { Stack([Pyramid(inputSize: 3), TestCell.all[4].layer(input: 6, hidden: 2, using: &$0)]) }),
    ("window", { Stack([Window(inputSize: 3, steps: 3), TestCell.all[4].layer(input: 9, hidden: 2, using: &$0)]) }),
    ("clockwork", { Clockwork(TestCell.all[5].layer(input: 3, hidden: 2, using: &$0), every: 2) }),
    (
      "conditioned",
      {
        let context = $0.uniform([3, 2], in: -1...1)
        return Conditioned(TestCell.all[4].layer(input: 5, hidden: 2, using: &$0), contextSize: 2).on(context)
      }
    ),
    ("learnt state", { LearnedState(TestCell.all[5].layer(input: 3, hidden: 2, using: &$0)) }),
    (
      "alternating",
      {
        Stack(alternating: [
          GRU(inputSize: 3, hiddenSize: 2, using: &$0), LSTM(inputSize: 2, hiddenSize: 3, using: &$0),
        ])
      }
    ),
  ]

  @Test(arguments: layers.indices) func layersPassFiniteDifferences(index: Int) {
    var random = RandomSource(seed: 88)
    expectFiniteDifferences(Self.layers[index].make(&random), Self.layers[index].name)
  }

  @Test(arguments: Merging.allCases) func bidirectionalLayersPassFiniteDifferences(merging: Merging) {
    var random = RandomSource(seed: 89)
    let layer = Bidirectional(
      forward: GRU(inputSize: 3, hiddenSize: 2, using: &random),
      backward: LSTM(inputSize: 3, hiddenSize: 2, using: &random), merging: merging)
    expectFiniteDifferences(layer, "\(merging)")
  }

  private func expectFiniteDifferences(_ layer: any SequenceLayer, _ name: String) {
    var random = RandomSource(seed: 90)
    let batch = SequenceBatch.random(lengths: [3, 0, 2], features: 3, using: &random)
    let isLearned = layer is LearnedState
    let state = layer.initialState(batch: 3).randomised(using: &random)
    for named in layer.parameters where named.parameter.shape.rank == 1 {
      named.parameter.value = random.uniform(named.parameter.shape, in: -0.5...0.5)
    }
    let leaves = [batch.rows] + (isLearned ? [] : state.parts.map(\.tensor))
    let comparisons = compareGradients(leaves: leaves) { leaves in
      let initial = isLearned ? layer.initialState(batch: 3).parts.map(\.tensor) : Array(leaves.dropFirst())
      return FiniteDifferenceTests.loss(layer, batch, state, [leaves[0]] + initial, .stepwise)
    }
    for comparison in comparisons {
      #expect(comparison.error < 1e-4, "\(name), \(comparison.name): \(comparison.error)")
    }
    #expect(comparisons.count == leaves.count + layer.parameters.count)
  }
}
