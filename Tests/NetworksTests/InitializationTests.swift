import Networks
import Recurrence
import Tensors
import Testing

@Suite struct InitializationTests {
  private static let gated: [CellKind] = [
    .lstm, .lstmPeepholes, .lstmCoupled, .multiplicativeLSTM, .minLSTM, .layerNormLSTM, .gru, .gruResetAfter,
    .layerNormGRU, .liGRU, .mgu, .minGRU, .sru, .qrnn,
  ]

  /// A layer without weights but for the gates' biases.
  private func layer(_ kind: CellKind, hidden: Int = 256) -> any SequenceLayer {
    var random = RandomSource(seed: 1)
    return kind.layer(
      inputSize: 2, hiddenSize: hidden, initialization: CellInitialization(input: .zeros, recurrent: .zeros),
      using: &random)
  }

  /// Without anything new, a step leaves of each unit's memory the share u / (1 + u), with u even in 1…T - 1.
  @Test(arguments: gated) func chronoSpreadsMemories(kind: CellKind) throws {
    let layer = layer(kind)
    var random = RandomSource(seed: 2)
    #expect(layer.initializeChrono(longest: 101, using: &random) == 1)
    let state = LayerState(
      parts: layer.initialState(batch: 1).parts.map { .init(name: $0.name, tensor: .ones($0.tensor.shape)) })
    var evaluation = Evaluation.inference
    let input = SequenceBatch(rows: .zeros([1, 2]), layout: Layout(lengths: [1]))
    let after = layer(input, from: state, in: &evaluation).state
    let memory = try #require(after.parts.first { $0.name == "cell" } ?? after.parts.first)
    let units = memory.tensor.values.map { Double($0 / (1 - $0)) }
    #expect(units.allSatisfy { $0 > 0.99 && $0 < 100.1 }, "\(units.min() ?? 0) \(units.max() ?? 0)")
    #expect(units.filter { $0 < 11 }.count > 10 && units.filter { $0 > 90 }.count > 10)
    #expect(abs(units.reduce(0, +) / Double(units.count) - 50.5) < 6)
  }

  @Test func chronoLeavesOtherCellsAlone() {
    for kind in CellKind.allCases where !Self.gated.contains(kind) {
      let layer = layer(kind, hidden: 4)
      let before = layer.parameters.map(\.parameter.value)
      var random = RandomSource(seed: 2)
      #expect(layer.initializeChrono(longest: 101, using: &random) == 0, "\(kind)")
      #expect(layer.parameters.map(\.parameter.value) == before && random.position == 0, "\(kind)")
    }
  }

  /// Both directions, all layers; the gates of a unit agree.
  @Test func chronoFindsAllCells() throws {
    var random = RandomSource(seed: 3)
    let stack = Stack([
      CellKind.lstm.bidirectional(inputSize: 2, hiddenSize: 3, using: &random),
      Residual(Recurrent(GRU(inputSize: 6, hiddenSize: 6, using: &random))),
    ])
    #expect(stack.initializeChrono(longest: 30, using: &random) == 3)
    let values = Dictionary(uniqueKeysWithValues: stack.parameters.map { ($0.path, $0.parameter.value.values) })
    func bias(_ suffix: String) throws -> [Float] {
      try #require(values.first { $0.key.hasSuffix(suffix) && $0.key.contains("forward") }?.value)
    }
    #expect(try bias("forget.bias") == bias("input.bias").map { -$0 })
    #expect(try Set(bias("forget.bias")).count == 3)
  }

  @Test func identityKeepsTheState() {
    var random = RandomSource(seed: 4)
    #expect(
      Initializer.identity(scale: 0.5)(outputs: 2, inputs: 3, using: &random)
        == Tensor([[0.5, 0, 0], [0, 0.5, 0]]))
    let layer = Recurrent(
      Elman(
        inputSize: 1, hiddenSize: 4, activation: .relu,
        initialization: CellInitialization(input: .zeros, recurrent: .identity(scale: 1)), using: &random))
    var evaluation = Evaluation.inference
    let state = LayerState(parts: [.init(name: "hidden", tensor: Tensor([[1, 2, 3, 4]]))])
    let input = SequenceBatch(rows: .zeros([50, 1]), layout: Layout(lengths: [50]))
    let after = layer(input, from: state, in: &evaluation).state
    #expect(after["hidden"] == Tensor([[1, 2, 3, 4]]))
  }
}
