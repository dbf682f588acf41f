import Networks
import Recurrence
import Tensors
import TestSupport
import Testing

/// Layers that run at every n-th time step.
@Suite struct ClockworkTests {
  private static func inner(_ random: inout RandomSource) -> any SequenceLayer {
    TestCell.all[5].layer(input: 3, hidden: 4, using: &random)
  }

  /// The layer inside over every n-th time step alone, each of its outputs n times.
  @Test(arguments: [1, 2, 3, 5, 9]) func theLayerInsideSeesEveryNthStep(period: Int) throws {
    var random = RandomSource(seed: 121)
    let inner = Self.inner(&random)
    let layer = Clockwork(inner, every: period)
    let batch = SequenceBatch.random(lengths: [7, 0, 1, 6, 3], features: 3, using: &random)
    let result = layer(batch)
    #expect(result.output.lengths == batch.lengths)
    #expect(result.state.parts.map(\.name) == ["layer.hidden", "layer.cell", "held", "phase"])
    for (b, length) in batch.lengths.enumerated() {
      let steps = Array(stride(from: 0, to: length, by: period))
      let rows = batch.sequence(b).gatheringRows(steps.map(Int32.init))
      let alone = inner(SequenceBatch(rows: rows, layout: Layout(time: steps.count, batch: 1)))
      let shown = alone.output.rows.gatheringRows((0..<length).map { Int32($0 / period) })
      #expect(result.output.sequence(b) == shown, "sequence \(b)")
      #expect(result.state["layer.cell"]?.rows(b..<b + 1) == alone.state["cell"], "sequence \(b)")
      let held = try #require(result.state["held"]).rows(b..<b + 1)
      #expect(held.values == (length > 0 ? shown.rows(length - 1..<length).values : [0, 0, 0, 0]))
      #expect(result.state["phase"]?[b, 0] == Float(length % period))
    }
  }

  /// Chunks of any lengths, that end anywhere in a period; what is held before the first step is shown.
  @Test(arguments: [Unrolling.compiled, .stepwise]) func chunksOfAnyLengthsEqualTheWhole(unrolling: Unrolling) {
    var random = RandomSource(seed: 122)
    let layer = Clockwork(Self.inner(&random), every: 3)
    let lengths = [8, 0, 5, 7]
    let batch = SequenceBatch.random(lengths: lengths, features: 3, using: &random)
    var state = layer.initialState(batch: 4).randomised(using: &random)
    state.parts[3].tensor = Tensor([[0], [1], [2], [1]])
    var evaluation = Evaluation(unrolling: unrolling)
    let whole = layer(batch, from: state, in: &evaluation)
    #expect(whole.output.sequence(2).rows(0..<1) == state["held"]?.rows(2..<3))
    #expect(whole.output.sequence(3).rows(1..<2) == state["held"]?.rows(3..<4))
    #expect(whole.output.sequence(3).rows(2..<3) != state["held"]?.rows(3..<4))
    #expect(whole.state["phase"]?.values == [2, 1, 1, 2])
    var (carried, outputs) = (state, lengths.map { _ in [Float]() })
    var start = 0
    for length in [1, 3, 2, 4] {
      let values = batch.values.rows(start..<min(start + length, 8))
      let chunk = SequenceBatch(values: values, lengths: lengths.map { max(0, min($0 - start, values.shape[0])) })
      let result = layer(chunk, from: carried, in: &evaluation)
      for b in lengths.indices { outputs[b] += result.output.sequence(b).values }
      carried = result.state
      start += length
      if start >= 8 { break }
    }
    for b in lengths.indices { #expect(outputs[b] == whole.output.sequence(b).values, "sequence \(b)") }
    for (a, b) in zip(carried.parts, whole.state.parts) { #expect(a.tensor == b.tensor, "\(a.name)") }
  }

  @Test(arguments: Precision.allCases) func sessionsKeepTheirPhase(precision: Precision) {
    var random = RandomSource(seed: 123)
    let layer = Stack([
      Clockwork(Clockwork(Self.inner(&random), every: 2), every: 2),
      Recurrent(GRU(inputSize: 4, hiddenSize: 2, using: &random)),
    ])
    let batch = SequenceBatch.random(lengths: [11], features: 3, using: &random)
    var evaluation = Evaluation.inference(precision)
    let whole = layer(batch, from: layer.initialState(batch: 1), in: &evaluation)
    let session = Session(layer, precision: precision)
    func push(_ steps: Range<Int>, _ session: Session) {
      for t in steps {
        #expect(session.push(batch.rows.rows(t..<t + 1)).values == whole.output.rows.rows(t..<t + 1).values, "\(t)")
      }
    }
    push(0..<3, session)
    let (saved, fork) = (session.state, session.forked())
    #expect(saved["0.phase"]?.values == [1] && saved["0.layer.phase"]?.values == [0])
    push(3..<11, session)
    push(3..<11, fork)
    for (a, b) in zip(fork.state.parts, whole.state.parts) { #expect(a.tensor == b.tensor, "\(a.name)") }
    session.state = saved
    push(3..<11, session)
    push(3..<11, Session(layer, from: saved, precision: precision))
  }

  /// A counter is nothing to learn.
  @Test func phasesAreNotLearnt() {
    var random = RandomSource(seed: 124)
    let layer = LearnedState(Stack([Clockwork(Self.inner(&random), every: 2)]))
    #expect(layer.initial.names == ["0.layer.hidden", "0.layer.cell", "0.held"])
    let state = layer.initialState(batch: 2)
    #expect(state.parts.map(\.isCounter) == [false, false, false, true])
    #expect(state.state(of: "0").rows([1, 0]).detached.parts.last?.isCounter == true)
    #expect(state["0.phase"] == .zeros([2, 1]))
  }
}
