import Foundation
import Networks
import Recurrence
import Tensors
import Testing

@Suite struct DropoutTests {
  @Test func valuesAreDroppedOrScaled() {
    var evaluation = Evaluation.training(RandomSource(seed: 71))
    let x = Tensor(shape: [200, 50], repeating: 3)
    let y = Dropout(rate: 0.25)(x, in: &evaluation)
    #expect(Set(y.values) == [0, 4])
    let dropped = Float(y.values.count { $0 == 0 }) / 10_000
    #expect(abs(dropped - 0.25) < 0.02)
    #expect(evaluation.random?.position == 10_000)
  }

  @Test func withoutARandomSourceOrARateNothingHappens() {
    var evaluation = Evaluation.inference
    let x = Tensor([[1, 2, 3]])
    #expect(Dropout(rate: 0.9)(x, in: &evaluation) == x)
    evaluation = .training(RandomSource(seed: 1))
    #expect(Dropout(rate: 0)(x, in: &evaluation) == x)
    #expect(evaluation.random?.position == 0)
  }

  /// Equal seeds give equal masks; the next call takes another one.
  @Test func masksDependOnSeedAndPosition() {
    let x = Tensor.ones([5, 40])
    var (first, second) = (Evaluation.training(RandomSource(seed: 7)), Evaluation.training(RandomSource(seed: 7)))
    let dropout = Dropout(rate: 0.5)
    let mask = dropout(x, in: &first)
    #expect(mask == dropout(x, in: &second))
    #expect(mask != dropout(x, in: &first))
    var other = Evaluation.training(RandomSource(seed: 8))
    #expect(mask != dropout(x, in: &other))
  }

  /// The gradient goes where the values went, scaled alike.
  @Test func gradientsPassTheSameMask() {
    let parameter = Parameter(.ones([4, 30]))
    struct Holder: Module { let parameter: Parameter }
    var mask = Tensor([0])
    let gradients = valueAndGradient(of: Holder(parameter: parameter)) {
      var evaluation = Evaluation.training(RandomSource(seed: 9))
      let y = Dropout(rate: 0.4)(parameter.tensor, in: &evaluation)
      mask = y.detached
      return y.sum()
    }.gradients
    #expect(gradients[parameter] == mask)
  }

  /// Every time step has a mask of its own, and padding takes no numbers.
  @Test func batchesAreMaskedRowByRow() {
    let batch = SequenceBatch(rows: .ones([6, 20]), layout: Layout(lengths: [4, 0, 2]))
    var evaluation = Evaluation.training(RandomSource(seed: 3))
    let masked = Dropout(rate: 0.5)(batch, in: &evaluation)
    #expect(masked.lengths == [4, 0, 2])
    #expect(evaluation.random?.position == 120)
    let steps = (0..<4).map { masked.sequence(0).rows($0..<$0 + 1).values }
    #expect(Set(steps).count == 4)
  }
}

@Suite struct StackTests {
  private static func stack(dropout: Float = 0) -> Stack {
    var random = RandomSource(seed: 72)
    return Stack(
      [
        Recurrent(LSTM(inputSize: 2, hiddenSize: 3, using: &random)),
        Stack([
          Recurrent(GRU(inputSize: 3, hiddenSize: 4, using: &random)),
          Recurrent(Elman(inputSize: 4, hiddenSize: 5, using: &random), direction: .backward),
        ]),
      ], dropout: dropout)
  }

  @Test func statesHaveTheirLayersNumberInOrder() {
    let stack = Self.stack()
    let state = stack.initialState(batch: 6)
    #expect(state.parts.map(\.name) == ["0.hidden", "0.cell", "1.0.hidden", "1.1.hidden"])
    #expect(state.parts.map(\.tensor.shape) == [[6, 3], [6, 3], [6, 4], [6, 5]])
    #expect(stack.inputSize == 2 && stack.outputSize == 5)
    #expect(state["1.0.hidden"]?.shape == [6, 4])
    #expect(state["2.hidden"] == nil)
  }

