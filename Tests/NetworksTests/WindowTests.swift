import Networks
import Recurrence
import Tensors
import TestSupport
import Testing

/// The layer that joins each time step with those before it.
@Suite struct WindowTests {
  /// Ragged lengths, an empty sequence, one shorter than the window, and a state that is not zero.
  @Test func stepsAreJoinedWithThoseBefore() {
    let window = Window(inputSize: 1, steps: 3)
    let batch = SequenceBatch([[[1], [2], [3], [4]], [], [[5]]])
    let result = window(batch)
    #expect(window.outputSize == 3 && window.parameters.isEmpty)
    #expect(result.output.lengths == [4, 0, 1])
    #expect(result.output.sequence(0).values == [0, 0, 1, 0, 1, 2, 1, 2, 3, 2, 3, 4])
    #expect(result.output.sequence(2).values == [0, 0, 5])
    #expect(result.state["previous"]?.values == [3, 4, 0, 0, 0, 5])
    var evaluation = Evaluation.inference
    let next = window(SequenceBatch([[[6]], [[7]], []]), from: result.state, in: &evaluation)
    #expect(next.output.sequence(0).values == [3, 4, 6])
    #expect(next.output.sequence(1).values == [0, 0, 7])
    #expect(next.state["previous"]?.values == [4, 6, 0, 7, 0, 5])
  }

  /// Before a recurrent layer: chunks of any size, and a session, give the whole, bit for bit.
  @Test(arguments: [2, 3], [1, 2, 5]) func windowsStream(steps: Int, chunk: Int) {
    var random = RandomSource(seed: 71)
    let stack = Stack([
      Window(inputSize: 4, steps: steps), Recurrent(QRNN(inputSize: 4 * steps, hiddenSize: 6, using: &random)),
    ])
    let batch = SequenceBatch.random(lengths: [7], features: 4, using: &random)
    let state = stack.initialState(batch: 1).randomised(using: &random)
    #expect(state.parts.map(\.name) == ["0.previous", "1.cell"])
    var evaluation = Evaluation.inference
    let whole = stack(batch, from: state, in: &evaluation)
    var (carried, rows) = (state, [Float]())
    for first in stride(from: 0, to: 7, by: chunk) {
      let end = min(first + chunk, 7)
      let part = SequenceBatch(rows: batch.rows.rows(first..<end), layout: Layout(time: end - first, batch: 1))
      let result = stack(part, from: carried, in: &evaluation)
      carried = result.state
      rows += result.output.rows.values
    }
    #expect(rows == whole.output.rows.values)
    let session = Session(stack, from: state)
    for t in 0..<chunk { _ = session.push(batch.rows.rows(t..<t + 1)) }
    let fork = session.forked()
    for session in [session, fork] {
      for t in chunk..<7 {
        let output = session.push(batch.rows.rows(t..<t + 1))
        #expect(output.values == whole.output.rows.rows(t..<t + 1).values)
      }
    }
    for (i, part) in whole.state.parts.enumerated() {
      #expect(carried.parts[i].tensor == part.tensor && session.state.parts[i].tensor == part.tensor, "\(part.name)")
      #expect(fork.state.parts[i].tensor == part.tensor, "\(part.name)")
    }
  }
}
