import Recurrence
import Tensors
import TestSupport
import Testing

/// What belongs to a sequence and is the same at all its time steps, and matrices that each sequence has for itself.
@Suite struct ContextTests {
  /// A step that uses contexts in every way: in a product, elementwise, as keys that are scored and averaged, as a mask
  /// without a gradient; and that has a matrix as a part of its state.
  struct Network: Sendable {
    static let (input, hidden, keys, topic) = (4, 3, 5, 2)
    let mix, query, gate: Parameter
    let step: StepFunction

    init(using random: inout RandomSource) {
      let (input, hidden, keys, topic) = (Self.input, Self.hidden, Self.keys, Self.topic)
      let mix = Parameter(random.uniform([hidden, hidden + input + topic + hidden], in: -0.7...0.7))
      let query = Parameter(random.uniform([hidden, hidden + topic], in: -0.7...0.7))
      let gate = Parameter(random.uniform([hidden, topic], in: -0.7...0.7))
      (self.mix, self.query, self.gate) = (mix, query, gate)
      step = StepFunction(
        inputWidths: [input], stateWidths: [hidden, hidden * hidden],
        contexts: [.init(width: topic), .init(width: keys * hidden), .init(width: keys, hasGradient: false)]
      ) { arguments in
        let (x, h, memory) = (arguments.inputs[0], arguments.states[0], arguments.states[1])
        let (topic, keys, mask) = (arguments.contexts[0], arguments.contexts[1], arguments.contexts[2])
        let asked = matmul(concatenated(h, topic), query.tensor, transposeB: true)
        let weights = softmax(rowwiseProduct(keys, tanh(asked))) * mask
        let read = rowwiseProduct(keys, weights, transposed: true)
        let all = concatenated(h, x, topic, read + rowwiseProduct(memory, h, transposed: true))
        let new =
          tanh(matmul(all, mix.tensor, transposeB: true)) * sigmoid(matmul(topic, gate.tensor, transposeB: true))
        let written = 0.5 * memory + rowwiseOuterProduct(new, h)
        return ([new + 0.1 * topic.features(0..<1), weights], [new, written])
      }
    }
  }

  struct Problem {
    let network: Network
    let unroller: Unroller
    let layout: Layout
    let leaves: [Tensor]
    let mask: Tensor

    init(_ lengths: [Int], seed: UInt64 = 5) {
      var random = RandomSource(seed: seed)
      network = Network(using: &random)
      unroller = Unroller(network.step)
      layout = Layout(lengths: lengths)
      let batch = lengths.count
      leaves = [
        random.uniform([layout.rowCount, Network.input]), random.uniform([batch, Network.hidden]),
        random.uniform([batch, Network.hidden * Network.hidden]), random.uniform([batch, Network.topic]),
        random.uniform([batch, Network.keys * Network.hidden]),
      ]
      mask = random.dropoutMask([batch, Network.keys], rate: 0.3)
    }

    func run(
      _ leaves: [Tensor], _ unrolling: Unrolling, _ checkpointing: Checkpointing = .none
    ) -> [Tensor] {
      let result = unroller(
        [leaves[0]], states: [leaves[1], leaves[2]], contexts: [leaves[3], leaves[4], mask], layout: layout, unrolling,
        checkpointing: checkpointing)
      return result.outputs + result.states
    }

    static func loss(_ results: [Tensor]) -> Tensor {
      var weights = RandomSource(seed: 6)
      let terms = results.map { ($0 * weights.uniform($0.shape)).sum() }
      return terms.dropFirst().reduce(terms[0], +)
    }

    /// Results, then gradients of leaves and parameters.
    func outcome(_ unrolling: Unrolling, _ checkpointing: Checkpointing = .none) -> [Tensor] {
      let tape = Tape()
      let watched = leaves.map(tape.watch)
      let (results, loss) = Recording.$current.withValue(.tape(tape)) {
        let results = run(watched, unrolling, checkpointing)
        return (results, Self.loss(results))
      }
      let cotangents = tape.cotangents(from: [(loss, Tensor([1]).reshaped(to: []))])
      let parameters = [network.mix, network.query, network.gate].map { parameter in
        tape.parameters.first { $0.parameter === parameter }!.index
      }
      let places = watched.map { tape.index(of: $0)! } + parameters
      return results.map(\.detached) + places.map { cotangents[$0] ?? .zeros([1]) }
    }
  }