  /// A stack is its layers one after the other, each from its own part of the state.
  @Test func stacksAreCompositions() throws {
    var random = RandomSource(seed: 73)
    let stack = Self.stack()
    let batch = SequenceBatch(rows: random.uniform([7, 2]), layout: Layout(lengths: [3, 0, 4]))
    var state = stack.initialState(batch: 3)
    for i in state.parts.indices { state.parts[i].tensor = random.uniform(state.parts[i].tensor.shape, in: -1...1) }
    var evaluation = Evaluation.inference
    let whole = stack(batch, from: state, in: &evaluation)
    var below = batch
    var states: [LayerState.Part] = []
    let inner = try #require(stack.layers[1] as? Stack)
    for (prefix, layer) in [("0.", stack.layers[0]), ("1.0.", inner.layers[0]), ("1.1.", inner.layers[1])] {
      let own = state.parts.filter { $0.name.hasPrefix(prefix) }.map {
        LayerState.Part(name: String($0.name.dropFirst(prefix.count)), tensor: $0.tensor)
      }
      let result = layer(below, from: LayerState(parts: own), in: &evaluation)
      below = result.output
      states += result.state.parts
    }
    #expect(whole.output.rows == below.rows)
    #expect(whole.state.parts.map(\.tensor) == states.map(\.tensor))
  }

  /// Ten layers and more: `1.hidden` is not a part of layer 10.
  @Test func manyLayersKeepTheirStatesApart() {
    var random = RandomSource(seed: 74)
    let stack = Stack((0..<12).map { _ in Recurrent(Elman(inputSize: 2, hiddenSize: 2, using: &random)) })
    let result = stack(SequenceBatch([[[1, 2], [3, 4]]]))
    #expect(result.state.parts.map(\.name) == (0..<12).map { "\($0).hidden" })
    #expect(result.state["11.hidden"] == result.output.sequence(0).rows(1..<2))
  }

  /// Dropout stands between layers: not before the first, not after the last.
  @Test func dropoutStandsBetweenLayers() {
    var random = RandomSource(seed: 75)
    let batch = SequenceBatch(rows: random.uniform([9, 2]), layout: Layout(lengths: [5, 4]))
    let stack = Stack(
      [
        Recurrent(Elman(inputSize: 2, hiddenSize: 30, using: &random)),
        Recurrent(Elman(inputSize: 30, hiddenSize: 6, activation: .sigmoid, using: &random)),
      ], dropout: 0.5)
    var noise = Evaluation.training(RandomSource(seed: 1))
    let noisy = stack(batch, from: stack.initialState(batch: 2), in: &noise)
    #expect(noise.random?.position == 9 * 30)
    #expect(noisy.output.rows.values.allSatisfy { $0 > 0 })
    let plain = stack(batch)
    #expect(noisy.state["0.hidden"] == plain.state["0.hidden"])
    #expect(noisy.output.rows != plain.output.rows)
  }

  /// Some of the sequences go on: what they compute is what they would have computed in the whole batch.
  @Test func someOfTheSequencesGoOn() {
    var random = RandomSource(seed: 76)
    let stack = Stack([
      Recurrent(LSTM(inputSize: 2, hiddenSize: 3, using: &random)),
      Recurrent(GRU(.resetAfter, inputSize: 3, hiddenSize: 4, using: &random)),
    ])
    let whole = SequenceBatch(rows: random.uniform([15, 2]), layout: Layout(lengths: [6, 5, 4]))
    func part(_ sequence: Int, _ steps: Range<Int>) -> [[Float]] {
      steps.map { t in (0..<2).map { whole.sequence(sequence)[t, $0] } }
    }
    let expected = stack(whole)
    let beginning = stack(SequenceBatch((0..<3).map { part($0, 0..<3) }))
    var evaluation = Evaluation.inference
    let rest = SequenceBatch([part(2, 3..<4), part(0, 3..<6)])
    let end = stack(rest, from: beginning.state.rows([2, 0]), in: &evaluation)
    #expect(end.output.sequence(0) == expected.output.sequence(2).rows(3..<4))
    #expect(end.output.sequence(1) == expected.output.sequence(0).rows(3..<6))
    for (a, b) in zip(end.state.parts, expected.state.parts) {
      #expect(a.tensor == b.tensor.gatheringRows([2, 0]), "\(a.name)")
    }
  }
}

