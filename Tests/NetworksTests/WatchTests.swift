import Networks
import Recurrence
import Tensors
import TestSupport
import Testing

/// What a gradient watch sees is what plain steps on the tape see, and looking changes nothing.
@Suite struct WatchTests {
  private static let lengths = [5, 2, 0, 7, 1]

  /// Parameters that are added to the state by hand, one for each sequence and time step.
  private struct Probes: Module {
    var all: [[Parameter]]

    init(lengths: [Int], width: Int) {
      all = lengths.map { (0..<$0).map { _ in Parameter(.zeros([1, width])) } }
    }
  }

  private func watch(_ model: some Module) -> RecurrenceWatch {
    RecurrenceWatch(
      names: Dictionary(
        model.parameters.map { (ParameterReference($0.parameter), $0.path) }, uniquingKeysWith: { first, _ in first }))
  }

  /// The row of a sequence and time step.
  private func row(_ tensor: Tensor, _ layout: Layout, _ sequence: Int, _ step: Int) -> [Float] {
    let row = Int(layout.packedIndex[step * layout.batch + sequence])
    return Array(tensor.values[row * tensor.shape.last..<(row + 1) * tensor.shape.last])
  }

  private func expectEqual(
    _ gradient: Tensor, _ probes: Probes, _ gradients: Gradients, _ layout: Layout,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let largest = Double(gradient.values.map { abs($0) }.max() ?? 0)
    #expect(largest > 0, sourceLocation: sourceLocation)
    for (sequence, steps) in probes.all.enumerated() {
      for (step, probe) in steps.enumerated() {
        let plain = try #require(gradients[probe]).values
        for (a, b) in zip(row(gradient, layout, sequence, step), plain) {
          #expect(abs(Double(a) - Double(b)) < 1e-5 * largest, sourceLocation: sourceLocation)
        }
      }
    }
  }

  @Test func seesWhatAPlainTapeSees() throws {
    var random = RandomSource(seed: 3)
    let lstm = LSTM(inputSize: 3, hiddenSize: 4, using: &random)
    let layer = Recurrent(lstm)
    let batch = SequenceBatch.random(lengths: Self.lengths, features: 3, using: &random)
    let weights = random.normal([4, 1])
    let watch = watch(layer)
    _ = valueAndGradient(of: layer, watching: watch) {
      square(matmul(layer(batch, from: lstm.initialState(batch: 5)).output.rows, weights)).sum()
    }
    let seen = try #require(watch.observations.first)
    #expect(seen.parts == ["hidden", "cell"] && seen.path == "cell")
    #expect(seen.gates.map(\.name).sorted() == ["candidate", "forget", "input", "output"])
    #expect(seen.recurrentWeights.map(\.name).sorted() == ["candidate", "forget", "input", "output"])
    #expect(seen.recurrentWeights.allSatisfy { $0.matrix.shape == [4, 4] })

    // The equations of the LSTM, with a zero of its own added to h and C at each step.
    let probes = [Probes(lengths: Self.lengths, width: 4), Probes(lengths: Self.lengths, width: 4)]
    struct Both: Module {
      var probes: [Probes]
    }
    let (_, gradients) = valueAndGradient(of: Both(probes: probes)) {
      var sum = Tensor.zeros([])
      for (sequence, steps) in Self.lengths.enumerated() {
        var (h, c) = (Tensor.zeros([1, 4]), Tensor.zeros([1, 4]))
        for step in 0..<steps {
          let hx = concatenated(h, Tensor([row(batch.rows, batch.layout, sequence, step)]))
          let (f, i) = (sigmoid(lstm.forget(hx)), sigmoid(lstm.input(hx)))
          c = f * c + i * tanh(lstm.candidate(hx)) + probes[1].all[sequence][step].tensor
          h = sigmoid(lstm.output(hx)) * tanh(c) + probes[0].all[sequence][step].tensor
          sum = sum + square(matmul(h, weights)).sum()
        }
      }
      return sum
    }
    try expectEqual(seen.stateGradients[0], probes[0], gradients, batch.layout)
    try expectEqual(seen.stateGradients[1], probes[1], gradients, batch.layout)
  }

