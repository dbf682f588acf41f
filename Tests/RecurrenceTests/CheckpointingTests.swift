import Networks
import Recurrence
import Tensors
import TestSupport
import Testing

/// Checkpoints cost time and save memory; what is computed stays the same.
@Suite struct CheckpointingTests {
  static let ways: [Checkpointing] = [.every(1), .every(2), .every(3), .every(100), .squareRoot]

  /// Outputs and states bit for bit, gradients up to the order of sums.
  private func expectEqual(
    _ actual: Outcome, _ expected: Outcome, states: Int, source: SourceLocation = #_sourceLocation
  ) {
    for (a, b) in zip(actual.named, expected.named).prefix(1 + states) {
      #expect(a.tensor == b.tensor, "\(a.name)", sourceLocation: source)
    }
    let worst = actual.difference(to: expected)
    #expect(worst.error < 1e-5, "\(worst)", sourceLocation: source)
  }

  @Test(arguments: TestCell.all, TestLengths.all)
  func checkpointsChangeNothing(cell: TestCell, lengths: TestLengths) {
    let (layer, batch, state) = UnrollingTests.setUp(cell, lengths.lengths)
    let expected = outcome(of: layer, on: batch, from: state, .compiled)
    for way in Self.ways {
      let actual = outcome(of: layer, on: batch, from: state, .compiled, checkpointing: way)
      expectEqual(actual, expected, states: state.parts.count)
    }
  }

  /// Passes decide what is kept and recomputed; the segments are right for all of them.
  @Test(arguments: TestCell.all, PassSet.allSubsets)
  func everySubsetOfPassesMayBeCheckpointed(cell: TestCell, passes: PassSet) {
    let (layer, batch, state) = UnrollingTests.setUp(cell, [4, 0, 2, 5])
    let expected = outcome(of: layer, on: batch, from: state, .compiled(passes))
    let actual = outcome(of: layer, on: batch, from: state, .compiled(passes), checkpointing: .every(2))
    expectEqual(actual, expected, states: state.parts.count)
  }

  /// Many shards, some of which are over long before the last segment; rows beyond a block.
  @Test(arguments: TestCell.all)
  func wideLayersAndLongSequences(cell: TestCell) {
    var random = RandomSource(seed: 51)
    let layer = cell.layer(input: 37, hidden: 50, using: &random)
    let lengths = (0..<40).map { 3 + $0 % 11 } + [70, 0, 41]
    let batch = SequenceBatch.random(lengths: lengths, features: 37, using: &random)
    let state = layer.initialState(batch: lengths.count).randomised(using: &random)
    let expected = outcome(of: layer, on: batch, from: state, .compiled)
    for way in [Checkpointing.every(13), .squareRoot] {
      let actual = outcome(of: layer, on: batch, from: state, .compiled, checkpointing: way)
      expectEqual(actual, expected, states: state.parts.count)
    }
  }

  @Test(arguments: TestCell.all)
  func stacksWithDropout(cell: TestCell) {
    var random = RandomSource(seed: 52)
    let lower = cell.layer(input: 5, hidden: 6, using: &random)
    let stack = Stack([lower, cell.layer(input: lower.outputSize, hidden: 3, using: &random)], dropout: 0.4)
    let batch = SequenceBatch.random(lengths: [9, 2, 0, 5, 7], features: 5, using: &random)
    let state = stack.initialState(batch: 5).randomised(using: &random)
    let masks = RandomSource(seed: 53)
    let expected = outcome(of: stack, on: batch, from: state, .compiled, dropout: masks)
    let actual = outcome(of: stack, on: batch, from: state, .compiled, checkpointing: .every(4), dropout: masks)
    expectEqual(actual, expected, states: state.parts.count)
  }

