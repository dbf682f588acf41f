import Networks
import Recurrence
import Tensors
import TestSupport
import Testing

/// Contexts that stay over time, and states that come from elsewhere.
@Suite struct ConditioningTests {
  /// The layer inside over inputs with the context behind every time step.
  @Test func contextsStandBehindEveryInput() {
    var random = RandomSource(seed: 141)
    let inner = TestCell.all[5].layer(input: 5, hidden: 4, using: &random)
    let conditioned = Conditioned(inner, contextSize: 2)
    #expect(conditioned.inputSize == 3 && conditioned.outputSize == 4)
    #expect(conditioned.parameters.map(\.path) == inner.parameters.map { "layer.\($0.path)" })
    let batch = SequenceBatch.random(lengths: [3, 0, 5], features: 3, using: &random)
    let context = random.uniform([3, 2], in: -1...1)
    let (values, lengths) = (batch.values, batch.lengths)
    let repeated = Tensor(shape: [5, 3, 2], values: (0..<5).flatMap { _ in context.values })
    let plain = inner(SequenceBatch(values: concatenated(values, repeated), lengths: lengths))
    let result = conditioned.on(context)(batch)
    #expect(result.output.rows == plain.output.rows)
    #expect(result.state["cell"] == plain.state["cell"])
    let shared = Tensor(shape: [3, 2], values: (0..<3).flatMap { _ in context.rows(1..<2).values })
    #expect(conditioned.on(context.rows(1..<2))(batch).output.rows == conditioned.on(shared)(batch).output.rows)
    // Lengths alone, each time step with the context only.
    let only = Conditioned(TestCell.all[2].layer(input: 2, hidden: 4, using: &random), contextSize: 2)
    #expect(only.on(context)(SequenceBatch(lengths: lengths)).output.features == 4)
  }

