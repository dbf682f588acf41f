import Networks
import Recurrence
import Tensors
import TestSupport
import Testing

/// Outputs as inputs: inside a cell, and in a closed loop of a session.
@Suite struct FeedbackTests {
  /// The inner cell and the readout step by step, with the output before appended to the input.
  @Test func cellsReadTheirLastOutput() {
    var random = RandomSource(seed: 131)
    let inner = LSTM(inputSize: 3 + 2, hiddenSize: 4, using: &random)
    let cell = OutputFeedback(inner, readout: Linear(inputs: 4, outputs: 2, using: &random))
    #expect(cell.inputSize == 3 && cell.outputSize == 2)
    let layer = Recurrent(cell)
    #expect(layer.initialState(batch: 1).parts.map(\.name) == ["hidden", "cell", "output"])
    #expect(cell.parameters.map(\.path).suffix(3) == ["cell.candidate.bias", "readout.weight", "readout.bias"])
    let x = random.uniform([5, 3], in: -1...1)
    let state = layer.initialState(batch: 1).randomised(using: &random)
    var evaluation = Evaluation.inference
    let result = layer(SequenceBatch(rows: x, layout: Layout(time: 5, batch: 1)), from: state, in: &evaluation)
    var carried = LSTM.State(hidden: state["hidden"]!, cell: state["cell"]!)
    var output = state["output"]!
    for t in 0..<5 {
      let step = inner.step(concatenated(x.rows(t..<t + 1), output), carried)
      carried = step.state
      output = cell.readout!(step.output)
      for (a, b) in zip(result.output.rows.rows(t..<t + 1).values, output.values) { #expect(abs(a - b) < 1e-5) }
    }
    #expect(result.state["output"] == result.output.rows.rows(4..<5))
  }

  /// Without any input a sequence is its length; it begins with a state.
  @Test func cellsRunWithoutInput() {
    var random = RandomSource(seed: 132)
    let cell = OutputFeedback(
      GRU(inputSize: 2, hiddenSize: 3, using: &random), readout: Linear(inputs: 3, outputs: 2, using: &random))
    let layer = Recurrent(cell)
    #expect(layer.inputSize == 0)
    let batch = SequenceBatch(lengths: [4, 0, 3])
    let state = layer.initialState(batch: 3).randomised(using: &random)
    let (compiled, stepwise) = (
      outcome(of: layer, on: batch, from: state, .compiled), outcome(of: layer, on: batch, from: state, .stepwise)
    )
    let difference = compiled.difference(to: stepwise)
    #expect(difference.error < 1e-4, "\(difference)")
    #expect(compiled.named.first { $0.name == "∂output" }?.tensor.values.contains { $0 != 0 } == true)
    var evaluation = Evaluation.inference
    let whole = layer(batch, from: state, in: &evaluation).output.sequence(0)
    let session = Session(layer, from: state.rows([0]))
    for t in 0..<3 { #expect(session.push(.zeros([0])).values == whole.rows(t..<t + 1).values) }
    var last = [Float](repeating: 0, count: 2)
    last.withUnsafeMutableBufferPointer { session.push(UnsafeBufferPointer(start: nil, count: 0), into: $0) }
    #expect(last == whole.rows(3..<4).values)
    let comparisons = compareGradients(leaves: [batch.rows] + state.parts.map(\.tensor)) {
      FiniteDifferenceTests.loss(layer, batch, state, $0, .stepwise)
    }
    for comparison in comparisons { #expect(comparison.error < 1e-4, "\(comparison)") }
  }

  /// A free-running forecast is learnt: a decaying oscillation from its first state alone.
  @Test func freeRunningForecastsLearn() {
    var random = RandomSource(seed: 133)
    let cell = OutputFeedback(
      Elman(inputSize: 1, hiddenSize: 6, using: &random), readout: Linear(inputs: 6, outputs: 1, using: &random))
    let layer = LearnedState(Recurrent(cell))
    let target = Tensor(shape: [8, 1], values: [0.8, 0.2, -0.5, -0.6, -0.1, 0.4, 0.4, 0.1])
    let batch = SequenceBatch(lengths: [8])
    var losses: [Float] = []
    for _ in 0..<300 {
      let (loss, gradients) = valueAndGradient(of: layer) { square(layer(batch).output.rows - target).mean() }
      losses.append(loss)
      for named in layer.parameters {
        guard let gradient = gradients[named.parameter] else { continue }
        named.parameter.value = named.parameter.value - 0.1 * gradient
      }
    }
    #expect(losses[299] < 0.1 * losses[0], "\(losses[0]) to \(losses[299])")
  }

  /// Each output, through a closure, is the next input; a further call goes on.
  @Test func sessionsRunInAClosedLoop() {
    var random = RandomSource(seed: 134)
    let stack = Stack([
      TestCell.all[5].layer(input: 3, hidden: 4, using: &random),
      Conditioned(TestCell.all[2].layer(input: 6, hidden: 2, using: &random), contextSize: 2)
        .on(random.uniform([1, 2], in: -1...1)),
    ])
    let back = Linear(inputs: 2, outputs: 3, using: &random)
    let first = random.uniform([3], in: -1...1)
    let byHand = Session(stack)
    var (input, expected) = (first, [Float]())
    for _ in 0..<5 {
      let output = byHand.push(input)
      expected += output.values
      input = tanh(back(output.reshaped(to: [1, 2])))
    }
    let session = Session(stack)
    var calls = 0
    let beginning = session.generate(steps: 2, from: first) {
      calls += 1
      return tanh(back($0))
    }
    let end = session.generate(steps: 3, from: beginning.next) { tanh(back($0)) }
    #expect(calls == 2)
    #expect(beginning.outputs.shape == [2, 2] && end.outputs.shape == [3, 2])
    #expect(beginning.outputs.values + end.outputs.values == expected)
    #expect(end.next == input)
    #expect(session.state["1.hidden"] == byHand.state["1.hidden"])
    let still = session.generate(steps: 0, from: first) { $0 }
    #expect(still.outputs.shape == [0, 2] && still.next == first)
  }

  /// An output that is the next input itself: what a cell with output feedback does inside.
  @Test func closedLoopsAreOutputFeedback() {
    var random = RandomSource(seed: 135)
    let gru = GRU(inputSize: 3, hiddenSize: 3, using: &random)
    let inside = Recurrent(OutputFeedback(gru))(SequenceBatch(lengths: [4]))
    let outside = Session(Recurrent(gru)).generate(steps: 4, from: .zeros([3])) { $0 }
    for (a, b) in zip(inside.output.rows.values, outside.outputs.values) { #expect(abs(a - b) < 1e-6) }
  }
}
