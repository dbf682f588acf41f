import Networks
import Recurrence
import Tensors
import Testing

/// Where parameters are found, and under which names.
@Suite struct ModuleTests {
  enum Head: Module {
    case dense(Linear)
    case pair(left: Linear, right: Linear)
    case none
  }
  final class Cache: Sendable {
    let hidden = Parameter(.zeros([1]))
  }
  struct Tree: Module {
    var first = Parameter(.zeros([1]))
    var size = 3
    var layers: [Linear]
    var missing: Linear?
    var present: Linear?
    var head: Head
    var table: (keys: Parameter, values: Parameter)
    var cache = Cache()
    var fixed = Tensor([1, 2])
    var any: any Module
  }

  private static func linear() -> Linear { Linear(weight: Parameter(.zeros([2, 3])), bias: nil) }

  @Test func pathsFollowDeclarationsThroughAllKindsOfValues() {
    let tree = Tree(
      layers: [Self.linear(), Linear(weight: Parameter(.zeros([2, 3])), bias: Parameter(.zeros([2])))],
      present: Self.linear(), head: .dense(Self.linear()),
      table: (keys: Parameter(.zeros([4])), values: Parameter(.zeros([5]))), any: Self.linear())
    #expect(
      tree.parameters.map(\.path) == [
        "first", "layers.0.weight", "layers.1.weight", "layers.1.bias", "present.weight", "head.dense.weight",
        "table.keys", "table.values", "any.weight",
      ])
    #expect(tree.parameterCount == 1 + 6 + 6 + 2 + 6 + 6 + 4 + 5 + 6)
  }

  @Test func casesOfEnumerationsNameTheirParts() {
    let pair = Head.pair(left: Self.linear(), right: Self.linear())
    #expect(pair.parameters.map(\.path) == ["pair.left.weight", "pair.right.weight"])
    #expect(Head.none.parameters.isEmpty)
  }

  @Test func recurrentNetworksNameLayersCellsAndGates() {
    var random = RandomSource(seed: 1)
    let stack = Stack([
      Recurrent(GRU(inputSize: 2, hiddenSize: 3, bias: false, using: &random)),
      Stack([Recurrent(Elman(inputSize: 3, hiddenSize: 4, outputSize: 2, using: &random))]),
    ])
    #expect(
      stack.parameters.map(\.path) == [
        "layers.0.cell.update.weight", "layers.0.cell.reset.weight", "layers.0.cell.candidate.weight",
        "layers.1.layers.0.cell.hidden.weight", "layers.1.layers.0.cell.hidden.bias",
        "layers.1.layers.0.cell.readout.weight", "layers.1.layers.0.cell.readout.bias",
      ])
  }
}

/// One parameter in two places is one weight.
@Suite struct TiedParameterTests {
  struct Tied: Module {
    var encode: Linear
    var decode: Linear
  }

  @Test func tiedParametersAreListedOnceUnderTheirFirstPath() {
    let shared = Parameter(.zeros([3, 3]))
    let network = Tied(
      encode: Linear(weight: shared, bias: nil), decode: Linear(weight: shared, bias: Parameter(.zeros([3]))))
    #expect(network.parameters.map(\.path) == ["encode.weight", "decode.bias"])
    #expect(network.parameterCount == 12)
  }

  /// The gradient of a tied weight is the sum of those of two weights that are apart.
  @Test func tiedGradientsAreSums() throws {
    var random = RandomSource(seed: 51)
    let value = random.uniform([3, 3], in: -1...1)
    let x = random.uniform([4, 3])
    func gradients(_ first: Parameter, _ second: Parameter) -> Gradients {
      let network = Tied(encode: Linear(weight: first, bias: nil), decode: Linear(weight: second, bias: nil))
      return valueAndGradient(of: network) { square(network.decode(tanh(network.encode(x)))).sum() }.gradients
    }
    let (shared, first, second) = (Parameter(value), Parameter(value), Parameter(value))
    let tied = try #require(gradients(shared, shared)[shared])
    let apart = gradients(first, second)
    let (one, other) = (try #require(apart[first]), try #require(apart[second]))
    #expect(one != other)
    for (a, b) in zip(tied.values, (one + other).values) { #expect(abs(a - b) < 1e-4) }
  }

  /// A cell whose update and candidate are one and the same layer.
  struct TiedCell: RecurrentCell {
    let gate: Linear
    let candidate: Linear
    let inputSize: Int
    func initialState(batch: Int) -> Tensor { .zeros([batch, gate.outputSize]) }
    func step(_ x: Tensor, _ h: Tensor) -> (output: Tensor, state: Tensor) {
      let z = sigmoid(gate(concatenated(h, x)))
      let new = (1 - z) * h + z * tanh(candidate(concatenated(z * h, x)))
      return (output: new, state: new)
    }
  }

  @Test(arguments: [Unrolling.compiled, .stepwise])
  func cellsMayUseALayerTwice(unrolling: Unrolling) throws {
    var random = RandomSource(seed: 52)
    let layer = Linear(inputs: 5, outputs: 3, using: &random)
    let value = layer.weight.value
    let batch = SequenceBatch(rows: random.uniform([6, 2]), layout: Layout(lengths: [4, 0, 2]))
    func gradients(_ cell: TiedCell) -> Gradients {
      let recurrent = Recurrent(cell)
      return valueAndGradient(of: recurrent) {
        square(recurrent(batch, from: cell.initialState(batch: 3), unrolling: unrolling).output.rows).sum()
      }.gradients
    }
    let tied = TiedCell(gate: layer, candidate: layer, inputSize: 2)
    #expect(Recurrent(tied).parameters.map(\.path) == ["cell.gate.weight", "cell.gate.bias"])
    let apart = TiedCell(
      gate: Linear(weight: Parameter(value), bias: Parameter(.zeros([3]))),
      candidate: Linear(weight: Parameter(value), bias: Parameter(.zeros([3]))), inputSize: 2)
    let together = gradients(tied)
    let separate = gradients(apart)
    for path in [\Linear.weight, \Linear.bias!] {
      let gate = try #require(separate[apart.gate[keyPath: path]])
      let candidate = try #require(separate[apart.candidate[keyPath: path]])
      let own = try #require(together[layer[keyPath: path]])
      for (a, b) in zip(own.values, (gate + candidate).values) { #expect(abs(a - b) < 1e-4) }
    }
  }

  /// Two layers of one cell, and a change of the weight that both must see.
  @Test func layersMayShareACell() throws {
    var random = RandomSource(seed: 53)
    let cell = Elman(inputSize: 3, hiddenSize: 3, using: &random)
    let stack = Stack([Recurrent(cell), Recurrent(cell)])
    #expect(stack.parameters.map(\.path) == ["layers.0.cell.hidden.weight", "layers.0.cell.hidden.bias"])
    let batch = SequenceBatch(rows: random.uniform([5, 3]), layout: Layout(lengths: [3, 2]))
    for _ in 0..<2 {
      let compiled = valueAndGradient(of: stack) { square(stack(batch).output.rows).sum() }
      let stepwise = valueAndGradient(of: stack) {
        var evaluation = Evaluation(unrolling: .stepwise)
        return square(stack(batch, from: stack.initialState(batch: 2), in: &evaluation).output.rows).sum()
      }
      #expect(abs(compiled.value - stepwise.value) < 1e-4)
      let weight = cell.hidden.weight
      let (a, b) = (try #require(compiled.gradients[weight]), try #require(stepwise.gradients[weight]))
      for (a, b) in zip(a.values, b.values) { #expect(abs(a - b) < 1e-4) }
      weight.value = weight.value - 0.1 * a
    }
  }
}
