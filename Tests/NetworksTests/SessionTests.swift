import Networks
import Recurrence
import Tensors
import TestSupport
import Testing

@Suite struct SessionTests {
  static let cells = TestCell.all.filter { !$0.description.contains("backward") }

  /// Step by step gives the values of the whole in the same precision, bit for bit, whatever the cell.
  @Test(arguments: cells, Precision.allCases)
  func stepsEqualTheWhole(cell: TestCell, precision: Precision) {
    var random = RandomSource(seed: 41)
    let layer = cell.layer(input: 5, hidden: 23, using: &random)
    let state = layer.initialState(batch: 1).randomised(using: &random)
    let batch = SequenceBatch.random(lengths: [6], features: 5, using: &random)
    var evaluation = Evaluation.inference(precision)
    let whole = layer(batch, from: state, in: &evaluation)
    let session = Session(layer, from: state, precision: precision)
    #expect(session.precision == precision)
    for t in 0..<6 {
      let output = session.push(batch.rows.rows(t..<t + 1))
      #expect(output.values == whole.output.rows.rows(t..<t + 1).values, "step \(t)")
    }
    for (a, b) in zip(session.state.parts, whole.state.parts) {
      #expect(a.name == b.name)
      #expect(a.tensor == b.tensor, "\(a.name)")
    }
    guard precision != .float32 else { return }
    evaluation.precision = .float32
    let exact = layer(batch, from: state, in: &evaluation).output.rows
    #expect(whole.output.rows != exact, "nothing was rounded")
  }

  /// Steps that come close together are shared out among the threads: no bit changes.
  @Test(arguments: cells, [192, 200])
  func threadsDoNotChangeABit(cell: TestCell, hidden: Int) {
    var random = RandomSource(seed: 44)
    let layer = cell.layer(input: 150, hidden: hidden, using: &random)
    let inputs = random.uniform([100, 150], in: -1...1)
    let turn = ThreadTurn()
    defer { turn.end() }
    let outputs = [1, 2, 3].map { threads -> [[Float]] in
      Threads.count = threads
      let session = Session(layer)
      return (0..<100).map { session.push(inputs.rows($0..<$0 + 1)).values }
    }
    #expect(outputs[1] == outputs[0])
    #expect(outputs[2] == outputs[0])
  }

  @Test(arguments: Precision.allCases) func stacksStreamAndFork(precision: Precision) {
    var random = RandomSource(seed: 42)
    let stack = Stack(
      [
        Recurrent(LSTM(inputSize: 3, hiddenSize: 7, using: &random)),
        Recurrent(GRU(inputSize: 7, hiddenSize: 4, using: &random)),
      ], dropout: 0.5)
    let batch = SequenceBatch.random(lengths: [5], features: 3, using: &random)
    var evaluation = Evaluation.inference(precision)
    let whole = stack(batch, from: stack.initialState(batch: 1), in: &evaluation)
    let session = Session(stack, precision: precision)
    #expect(session.inputSize == 3 && session.outputSize == 4)
    _ = session.push(batch.rows.rows(0..<1))
    let saved = session.state
    let fork = session.forked()
    func rest(_ session: Session) -> [Float] { (1..<5).flatMap { session.push(batch.rows.rows($0..<$0 + 1)).values } }
    let expected = Array(whole.output.rows.values.dropFirst(4))
    #expect(rest(session) == expected)
    #expect(rest(fork) == expected)
    session.state = saved
    var output = [Float](repeating: 0, count: 4)
    batch.rows.rows(1..<2).values.withUnsafeBufferPointer { input in
      output.withUnsafeMutableBufferPointer { session.push(input, into: $0) }
    }
    #expect(output == Array(expected.prefix(4)))
  }

  /// A session keeps its weights, and so does its fork; the layer may be trained on.
  @Test(arguments: Precision.allCases) func weightsStay(precision: Precision) {
    var random = RandomSource(seed: 43)
    let layer = Recurrent(Elman(inputSize: 2, hiddenSize: 3, using: &random))
    let (session, other) = (Session(layer, precision: precision), Session(layer, precision: precision))
    let before = session.push(Tensor([1, 2]))
    for named in layer.parameters { named.parameter.value = 2 * named.parameter.value }
    #expect(other.forked().push(Tensor([1, 2])) == before)
    #expect(other.push(Tensor([1, 2])) == before)
    #expect(Session(layer, precision: precision).push(Tensor([1, 2])) != before)
  }
}