  @Test func seesTheHiddenStateOfPlainAndGatedCells() throws {
    func check(_ cell: some RecurrentCell, _ random: inout RandomSource) throws {
      let layer = Recurrent(cell)
      let batch = SequenceBatch.random(lengths: Self.lengths, features: 3, using: &random)
      let weights = random.normal([4, 1])
      let watch = watch(layer)
      _ = valueAndGradient(of: layer, watching: watch) {
        square(matmul(layer(batch).output.rows, weights)).sum()
      }
      let probes = Probes(lengths: Self.lengths, width: 4)
      let (_, gradients) = valueAndGradient(of: probes) {
        var sum = Tensor.zeros([])
        for (sequence, steps) in Self.lengths.enumerated() {
          var state = cell.initialState(batch: 1)
          for step in 0..<steps {
            let x = Tensor([row(batch.rows, batch.layout, sequence, step)])
            let hidden = cell.step(x, state).state.tensors[0] + probes.all[sequence][step].tensor
            state = state.replacing([hidden])
            sum = sum + square(matmul(hidden, weights)).sum()
          }
        }
        return sum
      }
      try expectEqual(try #require(watch.observations.first).stateGradients[0], probes, gradients, batch.layout)
    }
    var random = RandomSource(seed: 4)
    try check(Elman(inputSize: 3, hiddenSize: 4, using: &random), &random)
    try check(GRU(inputSize: 3, hiddenSize: 4, using: &random), &random)
    try check(GRU(.resetAfter, inputSize: 3, hiddenSize: 4, using: &random), &random)
  }

  /// The loss's gradients, and what a watch saw, in one way of unrolling.
  private func run(
    _ layer: any SequenceLayer, _ batch: SequenceBatch, _ unrolling: Unrolling, watched: Bool
  ) -> (values: [[Float]], watch: RecurrenceWatch) {
    func open(_ layer: some SequenceLayer) -> (values: [[Float]], watch: RecurrenceWatch) {
      let watch = watch(layer)
      let state = layer.initialState(batch: batch.layout.batch)
      var evaluation = Evaluation.training(RandomSource(seed: 9))
      evaluation.unrolling = unrolling
      let (loss, gradients) = valueAndGradient(of: layer, watching: watched ? watch : nil) {
        square(layer(batch, from: state, in: &evaluation).output.rows + 0.3).sum()
      }
      return ([[loss]] + layer.parameters.map { gradients[$0.parameter]?.values ?? [] }, watch)
    }
    return open(layer)
  }

  @Test(arguments: TestCell.all) func changesNothing(_ cell: TestCell) {
    var random = RandomSource(seed: 5)
    let layer = cell.layer(input: 3, hidden: 4, using: &random)
    let batch = SequenceBatch.random(lengths: Self.lengths, features: 3, using: &random)
    let plain = run(layer, batch, .compiled, watched: false)
    let watched = run(layer, batch, .compiled, watched: true)
    #expect(plain.values == watched.values)
    #expect(plain.watch.observations.isEmpty && watched.watch.observations.count == 1)
  }

  @Test(arguments: TestCell.all) func seesTheSameStepwise(_ cell: TestCell) throws {
    var random = RandomSource(seed: 6)
    let layer = cell.layer(input: 3, hidden: 4, using: &random)
    let batch = SequenceBatch.random(lengths: Self.lengths, features: 3, using: &random)
    let compiled = try #require(run(layer, batch, .compiled, watched: true).watch.observations.first)
    let stepwise = try #require(run(layer, batch, .stepwise, watched: true).watch.observations.first)
    func outcome(_ seen: RecurrenceObservation) -> Outcome {
      Outcome(
        named: seen.stateGradients.map { ("gradient", $0) } + seen.states.map { ("state", $0) }
          + seen.gates.map { ($0.name, $0.values) })
    }
    let difference = outcome(compiled).difference(to: outcome(stepwise))
    #expect(difference.error < 1e-4, "\(difference.name)")
  }

  @Test func watchesRegularizedAndStackedLayers() throws {
    var random = RandomSource(seed: 7)
    let noise = Regularization(stateDropout: 0.3, zoneout: 0.2)
    let layers: [any SequenceLayer] = [
      Recurrent(LSTM(inputSize: 3, hiddenSize: 4, using: &random), regularization: noise),
      Bidirectional(
        forward: GRU(inputSize: 4, hiddenSize: 3, using: &random),
        backward: GRU(inputSize: 4, hiddenSize: 3, using: &random)),
    ]
    let stack = Stack(layers)
    let batch = SequenceBatch.random(lengths: Self.lengths, features: 3, using: &random)
    let watched = run(stack, batch, .compiled, watched: true)
    #expect(run(stack, batch, .compiled, watched: false).values == watched.values)
    let paths = watched.watch.observations.map(\.path)
    #expect(paths == ["layers.0.cell", "layers.1.forward.cell", "layers.1.backward.cell"])
    #expect(watched.watch.observations.allSatisfy { $0.stateGradients[0].values.contains { $0 != 0 } })
  }

  @Test func pullsGradientsBackThroughJacobians() throws {
    // h' = a * h + …: the gradient shrinks by a at each step, exactly.
    var random = RandomSource(seed: 8)
    let cell = Elman(inputSize: 2, hiddenSize: 3, activation: .identity, using: &random)
    let a: Float = 0.7
    let layer = Recurrent(cell)
    for named in layer.parameters where named.parameter.shape.rank == 2 {
      var values = named.parameter.value.values
      for row in 0..<3 { for column in 0..<3 { values[row * 5 + column] = row == column ? a : 0 } }
      if named.parameter.shape == [3, 5] { named.parameter.value = Tensor(shape: [3, 5], values: values) }
    }
    let batch = SequenceBatch.random(lengths: [4, 6, 1], features: 2, using: &random)
    let watch = watch(layer)
    _ = valueAndGradient(of: layer, watching: watch) { layer(batch).output.rows.sum() }
    let norms = try #require(watch.observations.first).pulledBackNorms(limit: 2, using: &random)
    #expect(norms.map(\.count) == [6, 4])
    for own in norms {
      for (before, after) in zip(own, own.dropFirst()) { #expect(abs(before / after - Double(a)) < 1e-6) }
    }
  }
}
