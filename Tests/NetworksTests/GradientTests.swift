import Networks
import Recurrence
import Tensors
import Testing

/// What `valueAndGradient` promises around the derivative itself.
@Suite struct GradientTests {
  struct Pair: Module {
    let used: Linear
    let unused: Linear
  }

  private static func pair() -> (Pair, Tensor) {
    var random = RandomSource(seed: 61)
    let pair = Pair(
      used: Linear(inputs: 3, outputs: 2, using: &random), unused: Linear(inputs: 3, outputs: 2, using: &random))
    return (pair, random.uniform([4, 3]))
  }

  @Test func parametersWithoutInfluenceHaveNoGradient() {
    let (pair, x) = Self.pair()
    let (value, gradients) = valueAndGradient(of: pair) { square(pair.used(x)).sum() }
    #expect(value > 0)
    #expect(gradients[pair.used.weight]?.shape == [2, 3])
    #expect(gradients[pair.used.bias!]?.shape == [2])
    #expect(gradients[pair.unused.weight] == nil)
    #expect(gradients[Parameter(.zeros([1]))] == nil)
  }

  /// A parameter that is read, but cut off or multiplied away, has no gradient or zeros, never something else.
  @Test func cutsStopGradients() {
    let (pair, x) = Self.pair()
    let gradients = valueAndGradient(of: pair) {
      (pair.used(x) + pair.unused(x).detached).sum()
    }.gradients
    #expect(gradients[pair.used.weight] != nil)
    #expect(gradients[pair.unused.weight] == nil)
    let constant = valueAndGradient(of: pair) { Tensor([3]) }
    #expect(constant.value == 3)
    #expect(constant.gradients[pair.used.weight] == nil)
  }

  /// Only parameters of the model are answered, whatever else was read.
  @Test func gradientsAreOfTheModelAlone() {
    let (pair, x) = Self.pair()
    let gradients = valueAndGradient(of: pair.used) { (pair.used(x) * pair.unused(x)).sum() }.gradients
    #expect(gradients[pair.used.weight] != nil)
    #expect(gradients[pair.unused.weight] == nil)
  }

  @Test func twiceIsTheSame() {
    var random = RandomSource(seed: 62)
    let layer = Recurrent(LSTM(inputSize: 3, hiddenSize: 5, using: &random))
    let batch = SequenceBatch(rows: random.uniform([9, 3]), layout: Layout(lengths: [4, 0, 5]))
    let runs = (0..<2).map { _ in valueAndGradient(of: layer) { square(layer(batch).output.rows).sum() } }
    #expect(runs[0].value == runs[1].value)
    for named in layer.parameters {
      #expect(runs[0].gradients[named.parameter] != nil, "\(named.path)")
      #expect(runs[0].gradients[named.parameter] == runs[1].gradients[named.parameter], "\(named.path)")
    }
  }

  /// A gradient inside the body of another one is a value like any other there: the outer one is not disturbed.
  @Test func gradientsMayStandInsideEachOther() {
    let (pair, x) = Self.pair()
    let alone = valueAndGradient(of: pair) { square(pair.used(x)).sum() }
    var inner: (value: Float, gradients: Gradients)?
    let outer = valueAndGradient(of: pair) {
      let loss = square(pair.used(x)).sum()
      inner = valueAndGradient(of: pair) { (pair.used(x) * 2).sum() }
      return loss
    }
    #expect(outer.value == alone.value)
    #expect(outer.gradients[pair.used.weight] == alone.gradients[pair.used.weight])
    #expect(inner?.gradients[pair.used.bias!] == Tensor([8, 8]))
  }

  /// Many tasks, one model: each takes its own gradient.
  @Test func tasksDoNotDisturbEachOther() async {
    var random = RandomSource(seed: 63)
    let layer = Recurrent(GRU(inputSize: 3, hiddenSize: 4, using: &random))
    let batches = (1...6).map { i in
      SequenceBatch(rows: random.uniform([i * 2, 3]), layout: Layout(time: i, batch: 2))
    }
    let weight = layer.cell.update.weight
    @Sendable func gradient(_ batch: SequenceBatch) -> Tensor? {
      valueAndGradient(of: layer) { square(layer(batch).output.rows).sum() }.gradients[weight]
    }
    let expected = batches.map(gradient)
    let actual = await withTaskGroup(of: (Int, Tensor?).self) { group in
      for (i, batch) in batches.enumerated() { group.addTask { (i, gradient(batch)) } }
      return await group.reduce(into: [Int: Tensor]()) { $0[$1.0] = $1.1 }
    }
    for (i, tensor) in expected.enumerated() { #expect(tensor != nil && tensor == actual[i]) }
  }

  /// What the body throws comes out, and leaves nothing behind.
  @Test func errorsComeOut() {
    struct Refusal: Error {}
    let (pair, x) = Self.pair()
    #expect(throws: Refusal.self) {
      try valueAndGradient(of: pair) {
        _ = pair.used(x)
        throw Refusal()
      }
    }
    #expect(valueAndGradient(of: pair) { pair.used(x).sum() }.gradients[pair.used.bias!] == Tensor([4, 4]))
  }
}