  @Test(arguments: Precision.allCases) func boundLayersStream(precision: Precision) {
    var random = RandomSource(seed: 142)
    let conditioned = Conditioned(TestCell.all[5].layer(input: 5, hidden: 4, using: &random), contextSize: 2)
    let layer = conditioned.on(random.uniform([1, 2], in: -1...1))
    let batch = SequenceBatch.random(lengths: [5], features: 3, using: &random)
    var evaluation = Evaluation.inference(precision)
    let whole = layer(batch, from: layer.initialState(batch: 1), in: &evaluation).output.rows
    let session = Session(layer, precision: precision)
    #expect(session.inputSize == 3)
    var fork = session
    for t in 0..<5 {
      if t == 2 { fork = session.forked() }
      #expect(session.push(batch.rows.rows(t..<t + 1)).values == whole.rows(t..<t + 1).values)
    }
    for t in 2..<5 { #expect(fork.push(batch.rows.rows(t..<t + 1)).values == whole.rows(t..<t + 1).values) }
  }

  @Test func bridgesAreDenseLayersForEachPart() throws {
    var random = RandomSource(seed: 143)
    let encoder = Bidirectional(
      forward: LSTM(inputSize: 2, hiddenSize: 3, using: &random),
      backward: GRU(inputSize: 2, hiddenSize: 5, using: &random))
    let decoder = Stack([
      Clockwork(TestCell.all[5].layer(input: 2, hidden: 4, using: &random), every: 2),
      TestCell.all[2].layer(input: 4, hidden: 6, using: &random),
    ])
    let bridge = Bridge(from: encoder, to: decoder, using: &random)
    let names = ["0.layer.hidden", "0.layer.cell", "0.held", "1.hidden"]
    #expect(bridge.inputSize == 11)
    #expect(bridge.maps.names == names)
    #expect(bridge.parameters.map(\.path) == names.flatMap { ["maps.\($0).weight", "maps.\($0).bias"] })
    for map in bridge.maps.layers { map.bias?.value = random.uniform([map.outputSize], in: -1...1) }
    let state = encoder(SequenceBatch.random(lengths: [4, 0, 2], features: 2, using: &random)).state
    let initial = bridge(state)
    #expect(initial.parts.map(\.name) == decoder.initialState(batch: 1).parts.map(\.name))
    let joined = concatenated(state.parts.map(\.tensor))
    for name in names {
      let map = try #require(bridge.maps[name])
      #expect(initial[name] == tanh(map(joined)), "\(name)")
    }
    #expect(initial["0.phase"] == .zeros([3, 1]) && initial.parts[3].isCounter)
    // The same vector by hand.
    #expect(bridge(joined)["1.hidden"] == initial["1.hidden"])
    var evaluation = Evaluation.inference
    let batch = SequenceBatch.random(lengths: [2, 3, 0], features: 2, using: &random)
    #expect(decoder(batch, from: initial, in: &evaluation).output.lengths == [2, 3, 0])
    #expect(Bridge(inputSize: 7, to: decoder, using: &random)(.zeros([2, 7]))["0.held"]?.shape == [2, 4])
  }

  /// An encoder, its last output as the context and its state through a bridge: gradients reach all of it.
  struct Translator: Module {
    let encoder: Encoder
    let bridge: Bridge
    let decoder: Conditioned

    init(using random: inout RandomSource) {
      encoder = Encoder(TestCell.all[5].layer(input: 2, hidden: 3, using: &random), pooling: .last)
      decoder = Conditioned(TestCell.all[2].layer(input: 2 + 3, hidden: 4, using: &random), contextSize: 3)
      bridge = Bridge(from: encoder.layer, to: decoder.layer, using: &random)
    }

    func loss(_ source: SequenceBatch, _ target: SequenceBatch, _ unrolling: Unrolling) -> Tensor {
      var weights = RandomSource(seed: 144)
      var evaluation = Evaluation(unrolling: unrolling)
      let read = encoder(source, in: &evaluation)
      let result = decoder.on(read.vector)(target, from: bridge(read.state), in: &evaluation)
      let all = [result.output.rows, result.state["hidden"]!]
      return all.map { ($0 * weights.uniform($0.shape, in: -1...1)).sum() }.reduce(Tensor.zeros([]), +)
    }
  }

  @Test func gradientsFlowToTheEncoder() {
    var random = RandomSource(seed: 145)
    let model = Translator(using: &random)
    let source = SequenceBatch.random(lengths: [3, 0, 2], features: 2, using: &random)
    let target = SequenceBatch.random(lengths: [2, 4, 0], features: 2, using: &random)
    let names = Dictionary(uniqueKeysWithValues: model.parameters.map { (ObjectIdentifier($0.parameter), $0.path) })
    let comparisons = compareGradients(leaves: [source.rows, target.rows], names: names) { leaves in
      model.loss(source.replacingRows(with: leaves[0]), target.replacingRows(with: leaves[1]), .stepwise)
    }
    for comparison in comparisons { #expect(comparison.error < 1e-4, "\(comparison)") }
    #expect(comparisons.count == 2 + model.parameters.count)
    func gradients(_ unrolling: Unrolling) -> Outcome {
      let gradients = valueAndGradient(of: model) { model.loss(source, target, unrolling) }.gradients
      return Outcome(named: model.parameters.map { (name: $0.path, tensor: gradients[$0.parameter]!) })
    }
    let difference = gradients(.compiled).difference(to: gradients(.stepwise))
    #expect(difference.error < 1e-4, "\(difference)")
  }

  /// Where names and sizes agree a state is handed over as it is.
  @Test func equalStatesNeedNoBridge() {
    var random = RandomSource(seed: 146)
    let (encoder, decoder) = (
      Recurrent(LSTM(inputSize: 2, hiddenSize: 4, using: &random)),
      Recurrent(LSTM(inputSize: 3, hiddenSize: 4, using: &random))
    )
    let state = encoder(SequenceBatch.random(lengths: [3, 2], features: 2, using: &random)).state
    var evaluation = Evaluation.inference
    let empty = SequenceBatch(rows: .zeros([0, 3]), layout: Layout(lengths: [0, 0]))
    #expect(decoder(empty, from: state, in: &evaluation).state["cell"] == state["cell"])
  }
}