  private func expectEqual(_ a: [Tensor], _ b: [Tensor], _ message: String, within tolerance: Float = 1e-5) {
    #expect(a.count == b.count)
    for (i, (x, y)) in zip(a, b).enumerated() {
      #expect(x.shape == y.shape)
      for (u, v) in zip(x.values, y.values) where abs(u - v) > tolerance * max(1, abs(v)) {
        Issue.record("\(message): tensor \(i), \(u) and \(v)")
        break
      }
    }
  }

  @Test(arguments: PassSet.allSubsets, [[4, 0, 2], [3]])
  func compiledEqualsStepwise(passes: PassSet, lengths: [Int]) {
    let problem = Problem(lengths)
    let expected = problem.outcome(.stepwise)
    expectEqual(problem.outcome(.compiled(passes)), expected, "\(passes)")
    expectEqual(problem.outcome(.compiled(passes), .every(2)), expected, "\(passes), checkpoints")
  }

  @Test func manyShardsAndBlocks() {
    let problem = Problem((0..<40).map { 3 + $0 % 11 } + [70, 0, 41])
    expectEqual(problem.outcome(.compiled), problem.outcome(.stepwise), "43 sequences", within: 1e-4)
  }

  @Test func gradientsEqualFiniteDifferences() {
    let problem = Problem([3, 0, 2])
    let comparisons = compareGradients(leaves: problem.leaves) { Problem.loss(problem.run($0, .stepwise)) }
    #expect(comparisons.count == 8)
    for comparison in comparisons { #expect(comparison.error < 1e-4, "\(comparison.name): \(comparison.error)") }
  }

  /// A sequence's context is its own: alone it computes what it computes among others.
  @Test func sequencesDoNotMeet() {
    let lengths = [2, 5, 0, 3, 1, 5, 4]
    let problem = Problem(lengths)
    let together = problem.unroller(
      [problem.leaves[0]], states: Array(problem.leaves[1...2]),
      contexts: Array(problem.leaves[3...]) + [problem.mask], layout: problem.layout)
    let whole = SequenceBatch(rows: problem.leaves[0], layout: problem.layout)
    for i in lengths.indices {
      func own(_ tensor: Tensor) -> Tensor { tensor.gatheringRows([Int32(i)]) }
      let alone = problem.unroller(
        [whole.sequence(i)], states: problem.leaves[1...2].map(own),
        contexts: problem.leaves[3...].map(own) + [own(problem.mask)], layout: Layout(lengths: [lengths[i]]))
      for (a, b) in zip(alone.outputs, together.outputs) {
        #expect(a == whole.replacingRows(with: b).sequence(i))
      }
      for (a, b) in zip(alone.states, together.states) { #expect(a == own(b)) }
    }
  }

  @Test func streamsKeepTheirContext() {
    let problem = Problem([6])
    let contexts = Array(problem.leaves[3...]) + [problem.mask]
    let whole = problem.unroller(
      [problem.leaves[0]], states: Array(problem.leaves[1...2]), contexts: contexts, layout: problem.layout)
    var stream = problem.unroller.stream(from: Array(problem.leaves[1...2]), contexts: contexts, precision: .float32)
    let inputs = problem.leaves[0].values
    for t in 0..<6 {
      // A fork of the third step goes on by itself.
      if t == 3 { stream = stream.forked() }
      let row = Array(inputs[t * Network.input..<(t + 1) * Network.input])
      let output = row.withUnsafeBufferPointer { stream.push($0.baseAddress!) }
      let expected = whole.outputs[0].rows(t..<t + 1).values
      #expect(Array(UnsafeBufferPointer(start: output, count: Network.hidden)) == expected, "step \(t)")
    }
  }

  @Test func equationsShowContextsAndMatrices() {
    let graph = Problem([1]).unroller.plan().history[0].graph
    let text = graph.equations(names: StepNames(states: ["hidden", "memory"], parameters: [:]))
    for part in ["softmax(context 1·tanh(", "context 1ᵀ·y₂ + mᵀ·h", "m′ = 0.5 × m + h′·hᵀ"] {
      #expect(text.contains(part), "\(part) in \(text)")
    }
    #expect(graph.description.contains("row matrices timesVectors"))
  }
}
