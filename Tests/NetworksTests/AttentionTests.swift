import Networks
import Recurrence
import Tensors
import TestSupport
import Testing

/// Attention inside a step: against plain computations, and under the laws that every layer obeys.
@Suite struct AttentionTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let order: AttentiveRecurrent<LSTM>.Order
    let scorings: [Attention.Scoring]
  }

  static let cases: [Case] = [
    Case(testDescription: "dot before", order: .before, scorings: [.dot]),
    Case(testDescription: "general before", order: .before, scorings: [.general]),
    Case(testDescription: "additive before", order: .before, scorings: [.additive(size: 5)]),
    Case(testDescription: "general after", order: .after(inputFeeding: false), scorings: [.general]),
    Case(
      testDescription: "two memories, input feeding", order: .after(inputFeeding: true),
      scorings: [.additive(size: 3), .dot]),
  ]

  static let (hidden, features) = (4, 3)

  static func layer(_ test: Case, using random: inout RandomSource) -> AttentiveRecurrent<LSTM> {
    let attentions = test.scorings.map { scoring in
      Attention(scoring, querySize: hidden, memorySize: memorySize(scoring), using: &random)
    }
    let layer = AttentiveRecurrent(
      inputSize: features, order: test.order, attentions: attentions, using: &random
    ) { LSTM(inputSize: $0, hiddenSize: hidden, using: &$1) }
    for named in layer.parameters where named.parameter.shape.rank == 1 {
      named.parameter.value = random.uniform(named.parameter.shape, in: -0.5...0.5)
    }
    return layer
  }

  static func memorySize(_ scoring: Attention.Scoring) -> Int { scoring == .dot ? hidden : 6 }

  /// A batch, its state and memories; memories have other lengths than the sequences, one is empty, one long.
  struct Problem {
    let layer: AttentiveRecurrent<LSTM>
    let batch: SequenceBatch
    let memories: [SequenceBatch]
    let state: LayerState

    init(_ test: Case, lengths: [Int] = [3, 0, 5, 1], memory: [Int] = [2, 4, 0, 20]) {
      var random = RandomSource(seed: 71)
      layer = AttentionTests.layer(test, using: &random)
      batch = .random(lengths: lengths, features: AttentionTests.features, using: &random)
      memories = test.scorings.map { .random(lengths: memory, features: AttentionTests.memorySize($0), using: &random) }
      state = layer.initialState(batch: lengths.count).randomised(using: &random)
    }

    var leaves: [Tensor] { [batch.rows] + memories.map(\.rows) + state.parts.map(\.tensor) }

    func results(_ leaves: [Tensor], _ evaluation: Evaluation) -> [Tensor] {
      var evaluation = evaluation
      let own = zip(memories, leaves.dropFirst()).map { $0.replacingRows(with: $1) }
      let parts = zip(state.parts, leaves.dropFirst(1 + own.count)).map { LayerState.Part(name: $0.name, tensor: $1) }
      let result = layer.attending(to: own).run(
        batch.replacingRows(with: leaves[0]), from: LayerState(parts: parts), in: &evaluation)
      return [result.output.rows] + result.state.parts.map(\.tensor) + result.weights.map(\.rows)
    }

    func loss(_ leaves: [Tensor], _ evaluation: Evaluation) -> Tensor {
      var weights = RandomSource(seed: 72)
      let terms = results(leaves, evaluation).map { ($0 * weights.uniform($0.shape, in: -1...1)).sum() }
      return terms.dropFirst().reduce(terms[0], +)
    }

    /// Results and gradients of leaves and parameters.
    func outcome(_ evaluation: Evaluation) -> [Tensor] {
      let tape = Tape()
      let watched = leaves.map(tape.watch)
      let loss = Recording.$current.withValue(.tape(tape)) { self.loss(watched, evaluation) }
      let cotangents = tape.cotangents(from: [(loss, .ones([]))])
      let known = Dictionary(uniqueKeysWithValues: tape.parameters.map { (ObjectIdentifier($0.parameter), $0.index) })
      let places = watched.map { tape.index(of: $0)! } + layer.parameters.map { known[ObjectIdentifier($0.parameter)]! }
      return results(leaves, evaluation) + places.map { cotangents[$0]! }
    }
  }

  private func difference(_ a: [Tensor], _ b: [Tensor]) -> Float {
    #expect(a.map(\.shape) == b.map(\.shape))
    return zip(a, b).flatMap { zip($0.values, $1.values).map { abs($0 - $1) } }.max() ?? 0
  }

  @Test(arguments: cases)
  func compiledEqualsStepwise(test: Case) {
    let problem = Problem(test)
    let expected = problem.outcome(Evaluation(unrolling: .stepwise))
    #expect(difference(problem.outcome(Evaluation()), expected) < 1e-5)
    #expect(difference(problem.outcome(Evaluation(checkpointing: .every(2))), expected) < 1e-5)
  }

  @Test(arguments: cases)
  func gradientsEqualFiniteDifferences(test: Case) {
    let problem = Problem(test, lengths: [2, 0, 1], memory: [2, 1, 3])
    let comparisons = compareGradients(leaves: problem.leaves) { problem.loss($0, Evaluation(unrolling: .stepwise)) }
    #expect(comparisons.count == problem.leaves.count + problem.layer.parameters.count)
    for comparison in comparisons { #expect(comparison.error < 1e-4, "\(comparison.name): \(comparison.error)") }
  }

  /// Alone, with a memory that needs no padding, a sequence gives the same bits as among longer ones.
  @Test(arguments: cases)
  func sequencesAndPaddingDoNotMatter(test: Case) {
    let problem = Problem(test)
    let together = problem.results(problem.leaves, Evaluation())
    for i in problem.batch.lengths.indices {
      func alone(_ batch: SequenceBatch) -> SequenceBatch {
        SequenceBatch(rows: batch.sequence(i), layout: Layout(lengths: [batch.lengths[i]]))
      }
      var evaluation = Evaluation()
      let result = problem.layer.attending(to: problem.memories.map(alone)).run(
        alone(problem.batch), from: problem.state.rows([i]), in: &evaluation)
      #expect(result.output.rows == problem.batch.replacingRows(with: together[0]).sequence(i))
      for (part, whole) in zip(result.state.parts, together.dropFirst()) {
        #expect(part.tensor == whole.gatheringRows([Int32(i)]), "\(part.name)")
      }
    }
  }

  @Test(arguments: cases)
  func weightsAreProbabilitiesOfOwnPlaces(test: Case) {
    let problem = Problem(test)
    var evaluation = Evaluation()
    let result = problem.layer.attending(to: problem.memories).run(
      problem.batch, from: problem.state, in: &evaluation)
    #expect(result.weights.count == test.scorings.count)
    for (weights, memory) in zip(result.weights, problem.memories) {
      #expect(weights.features == memory.layout.time)
      for (i, length) in memory.lengths.enumerated() {
        let rows = weights.sequence(i)
        for t in 0..<problem.batch.lengths[i] {
          let row = rows.rows(t..<t + 1).values
          #expect(row[length...].allSatisfy { $0 == 0 })
          #expect(abs(row.reduce(0, +) - (length > 0 ? 1 : 0)) < 1e-5)
        }
      }
    }
  }

  @Test(arguments: cases)
  func sessionsAttend(test: Case) {
    let problem = Problem(test, lengths: [6], memory: [5])
    let layer = problem.layer.attending(to: problem.memories)
    var evaluation = Evaluation()
    let whole = layer(problem.batch, from: problem.state, in: &evaluation)
    let session = Session(layer, from: problem.state)
    for t in 0..<6 {
      let output = session.push(problem.batch.rows.rows(t..<t + 1).reshaped(to: [Self.features]))
      #expect(output.values == whole.output.rows.rows(t..<t + 1).values, "step \(t)")
    }
    #expect(session.state.parts.map(\.tensor) == whole.state.parts.map(\.tensor))
  }

  /// The additive score of one step, written out for one sequence.
  @Test func additiveScoresAreBahdanaus() {
    let problem = Problem(Self.cases[2], lengths: [1], memory: [3])
    let attention = problem.layer.attentions[0]
    let (memory, h) = (problem.memories[0].rows, problem.state["hidden"]!)
    let hidden = tanh(attention.query!(h) + attention.key!(memory))
    let scores = matmul(hidden, attention.score!.tensor.reshaped(to: [5, 1])).reshaped(to: [1, 3])
    let read = matmul(softmax(scores), memory)
    let expected = problem.layer.cell.step(
      concatenated(problem.batch.rows, read),
      LSTM.State(hidden: h, cell: problem.state["cell"]!))
    let results = problem.results(problem.leaves, Evaluation())
    #expect(difference([results[0]], [concatenated(expected.output, read)]) < 1e-5)
    #expect(difference([results[3]], [softmax(scores)]) < 1e-5)
  }

  /// Luong's form: the query is the new output, and what comes out is a layer over both.
  @Test func generalScoresAfterTheStepAreLuongs() {
    let problem = Problem(Self.cases[3], lengths: [1], memory: [3])
    let memory = problem.memories[0].rows
    let result = problem.layer.cell.step(
      problem.batch.rows, LSTM.State(hidden: problem.state["hidden"]!, cell: problem.state["cell"]!))
    let scores = matmul(result.output, problem.layer.attentions[0].key!(memory), transposeB: true)
    let read = matmul(softmax(scores), memory)
    let expected = tanh(problem.layer.combine!(concatenated(read, result.output)))
    #expect(difference([problem.results(problem.leaves, Evaluation())[0]], [expected]) < 1e-5)
  }

  @Test func mistakesAreNamed() async {
    func expect(_ result: ExitTest.Result?, says parts: String...) {
      let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
      for part in parts { #expect(text.contains(part), "\(part) is missing in: \(text)") }
    }
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var random = RandomSource(seed: 1)
        _ = Attention(.dot, querySize: 3, memorySize: 4, using: &random)
      }, says: "Attention: dot", "3 and 4")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var random = RandomSource(seed: 1)
        let attention = Attention(.general, querySize: 3, memorySize: 4, using: &random)
        _ = AttentiveRecurrent(inputSize: 2, attentions: [attention], using: &random) {
          GRU(inputSize: $0, hiddenSize: 5, using: &$1)
        }
      }, says: "AttentiveRecurrent: a query has 3", "5")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let problem = Problem(Self.cases[0])
        _ = problem.layer.attending(to: problem.memories + problem.memories)
      }, says: "2 memories for 1 attention")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let problem = Problem(Self.cases[0])
        var random = RandomSource(seed: 2)
        let other = SequenceBatch.random(lengths: [1, 2], features: AttentionTests.hidden, using: &random)
        var evaluation = Evaluation.inference
        _ = problem.layer.attending(to: other)(problem.batch, from: problem.state, in: &evaluation)
      }, says: "memories of 2 sequences for a batch of 4")
  }

  /// Any layers around it: an attending layer is a layer like others.
  @Test func itStacks() {
    var random = RandomSource(seed: 73)
    let problem = Problem(Self.cases[0])
    let attending = problem.layer.attending(to: problem.memories)
    let stack = Stack([
      Residual(Recurrent(GRU(inputSize: Self.features, hiddenSize: Self.features, using: &random))), attending,
      Bidirectional(
        forward: GRU(inputSize: attending.outputSize, hiddenSize: 2, using: &random),
        backward: GRU(inputSize: attending.outputSize, hiddenSize: 2, using: &random)),
    ])
    let state = stack.initialState(batch: 4)
    let expected = outcome(of: stack, on: problem.batch, from: state, .stepwise)
    #expect(outcome(of: stack, on: problem.batch, from: state, .compiled).difference(to: expected).error < 1e-5)
    #expect(stack.parameters.contains { $0.path == "layers.1.layer.cell.forget.weight" })
  }
}
