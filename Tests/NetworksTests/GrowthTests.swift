import Networks
import Recurrence
import Tensors
import TestSupport
import Testing

/// Networks that grow go on computing what they did, and learn with what is new.
@Suite struct GrowthTests {
  /// A classifier of sequences, as models have them: vectors, layers of one or both directions, scores.
  private struct Tiny: Module {
    let embedding: Embedding
    let recurrent: Stack
    let readout: Linear

    /// `widths`: of the state, of a token's vector.
    init(_ cell: CellKind, _ widths: [Int], layers: Int = 1, both: Bool = false, seed: UInt64 = 1) {
      var random = RandomSource(seed: seed)
      embedding = Embedding(tokens: 7, size: widths[1], using: &random)
      let outputs = both ? 2 * widths[0] : widths[0]
      recurrent = Stack(
        (0..<layers).map { layer -> any SequenceLayer in
          let inputs = layer == 0 ? widths[1] : outputs
          let own: any SequenceLayer =
            both
            ? cell.bidirectional(inputSize: inputs, hiddenSize: widths[0], using: &random)
            : cell.layer(inputSize: inputs, hiddenSize: widths[0], using: &random)
          return own.added(layer > 0)
        })
      readout = Linear(inputs: outputs, outputs: 3, using: &random)
    }

    func callAsFunction(_ batch: TokenBatch) -> Tensor {
      let vectors = embedding(batch)
      var evaluation = Evaluation.inference
      let state = recurrent.initialState(batch: batch.layout.batch)
      return readout(recurrent(vectors, from: state, in: &evaluation).output.rows)
    }

    /// As after some training: biases and zeros are no longer what they began as.
    func trained() -> Tiny {
      var random = RandomSource(seed: 9)
      for named in parameters {
        let noise = random.uniform(named.parameter.shape, in: -0.3...0.3)
        named.parameter.value = named.parameter.value + noise
      }
      return self
    }
  }

  private static let batch = TokenBatch([[1, 4, 2, 6, 6], [3], [], [5, 0, 2, 1, 1, 4, 3]])

  private static func axes(_ cell: CellKind, layers: Int = 1, both: Bool = false) -> UnitAxes? {
    UnitAxes(of: 2) { Tiny(cell, $0, layers: layers, both: both) }
  }

  private static func distance(_ a: Tensor, _ b: Tensor) -> Float {
    zip(a.values, b.values).map { abs($0 - $1) }.max() ?? 0
  }

  private static func loss(of network: Tiny) -> (value: Float, gradients: Gradients) {
    valueAndGradient(of: network) {
      let rows = network(batch)
      return crossEntropy(rows, (0..<rows.shape[0]).map { Int32($0 % 3) }).mean()
    }
  }

  // MARK: Wider

  @Test(
    arguments: [
      CellKind.elman, .indrnn, .mgu, .gru, .gruResetAfter, .lstm, .lstmPeepholes, .lstmCoupled, .multiplicativeLSTM,
      .minGRU, .minLSTM, .jordan,
    ], [(1, false), (2, false), (1, true), (2, true)])
  func widerNetworksComputeTheSame(cell: CellKind, _ form: (layers: Int, both: Bool)) throws {
    let axes = try #require(Self.axes(cell, layers: form.layers, both: form.both))
    let small = Tiny(cell, [5, 4], layers: form.layers, both: form.both).trained()
    let large = Tiny(cell, [9, 7], layers: form.layers, both: form.both, seed: 2)
    let fresh = large(Self.batch)
    #expect(Growth.widen(small, into: large, along: axes, from: [5, 4], to: [9, 7]))
    let before = small(Self.batch)
    #expect(Self.distance(large(Self.batch), before) <= 1e-6)
    #expect(Self.distance(fresh, before) > 0.01)
  }

