import Testing
import Unroll

/// The code of "Through time".
@Suite struct ThroughTimeTests {
  /// An Elman net as a feedforward net: a layer for each time step, and each layer has weights of its own.
  struct Unrolled: Module {
    let copies: [Linear]

    func callAsFunction(_ x: Tensor) -> Tensor {
      var h = Tensor.zeros([1, copies[0].outputSize])
      for (t, copy) in copies.enumerated() { h = tanh(copy(concatenated(h, x.rows(t..<t + 1)))) }
      return h
    }
  }

  @Test func theGradientOfTiedWeightsIsTheSumOverCopies() throws {
    var random = RandomSource(seed: 1)
    let recurrent = Recurrent(Elman(inputSize: 2, hiddenSize: 4, using: &random))
    let weight = recurrent.cell.hidden.weight
    let batch = SequenceBatch([[[1, -1], [0.5, 2], [-1, 0]]])
    let unrolled = Unrolled(
      copies: (0..<3).map { _ in Linear(weight: Parameter(weight.value), bias: Parameter(.zeros([4]))) })

    let (loss, tied) = valueAndGradient(of: recurrent) {
      square(recurrent(batch).output.sequence(0).rows(2..<3)).sum()
    }
    let (same, untied) = valueAndGradient(of: unrolled) {
      square(unrolled(batch.sequence(0))).sum()
    }
    let sum = unrolled.copies.compactMap { untied[$0.weight] }.reduce(.zeros(weight.shape), +)
    // loss == same, and tied[weight] is the sum of the three copies' gradients

    #expect(abs(loss - same) < 1e-5)
    #expect(isClose(tied[weight], sum))
    let first = try #require(untied[unrolled.copies[0].weight])
    #expect(!isClose(first, sum, within: 0.01))
    #expect(unrolled.copies.allSatisfy { untied[$0.weight] != nil })
  }

  @Test func copiesAreUpdatedTogether() throws {
    var random = RandomSource(seed: 2)
    let layer = Recurrent(Elman(inputSize: 2, hiddenSize: 4, using: &random))
    let batch = SequenceBatch([[[1, -1], [0.5, 2], [-1, 0]], [[2, 1]]])
    var optimizer = Optimizer(.sgd())

    let (before, gradients) = valueAndGradient(of: layer) { square(layer(batch).output.rows).mean() }
    optimizer.update(layer.parameters, with: gradients, learningRate: 0.1)  // one weight, and so every time step

    let after = square(layer(batch).output.rows).mean().scalar
    #expect(after < before)
    #expect(layer.parameters.map(\.path) == ["cell.hidden.weight", "cell.hidden.bias"])
  }

  @Test func chunksWithCarriedStateAreTheWhole() throws {
    var random = RandomSource(seed: 3)
    let layer = Recurrent(LSTM(inputSize: 2, hiddenSize: 6, using: &random))
    let steps = random.normal([30, 2])  // one sequence of 30 time steps
    var evaluation = Evaluation.inference

    var state = layer.initialState(batch: 1)
    var outputs: [Tensor] = []
    for start in stride(from: 0, to: 30, by: 10) {
      let chunk = SequenceBatch(rows: steps.rows(start..<start + 10), layout: Layout(lengths: [10]))
      let result = layer(chunk, from: state, in: &evaluation)
      outputs.append(result.output.rows)
      state = result.state  // where the next chunk goes on
    }

    let whole = layer(SequenceBatch(rows: steps, layout: Layout(lengths: [30])))
    for (index, output) in outputs.enumerated() {
      #expect(isClose(output, whole.output.rows.rows(index * 10..<index * 10 + 10)))
    }
    #expect(isClose(state["cell"], whole.state["cell"]))
  }

  struct Forecaster: Module {
    let recurrent: Recurrent<GRU>
    let readout: Linear
  }

  /// A running mean is learnt from chunks of 10 time steps of a sequence without an end.
  @Test func truncatedBackpropagationLearns() {
    var random = RandomSource(seed: 4)
    let model = Forecaster(
      recurrent: Recurrent(GRU(inputSize: 1, hiddenSize: 8, using: &random)),
      readout: Linear(inputs: 8, outputs: 1, using: &random))
    var optimizer = Optimizer(.adam())
    var evaluation = Evaluation.inference
    var state = model.recurrent.initialState(batch: 1)
    var mean: Float = 0
    var losses: [Float] = []

    for _ in 0..<200 {
      let values = random.uniform([10, 1], in: -1...1)
      let means = values.values.map { value in
        mean = 0.8 * mean + 0.2 * value
        return mean
      }
      let (loss, gradients) = valueAndGradient(of: model) {
        let chunk = SequenceBatch(rows: values, layout: Layout(lengths: [10]))
        let result = model.recurrent(chunk, from: state, in: &evaluation)
        state = result.state.detached  // the values go on, the gradient does not
        return square(model.readout(result.output.rows) - Tensor(shape: [10, 1], values: means)).mean()
      }
      optimizer.update(model.parameters, with: gradients, learningRate: 0.01)
      losses.append(loss)
    }

    let (first, last) = (losses.prefix(20).reduce(0, +), losses.suffix(20).reduce(0, +))
    #expect(last < 0.2 * first)
  }

  @Test func twoLengths() throws {
    let tokens = Tokens((0..<41).map { Int32($0) })
    // k1 = 2 new steps a window, and k2 = 5 steps that the gradient goes back
    let streams = try TokenStreams(training: tokens, batch: 1, length: 5, step: 2)
    let window = streams.window(3)
    // window.inputs is [3, 4, 5, 6, 7], window.targets [-1, -1, -1, 7, 8]: a negative target has no loss;
    // window.carry is 2: the state after two steps of it is the next window's first

    #expect(window.inputs == [3, 4, 5, 6, 7])
    #expect(window.targets == [-1, -1, -1, 7, 8])
    #expect(window.carry == 2)
    #expect(streams.window(4).inputs.first == 3 + Int32(window.carry))
    #expect((0..<streams.windowCount).reduce(0) { $0 + streams.window($1).targetCount } == 40)
  }

  @Test func checkpointsGiveTheSameGradient() {
    var random = RandomSource(seed: 5)
    let layer = Recurrent(LSTM(inputSize: 2, hiddenSize: 4, using: &random))
    let batch = SequenceBatch(rows: random.normal([400, 2]), layout: Layout(lengths: [400]))

    func gradient(_ checkpointing: Checkpointing) -> Gradients {
      valueAndGradient(of: layer) {
        var evaluation = Evaluation(checkpointing: checkpointing)
        return square(layer(batch, from: layer.initialState(batch: 1), in: &evaluation).output.rows).mean()
      }.gradients
    }
    let everything = gradient(.none)  // keeps what all 400 time steps need
    let little = gradient(.squareRoot)  // keeps 20 states, and runs 20 segments of 20 steps a second time

    for named in layer.parameters {
      #expect(everything[named.parameter] != nil)
      #expect(isClose(everything[named.parameter], little[named.parameter], within: 1e-4))
    }
  }
}