  /// Without a gradient, and in plain steps, there is nothing to save.
  @Test func otherWaysOfRunningAreNotChanged() {
    let (layer, batch, state) = UnrollingTests.setUp(TestCell.all[2], [4, 0, 2])
    let stepwise = outcome(of: layer, on: batch, from: state, .stepwise)
    let same = outcome(of: layer, on: batch, from: state, .stepwise, checkpointing: .every(1))
    for (a, b) in zip(stepwise.named, same.named) { #expect(a.tensor == b.tensor, "\(a.name)") }
    var (usual, checkpointed) = (Evaluation.inference, Evaluation(checkpointing: .every(1)))
    let result = layer(batch, from: state, in: &checkpointed)
    #expect(result.output.rows == layer(batch, from: state, in: &usual).output.rows)
  }

  /// Chunks with carried state, each with checkpoints, are the whole sequence; the gradient flows through all of them.
  @Test(arguments: TestCell.all.filter { !$0.description.contains("backward") })
  func carriedStates(cell: TestCell) {
    var random = RandomSource(seed: 54)
    let layer = cell.layer(input: 5, hidden: 3, using: &random)
    let chunks = [[5, 5, 5], [7, 2, 0]].map { SequenceBatch.random(lengths: $0, features: 5, using: &random) }
    let initial = layer.initialState(batch: 3).randomised(using: &random)
    func run(_ checkpointing: Checkpointing) -> (value: Float, gradients: Gradients) {
      valueAndGradient(of: layer) {
        var evaluation = Evaluation(checkpointing: checkpointing)
        let first = layer(chunks[0], from: initial, in: &evaluation)
        let second = layer(chunks[1], from: first.state, in: &evaluation)
        let sum = square(first.output.rows).sum() + square(second.output.rows).sum()
        return second.state.parts.reduce(sum) { $0 + square($1.tensor).sum() }
      }
    }
    let (expected, actual) = (run(.none), run(.every(2)))
    #expect(expected.value == actual.value)
    for named in layer.parameters {
      let (a, b) = (expected.gradients[named.parameter], actual.gradients[named.parameter])
      let scale = max(1e-2, a?.values.map(abs).max() ?? 0)
      let difference = zip(a?.values ?? [], b?.values ?? []).map { abs($0 - $1) }.max() ?? 0
      #expect(a?.shape == b?.shape && difference < 1e-5 * scale, "\(named.path)")
    }
  }

  /// A loss of the last state, or of the outputs, alone: what nothing depends on has no cotangent.
  @Test(arguments: TestCell.all, [true, false])
  func lossesOfAPart(cell: TestCell, readsOutputs: Bool) {
    let (layer, batch, state) = UnrollingTests.setUp(cell, [6, 0, 3])
    func gradients(_ checkpointing: Checkpointing) -> Gradients {
      valueAndGradient(of: layer) {
        var evaluation = Evaluation(checkpointing: checkpointing)
        let result = layer(batch, from: state, in: &evaluation)
        return square(readsOutputs ? result.output.rows : result.state.parts[0].tensor).sum()
      }.gradients
    }
    let (expected, actual) = (gradients(.none), gradients(.every(2)))
    for named in layer.parameters {
      let (a, b) = (expected[named.parameter], actual[named.parameter])
      let difference = zip(a?.values ?? [], b?.values ?? []).map { abs($0 - $1) }.max() ?? 0
      #expect(a?.shape == b?.shape && difference < 1e-5 * max(1e-2, a?.values.map(abs).max() ?? 0), "\(named.path)")
    }
  }

  @Test(arguments: TestCell.all)
  func threadsDoNotChangeABit(cell: TestCell) {
    var random = RandomSource(seed: 55)
    let layer = cell.layer(input: 20, hidden: 40, using: &random)
    let batch = SequenceBatch.random(lengths: (0..<50).map { $0 % 9 }, features: 20, using: &random)
    let state = layer.initialState(batch: 50).randomised(using: &random)
    let turn = ThreadTurn()
    defer { turn.end() }
    let outcomes = [1, 2, 3].map { threads -> Outcome in
      Threads.count = threads
      return outcome(of: layer, on: batch, from: state, .compiled, checkpointing: .every(3))
    }
    for other in outcomes.dropFirst() {
      for (a, b) in zip(outcomes[0].named, other.named) { #expect(a.tensor == b.tensor, "\(a.name)") }
    }
  }

  /// The point of it: floats that a tape keeps of an LSTM over 400 steps, beside its inputs and outputs, are those of
  /// the states between segments.
  @Test func littleIsKept() {
    var random = RandomSource(seed: 56)
    let (time, hidden) = (400, 16)
    let layer = Recurrent(LSTM(inputSize: 3, hiddenSize: hidden, using: &random))
    let batch = SequenceBatch.random(lengths: [time], features: 3, using: &random)
    func kept(_ checkpointing: Checkpointing) -> Int {
      let tape = Tape()
      let output = Recording.$current.withValue(.tape(tape)) {
        layer(batch, from: layer.cell.initialState(batch: 1), checkpointing: checkpointing).output.rows
      }
      var storages: [ObjectIdentifier: Int] = [:]
      for case .composite(let operation, _, _) in tape.entries { collect(operation, into: &storages) }
      storages[ObjectIdentifier(batch.rows.storage)] = nil
      storages[ObjectIdentifier(output.storage)] = nil
      for parameter in layer.parameters { storages[ObjectIdentifier(parameter.parameter.value.storage)] = nil }
      return storages.values.reduce(0, +)
    }
    let weights = 4 * (hidden * (hidden + 3) + hidden)
    // Four gates, the cell, and what the gates are computed from.
    #expect(kept(.none) >= time * 5 * hidden)
    #expect((20 * 2 * hidden...20 * 2 * hidden + weights).contains(kept(.squareRoot)))
    #expect((4 * 2 * hidden...4 * 2 * hidden + weights).contains(kept(.every(100))))
    #expect(kept(.every(time)) == kept(.none))
  }

  /// Sizes of the memory that a value holds, wherever in it.
  private func collect(_ value: Any, into storages: inout [ObjectIdentifier: Int]) {
    if let storage = value as? Storage { storages[ObjectIdentifier(storage)] = storage.count }
    let mirror = Mirror(reflecting: value)
    guard mirror.displayStyle != .class else { return }
    for child in mirror.children { collect(child.value, into: &storages) }
  }

  @Test func atEveryNoStepIsAMistake() async {
    let result = await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      var random = RandomSource(seed: 1)
      let layer = Recurrent(LSTM(inputSize: 2, hiddenSize: 3, using: &random))
      _ = valueAndGradient(of: layer) {
        layer(SequenceBatch([[[1, 2]]]), from: layer.cell.initialState(batch: 1), checkpointing: .every(0))
          .output.rows.sum()
      }
    }
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(text.contains("checkpointing") && text.contains("every 0"), "\(text)")
  }
}
