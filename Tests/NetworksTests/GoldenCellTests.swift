import Foundation
import Networks
import Recurrence
import Tensors
import TestSupport
import Testing

/// Outputs, states and gradients of cells against their papers' equations in NumPy. The values were made by
/// Tests/Golden/cells.py, which compares its equations with ONNX and PyTorch where these have them.
@Suite struct GoldenCellTests {
  struct Kind: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let make: @Sendable (Int, Int, inout RandomSource) -> any SequenceLayer

    init(_ name: String, _ make: @escaping @Sendable (Int, Int, inout RandomSource) -> any SequenceLayer) {
      testDescription = name
      self.make = make
    }

    static func lstm(_ name: String, _ options: VariantLSTM.Options) -> Kind {
      Kind(name) { Recurrent(VariantLSTM(inputSize: $0, hiddenSize: $1, options: options, using: &$2)) }
    }
  }

  static let kinds: [Kind] = [
    Kind("mgu") { Recurrent(MGU(inputSize: $0, hiddenSize: $1, using: &$2)) },
    Kind("indrnn") { Recurrent(IndRNN(inputSize: $0, hiddenSize: $1, using: &$2)) },
    .lstm("lstm-peepholes", VariantLSTM.Options(peepholes: true)),
    .lstm("lstm-coupled", VariantLSTM.Options(peepholes: true, couplesGates: true)),
    .lstm("lstm-projection", VariantLSTM.Options(projection: 2)),
    .lstm("lstm-clip", VariantLSTM.Options(cellClip: 0.5)),
    .lstm("lstm-all", VariantLSTM.Options(peepholes: true, couplesGates: true, projection: 2, cellClip: 0.5)),
    Kind("multiplicative-lstm") { Recurrent(MultiplicativeLSTM(inputSize: $0, hiddenSize: $1, using: &$2)) },
    Kind("mingru") { Recurrent(MinGRU(inputSize: $0, hiddenSize: $1, using: &$2)) },
    Kind("minlstm") { Recurrent(MinLSTM(inputSize: $0, hiddenSize: $1, using: &$2)) },
    Kind("sru") { Recurrent(SRU(inputSize: $0, hiddenSize: $1, using: &$2)) },
    Kind("sru-equal") { Recurrent(SRU(inputSize: $0, hiddenSize: $1, using: &$2)) },
    Kind("rhn") { Recurrent(RHN(inputSize: $0, hiddenSize: $1, depth: 3, using: &$2)) },
    Kind("layer-norm-lstm") { Recurrent(LayerNormLSTM(inputSize: $0, hiddenSize: $1, using: &$2)) },
    Kind("layer-norm-gru") { Recurrent(LayerNormGRU(inputSize: $0, hiddenSize: $1, using: &$2)) },
    Kind("jordan") { Recurrent(Jordan(inputSize: $0, hiddenSize: $1, outputSize: 2, using: &$2)) },
    Kind("li-gru") { Recurrent(LiGRU(inputSize: $0, hiddenSize: $1, using: &$2)) },
    Kind("li-gru-plain") { Recurrent(LiGRU(inputSize: $0, hiddenSize: $1, normalises: false, using: &$2)) },
    Kind("slstm") { Recurrent(SLSTM(inputSize: $0, hiddenSize: $1, using: &$2)) },
    Kind("slstm-heads") { Recurrent(SLSTM(inputSize: $0, hiddenSize: $1, heads: 2, using: &$2)) },
    Kind("qrnn") { Recurrent(QRNN(inputSize: $0, hiddenSize: $1, using: &$2)) },
    Kind("rg-lru") { Recurrent(RGLRU(inputSize: $0, hiddenSize: $1, using: &$2)) },
    Kind("rg-lru-equal") { Recurrent(RGLRU(inputSize: $0, hiddenSize: $1, using: &$2)) },
    Kind("lru") { Recurrent(LRU(inputSize: $0, hiddenSize: $1, outputSize: 2, using: &$2)) },
    Kind("grud") { _, hidden, random in
      Recurrent(GRUD(means: Tensor([0.25, -0.5]), hiddenSize: hidden, using: &random))
    },
    Kind("mlstm") { Recurrent(MLSTM(inputSize: $0, hiddenSize: $1, using: &$2)) },
    Kind("mlstm-heads") { Recurrent(MLSTM(inputSize: $0, hiddenSize: $1, heads: 2, using: &$2)) },
    Kind("cfc") { Recurrent(CfC(inputSize: $0, hiddenSize: $1, backbone: [4, 3], using: &$2)) },
  ]

  static let golden = Result {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let data = try Data(contentsOf: folder.appendingPathComponent("Golden/cells.json"))
    return try JSONDecoder().decode([String: GoldenTests.Golden].self, from: data)
  }

  @Test func everyGoldenCellIsTested() throws {
    #expect(try Set(Self.golden.get().keys) == Set(Self.kinds.map(\.testDescription)))
  }

  @Test(arguments: kinds, [Unrolling.compiled, .stepwise])
  func cellsEqualTheirEquations(kind: Kind, unrolling: Unrolling) throws {
    let golden = try #require(Self.golden.get()[kind.testDescription])
    var random = RandomSource(seed: 1)
    let layer = kind.make(try #require(golden.sizes["input"]), try #require(golden.sizes["hidden"]), &random)
    let learnt = layer.parameters.filter(\.parameter.isLearnt)
    for named in learnt {
      named.parameter.value = golden[String(named.path.trimmingPrefix("cell."))]
    }
    let run = GoldenTests.Run(stack: Stack([layer]), golden: golden, unrolling: unrolling)
    run.expectClose(SequenceBatch(rows: run.output, layout: run.layout).values, golden["output"], "output")
    run.expectClose(run.inputGradient, golden["gradient.input"], "∂input")
    for name in layer.initialState(batch: 0).parts.map(\.name) {
      run.expectClose(try #require(run.state["0.\(name)"]), golden.layer(0, of: "final.\(name)"), "final \(name)")
      run.expectClose(
        try #require(run.stateGradients["0.\(name)"]), golden.layer(0, of: "gradient.initial.\(name)"),
        "∂initial \(name)")
    }
    for named in learnt {
      let path = String(named.path.trimmingPrefix("cell."))
      run.expectClose(run.gradient(named.parameter), golden["gradient.\(path)"], "∂\(path)")
    }
    // Input, output and its weight in the loss; three tensors and a gradient for each part of the state; parameters.
    let states = layer.initialState(batch: 0).parts.count
    #expect(golden.tensors.count == 4 + 4 * states + 2 * learnt.count, "a parameter is not compared")
  }

  /// Without a variant the variants' LSTM is the LSTM.
  @Test func noVariantIsThePlainLSTM() {
    var random = RandomSource(seed: 2)
    let plain = LSTM(inputSize: 4, hiddenSize: 6, using: &random)
    let variant = VariantLSTM(inputSize: 4, hiddenSize: 6, using: &random)
    #expect(plain.parameters.map(\.path) == variant.parameters.map(\.path))
    for (a, b) in zip(plain.parameters, variant.parameters) {
      #expect(a.parameter.shape == b.parameter.shape)
      if a.path.hasSuffix("bias") { #expect(a.parameter.value == b.parameter.value, "\(a.path)") }
      b.parameter.value = a.parameter.value
    }
    let batch = SequenceBatch.random(lengths: [3, 0, 5], features: 4, using: &random)
    let (a, b) = (Recurrent(plain)(batch), Recurrent(variant)(batch))
    let difference = zip(a.output.rows.values, b.output.rows.values).map { abs($0 - $1) }.max() ?? 1
    #expect(difference < 1e-6)
  }

  /// A recurrent weight that is too large for so many steps is moved to the limit, others are left alone.
  @Test(arguments: [1, 3, 1000]) func recurrentWeightsAreLimited(steps: Int) {
    var random = RandomSource(seed: 3)
    let cell = IndRNN(inputSize: 2, hiddenSize: 5, using: &random)
    #expect(cell.recurrent.value.values.allSatisfy { (0...1).contains($0) })
    cell.recurrent.value = Tensor([-3, -0.9, 0.2, 1, 2.5])
    cell.limitRecurrent(steps: steps)
    let values = cell.recurrent.value.values
    #expect(values[1...3].map { $0 } == [-0.9, 0.2, 1])
    #expect(values[0] == -values[4])
    #expect(abs(pow(Double(values[4]), Double(steps)) - 2) < 1e-3)
  }

  /// What the registry says of each cell is so: counts of learnt values without a layer, also where both sizes are equal.
  @Test(arguments: CellKind.allCases) func theRegistryKnowsItsCells(kind: CellKind) {
    var random = RandomSource(seed: 4)
    for (input, hidden) in [(3, 7), (7, 3), (5, 5), (1, 1)] {
      let layer = kind.layer(inputSize: input, hiddenSize: hidden, using: &random)
      #expect(layer.parameterCount == kind.parameterCount(inputSize: input, hiddenSize: hidden))
      #expect(layer.inputSize == input && layer.outputSize == hidden)
      let row = [Float](repeating: 0.5, count: input)
      #expect(layer(SequenceBatch([[row, row]])).output.rows.shape == [2, hidden])
      let weights = layer.parameters.filter { $0.path.hasSuffix("weight") && $0.parameter.shape.rank == 2 }
      #expect(kind.gates * hidden <= weights.reduce(0) { $0 + $1.parameter.shape[0] })
    }
    #expect(!kind.paper.isEmpty)
  }
}