@Suite struct InitializerTests {
  @Test(arguments: [(5, 5), (4, 9), (11, 3), (1, 7), (6, 1)])
  func orthogonalMatricesKeepLengths(outputs: Int, inputs: Int) {
    var random = RandomSource(seed: 77)
    let matrix = Initializer.orthogonal(gain: 1.5)(outputs: outputs, inputs: inputs, using: &random)
    #expect(matrix.shape == [outputs, inputs])
    let products = matmul(matrix, matrix, transposeA: outputs > inputs, transposeB: outputs <= inputs)
    for i in 0..<products.shape[0] {
      for j in 0..<products.shape[1] { #expect(abs(products[i, j] - (i == j ? 2.25 : 0)) < 1e-5) }
    }
  }

  @Test func spreadsAreWhatTheyAreCalled() {
    var random = RandomSource(seed: 78)
    func values(_ initializer: Initializer) -> [Float] {
      initializer(outputs: 60, inputs: 90, using: &random).values
    }
    let limit = Float(6.0 / 150).squareRoot()
    let glorot = values(.glorotUniform)
    #expect(glorot.allSatisfy { abs($0) <= limit } && glorot.max()! > 0.98 * limit && glorot.min()! < -0.98 * limit)
    let uniform = values(.uniform(limit: 0.3))
    #expect(uniform.allSatisfy { abs($0) <= 0.3 } && uniform.max()! > 0.29)
    let normal = values(.normal(deviation: 0.5))
    #expect(abs(normal.reduce(0) { $0 + $1 * $1 } / 5400 - 0.25) < 0.02)
    #expect(values(.zeros).allSatisfy { $0 == 0 })
    #expect(values(.constant(2)).allSatisfy { $0 == 2 })
  }

  /// The forget gate's bias is 1, the others' 0; the columns for h are orthogonal, those for x within Glorot's bounds.
  @Test func cellsBeginAsDocumented() {
    var random = RandomSource(seed: 79)
    let cell = LSTM(inputSize: 3, hiddenSize: 4, using: &random)
    #expect(cell.forget.bias?.value == .ones([4]))
    for gate in [cell.input, cell.output, cell.candidate] { #expect(gate.bias?.value == .zeros([4])) }
    let other = LSTM(inputSize: 3, hiddenSize: 4, forgetBias: -2, using: &random)
    #expect(other.forget.bias?.value == Tensor([-2, -2, -2, -2]))
    let gru = GRU(inputSize: 3, hiddenSize: 4, using: &random)
    let bare = GRU(.resetAfter, inputSize: 3, hiddenSize: 4, bias: false, using: &random)
    #expect(bare.parameters.allSatisfy { $0.parameter.shape.rank == 2 })
    for gate in [cell.forget, cell.input, cell.output, cell.candidate, gru.update, gru.reset, gru.candidate] {
      let recurrent = gate.weight.value.features(0..<4)
      let products = matmul(recurrent, recurrent, transposeB: true)
      for i in 0..<4 { for j in 0..<4 { #expect(abs(products[i, j] - (i == j ? 1 : 0)) < 1e-5) } }
      let limit = Float(6.0 / 7).squareRoot()
      #expect(gate.weight.value.features(4..<7).values.allSatisfy { abs($0) <= limit && $0 != 0 })
    }
  }

  /// Equal seeds make equal networks, other seeds others.
  @Test func seedsDecide() {
    func network(_ seed: UInt64) -> [Tensor] {
      var random = RandomSource(seed: seed)
      return LSTM(inputSize: 3, hiddenSize: 4, using: &random).parameters.map(\.parameter.value)
    }
    #expect(network(1) == network(1))
    #expect(network(1) != network(2))
  }
}