  /// The new units' values are read by nobody, and the weights that could read them learn.
  @Test(arguments: [CellKind.elman, .gru, .lstm]) func newUnitsLearn(cell: CellKind) throws {
    let (small, large) = (Tiny(cell, [5, 4]).trained(), Tiny(cell, [9, 7], seed: 2))
    Growth.widen(small, into: large, along: try #require(Self.axes(cell)), from: [5, 4], to: [9, 7])
    let weight = large.readout.weight
    #expect(weight.value.features(5..<9).values.allSatisfy { $0 == 0 })
    let (loss, gradients) = Self.loss(of: large)
    #expect(try #require(gradients[weight]).features(5..<9).values.allSatisfy { $0 != 0 })
    try Self.descend(large)
    #expect(Self.loss(of: large).value < 0.8 * loss)
    #expect(weight.value.features(5..<9).values.allSatisfy { $0 != 0 })
  }

  private static func descend(_ network: Tiny) throws {
    for _ in 0..<60 {
      let gradients = loss(of: network).gradients
      for named in network.parameters {
        guard let gradient = gradients[named.parameter] else { continue }
        named.parameter.value = named.parameter.value - 0.3 * gradient
      }
    }
  }

  /// Layer normalisation takes a mean over the units: new ones change it, and a comparison shows it.
  @Test(arguments: [CellKind.layerNormLSTM, .liGRU]) func meansOverUnitsAreNotKept(cell: CellKind) throws {
    let (small, large) = (Tiny(cell, [5, 4]).trained(), Tiny(cell, [9, 7], seed: 2))
    Growth.widen(small, into: large, along: try #require(Self.axes(cell)), from: [5, 4], to: [9, 7])
    #expect(Self.distance(small(Self.batch), large(Self.batch)) > 1e-3)
  }

  @Test func whatDoesNotFitIsLeftAlone() throws {
    let axes = try #require(Self.axes(.gru))
    let (small, large) = (Tiny(.gru, [5, 4]), Tiny(.gru, [9, 7], seed: 2))
    let values = large.parameters.map(\.parameter.value)
    for (old, before, after) in [
      (small, [5, 4], [9, 8]), (small, [5, 4], [4, 7]), (Tiny(.gru, [5, 4], layers: 2), [5, 4], [9, 7]),
      (Tiny(.lstm, [5, 4]), [5, 4], [9, 7]), (small, [6, 4], [9, 7]),
    ] {
      #expect(!Growth.widen(old, into: large, along: axes, from: before, to: after))
    }
    #expect(!Growth.deepen(small, into: large) && !Growth.gate(Tiny(.elman, [5, 4]), into: large))
    #expect(!Growth.gate(Tiny(.lstm, [9, 7]), into: large))
    #expect(large.parameters.map(\.parameter.value) == values)
    // A projection that is only there where sizes differ: no axis says what becomes of it.
    let irregular = UnitAxes(of: 1) { widths in
      var random = RandomSource(seed: 1)
      return CellKind.sru.layer(inputSize: 13, hiddenSize: widths[0], using: &random)
    }
    #expect(irregular == nil)
  }

  // MARK: Deeper

  @Test(
    arguments: [CellKind.elman, .mgu, .gru, .gruResetAfter, .lstm, .lstmCoupled, .multiplicativeLSTM],
    [false, true])
  func deeperNetworksComputeTheSame(cell: CellKind, both: Bool) throws {
    let small = Tiny(cell, [5, 4], layers: 1, both: both).trained()
    let large = Tiny(cell, [5, 4], layers: 2, both: both, seed: 2)
    #expect(Growth.deepen(small, into: large))
    #expect(Self.distance(large(Self.batch), small(Self.batch)) == 0)
    let (loss, gradients) = Self.loss(of: large)
    let silent = large.parameters.filter {
      $0.path.hasPrefix("recurrent.layers.1") && $0.path.hasSuffix("weight")
        && $0.parameter.value.values.allSatisfy { $0 == 0 }
    }
    #expect(!silent.isEmpty)
    #expect(silent.contains { gradients[$0.parameter]?.values.contains { $0 != 0 } == true })
    try Self.descend(large)
    #expect(Self.loss(of: large).value < 0.8 * loss)
  }

  @Test func rectifiersDeepenByTheIdentity() {
    struct Dense: Module {
      let layers: [Linear]
      let readout: Linear
      init(_ count: Int, seed: UInt64) {
        var random = RandomSource(seed: seed)
        layers = (0..<count).map { Linear(inputs: $0 == 0 ? 3 : 6, outputs: 6, using: &random) }
        readout = Linear(inputs: 6, outputs: 2, using: &random)
      }
      func callAsFunction(_ x: Tensor) -> Tensor { readout(layers.reduce(x) { relu($1($0)) }) }
    }
    var random = RandomSource(seed: 3)
    let rows = random.uniform([8, 3], in: -1...1)
    let (small, large) = (Dense(1, seed: 1), Dense(2, seed: 2))
    #expect(Growth.deepen(small, into: large))
    #expect(large(rows) == small(rows))
  }

  // MARK: Gated

  /// A step keeps 0.0067 of the old state: the states differ by little.
  @Test(arguments: [CellKind.gru, .gruResetAfter], [(1, false), (2, true)])
  func gatedNetworksComputeNearlyTheSame(cell: CellKind, _ form: (layers: Int, both: Bool)) {
    let small = Tiny(.elman, [5, 4], layers: form.layers, both: form.both).trained()
    let large = Tiny(cell, [5, 4], layers: form.layers, both: form.both, seed: 2)
    let (before, fresh) = (small(Self.batch), large(Self.batch))
    #expect(Growth.gate(small, into: large))
    let distance = Self.distance(large(Self.batch), before)
    #expect(distance > 0 && distance < 0.05, "\(distance)")
    #expect(distance < 0.1 * Self.distance(fresh, before))
    let gradients = Self.loss(of: large).gradients
    for named in large.parameters where named.path.contains("update.weight") {
      #expect(gradients[named.parameter]?.values.contains { $0 != 0 } == true, "\(named.path)")
    }
  }
}
