import Networks
import Recurrence
import Tensors
import TestSupport
import Testing

/// The laws that every way of running a recurrence obeys, over all cells.
@Suite struct UnrollingTests {
  /// Input and hidden sizes differ, and neither is a multiple of a vector.
  static func setUp(_ cell: TestCell, _ lengths: [Int]) -> (any SequenceLayer, SequenceBatch, LayerState) {
    var random = RandomSource(seed: 7)
    let layer = cell.layer(input: 5, hidden: 3, using: &random)
    let batch = SequenceBatch.random(lengths: lengths, features: 5, using: &random)
    return (layer, batch, layer.initialState(batch: lengths.count).randomised(using: &random))
  }

  @Test(arguments: TestCell.all, TestLengths.all)
  func compiledEqualsStepwise(cell: TestCell, lengths: TestLengths) {
    let (layer, batch, state) = Self.setUp(cell, lengths.lengths)
    let expected = outcome(of: layer, on: batch, from: state, .stepwise)
    let actual = outcome(of: layer, on: batch, from: state, .compiled)
    let worst = actual.difference(to: expected)
    #expect(worst.error < 1e-5, "\(worst)")
  }

  /// Two layers with dropout between them: the same masks, the same values and gradients.
  @Test(arguments: TestCell.all, TestLengths.all)
  func compiledEqualsStepwiseWithDropout(cell: TestCell, lengths: TestLengths) {
    var random = RandomSource(seed: 17)
    let lower = cell.layer(input: 5, hidden: 6, using: &random)
    let stack = Stack([lower, cell.layer(input: lower.outputSize, hidden: 3, using: &random)], dropout: 0.4)
    let batch = SequenceBatch.random(lengths: lengths.lengths, features: 5, using: &random)
    let state = stack.initialState(batch: lengths.lengths.count).randomised(using: &random)
    let masks = RandomSource(seed: 18)
    let expected = outcome(of: stack, on: batch, from: state, .stepwise, dropout: masks)
    let actual = outcome(of: stack, on: batch, from: state, .compiled, dropout: masks)
    let worst = actual.difference(to: expected)
    // Rows of three values are normalised by their own deviation: rounding grows with it.
    #expect(worst.error < (cell.description.contains("norm") ? 5e-5 : 1e-5), "\(worst)")
    let other = outcome(of: stack, on: batch, from: state, .compiled, dropout: RandomSource(seed: 19))
    #expect(batch.layout.rowCount == 0 || other.difference(to: expected).error > 1e-3, "the masks had no effect")
  }

  /// Passes are optimisations only: a plan is right with any of them left out.
  @Test(arguments: TestCell.all, PassSet.allSubsets)
  func everySubsetOfPassesEqualsStepwise(cell: TestCell, passes: PassSet) {
    let (layer, batch, state) = Self.setUp(cell, [4, 0, 2])
    let expected = outcome(of: layer, on: batch, from: state, .stepwise)
    let actual = outcome(of: layer, on: batch, from: state, .compiled(passes))
    let worst = actual.difference(to: expected)
    #expect(worst.error < 1e-5, "\(passes): \(worst)")
  }

  /// Larger than a tile of the pointwise kernels and than the blocks of rows outside the loop.
  @Test(arguments: TestCell.all)
  func compiledEqualsStepwiseForWideLayers(cell: TestCell) {
    var random = RandomSource(seed: 8)
    let layer = cell.layer(input: 37, hidden: 150, using: &random)
    let batch = SequenceBatch.random(
      lengths: [(0..<33).map { 9 + $0 % 11 }, [70]].flatMap { $0 }, features: 37, using: &random)
    let state = layer.initialState(batch: 34).randomised(using: &random)
    let expected = outcome(of: layer, on: batch, from: state, .stepwise)
    let worst = outcome(of: layer, on: batch, from: state, .compiled).difference(to: expected)
    #expect(worst.error < 2e-4, "\(worst)")
  }

  /// Without a gradient another program runs, which keeps less: the values must be the same, bit for bit.
  @Test(arguments: TestCell.all, TestLengths.all)
  func inferenceEqualsTraining(cell: TestCell, lengths: TestLengths) {
    let (layer, batch, state) = Self.setUp(cell, lengths.lengths)
    let training = outcome(of: layer, on: batch, from: state, .compiled)
    var evaluation = Evaluation.inference
    let result = layer(batch, from: state, in: &evaluation)
    #expect(result.output.rows == training.named[0].tensor)
    for (i, part) in result.state.parts.enumerated() { #expect(part.tensor == training.named[1 + i].tensor) }
  }

  /// Contract 3: what one sequence computes depends on no other, on no order and on no padding.
  @Test(arguments: TestCell.all)
  func sequencesDoNotMeet(cell: TestCell) {
    let lengths = [2, 5, 0, 3, 1, 5, 4, 4, 2]
    let (layer, batch, state) = Self.setUp(cell, lengths)
    var evaluation = Evaluation.inference
    let together = layer(batch, from: state, in: &evaluation)
    for i in lengths.indices {
      let alone = SequenceBatch(rows: batch.sequence(i), layout: Layout(lengths: [lengths[i]]))
      let result = layer(alone, from: state.rows([i]), in: &evaluation)
      #expect(result.output.rows == together.output.sequence(i), "sequence \(i)")
      for (part, whole) in zip(result.state.parts, together.state.parts) {
        #expect(part.tensor == whole.tensor.gatheringRows([Int32(i)]), "\(part.name) of sequence \(i)")
      }
    }
  }

  @Test func paddingIsIgnored() {
    var random = RandomSource(seed: 3)
    let values = random.uniform([4, 3, 2])
    var other = values
    for (t, b) in [(2, 0), (3, 0), (0, 1), (3, 1), (3, 2)] { other[t, b, 1] = .nan }
    let lengths = [2, 0, 3]
    #expect(SequenceBatch(values: values, lengths: lengths).rows == SequenceBatch(values: other, lengths: lengths).rows)
    let back = SequenceBatch(values: values, lengths: lengths).values
    #expect(back[1, 0, 1] == values[1, 0, 1])
    #expect(back[2, 0, 1] == 0)
  }

  @Test func sequencesAreChosenByNumber() {
    var random = RandomSource(seed: 4)
    let batch = SequenceBatch.random(lengths: [2, 0, 5, 3], features: 2, using: &random)
    let numbers = [3, 2, 3, 1, 0, 2, 2]
    let chosen = batch.sequences(numbers)
    #expect(chosen.lengths == [3, 5, 3, 0, 2, 5, 5])
    for (i, number) in numbers.enumerated() { #expect(chosen.sequence(i) == batch.sequence(number)) }
  }

  /// Contract 4: a sequence in chunks with carried state is the whole sequence, and so is its gradient as long as the state
  /// is not cut off.
  @Test(arguments: TestCell.all.filter { !$0.description.contains("backward") }, [1, 2, 3, 7])
  func chunksEqualTheWhole(cell: TestCell, chunk: Int) {
    let (layer, batch, state) = Self.setUp(cell, [7, 7])
    let whole = loss(layer, [batch], state)
    let steps = (0..<7).map { t in
      SequenceBatch(
        rows: batch.rows.gatheringRows(
          [0, 1].map { b in
            Int32(batch.layout.packedIndex[t * 2 + b])
          }), layout: Layout(time: 1, batch: 2))
    }
    let chunks = stride(from: 0, to: 7, by: chunk).map { first -> SequenceBatch in
      let own = steps[first..<min(7, first + chunk)]
      let layout = Layout(time: own.count, batch: 2)
      // Steps' rows are by sequence; the layout of the chunk says where each belongs.
      let all = own.flatMap(\.rows.values)
      let rows = layout.paddedIndex.flatMap { all[$0 * 5..<$0 * 5 + 5] }
      return SequenceBatch(rows: Tensor(shape: [layout.rowCount, 5], values: rows), layout: layout)
    }
    let parts = loss(layer, chunks, state)
    #expect(abs(whole.value - parts.value) < 1e-4)
    for named in layer.parameters {
      let (a, b) = (whole.gradients[named.parameter], parts.gradients[named.parameter])
      let difference = zip(a?.values ?? [], b?.values ?? []).map { abs($0 - $1) }.max() ?? 0
      #expect(difference < 1e-4, "\(named.path)")
    }
  }

  private func loss(_ layer: any SequenceLayer, _ chunks: [SequenceBatch], _ state: LayerState) -> (
    value: Float, gradients: Gradients
  ) {
    valueAndGradient(of: layer) {
      var state = state
      var evaluation = Evaluation.inference
      var total = Tensor([0])
      for chunk in chunks {
        let result = layer(chunk, from: state, in: &evaluation)
        state = result.state
        total = total + square(result.output.rows).sum()
      }
      return state.parts.reduce(total) { $0 + square($1.tensor).sum() }
    }
  }

  /// Contract 5, as far as one process can show it.
  @Test(arguments: TestCell.all)
  func threadsDoNotChangeABit(cell: TestCell) {
    var random = RandomSource(seed: 5)
    let layer = cell.layer(input: 20, hidden: 40, using: &random)
    let batch = SequenceBatch.random(lengths: (0..<50).map { $0 % 9 }, features: 20, using: &random)
    let state = layer.initialState(batch: 50).randomised(using: &random)
    let turn = ThreadTurn()
    defer { turn.end() }
    let outcomes = [1, 2, 3].map { threads -> Outcome in
      Threads.count = threads
      return outcome(of: layer, on: batch, from: state, .compiled)
    }
    for other in outcomes.dropFirst() {
      for (a, b) in zip(outcomes[0].named, other.named) { #expect(a.tensor == b.tensor, "\(a.name)") }
    }
  }

  /// One sequence is run by a team of threads, each with a share of the columns: no bit changes, whether the team stays
  /// together or is dissolved on the way, and whether members keep the same units of all gates (192) or not (200).
  @Test(arguments: TestCell.all, [192, 200])
  func teamsDoNotChangeABit(cell: TestCell, hidden: Int) {
    var random = RandomSource(seed: 6)
    let layer = cell.layer(input: 30, hidden: hidden, using: &random)
    let batch = SequenceBatch.random(lengths: [60], features: 30, using: &random)
    let state = layer.initialState(batch: 1).randomised(using: &random)
    let turn = ThreadTurn()
    defer { turn.end() }
    let outcomes = [1, 2, 3, 2].map { threads -> Outcome in
      Threads.count = threads
      return outcome(of: layer, on: batch, from: state, .compiled)
    }
    for other in outcomes.dropFirst() {
      for (a, b) in zip(outcomes[0].named, other.named) { #expect(a.tensor == b.tensor, "\(a.name)") }
    }
  }

  /// Cells that work unit by unit between their products meet before a product that reads what others wrote, and
  /// nowhere else; a cell that mixes units otherwise meets before every instruction.
  @Test(arguments: [("LSTM", [1, 1, 1]), ("GRU", [2, 2, 2]), ("GRU, reset after", [1, 1, 1]), ("Elman", [1, 1, 1])])
  func teamsMeetSeldom(name: String, expected: [Int]) throws {
    var random = RandomSource(seed: 7)
    let cell = try #require(TestCell.all.first { $0.description == name })
    for hidden in [192, 200] {
      let layer = try #require(cell.layer(input: 30, hidden: hidden, using: &random) as? any RecurrentLayer)
      let schedules = layer.unroller.plan().teamSchedules
      if hidden % Kernels.active.table.pointee.panel == 0 {
        #expect(schedules.map(\.units) == [hidden, hidden, hidden])
        #expect(schedules.map { $0.meets.filter { $0 }.count } == expected)
      } else {
        #expect(schedules.allSatisfy { $0.units == nil && !$0.meets.contains(false) })
      }
    }
  }

  /// The adjoint that leaves the inputs' cotangents out gives the same gradients of everything else.
  @Test(arguments: TestCell.all)
  func inputsThatNobodyAsksForChangeNothing(cell: TestCell) {
    var random = RandomSource(seed: 8)
    let layer = cell.layer(input: 5, hidden: 12, using: &random)
    let batch = SequenceBatch.random(lengths: [4, 0, 7], features: 5, using: &random)
    for checkpointing in [Checkpointing.none, .every(3)] {
      var gradients: [Gradients] = []
      for isWatched in [false, true] {
        let input = Parameter(batch.rows)
        gradients.append(
          valueAndGradient(of: layer) {
            var evaluation = Evaluation(unrolling: .compiled, checkpointing: checkpointing, random: nil)
            let rows = isWatched ? input.tensor : batch.rows
            let state = layer.initialState(batch: 3)
            let result = layer(batch.replacingRows(with: rows), from: state, in: &evaluation)
            return (result.output.rows * result.output.rows).sum()
          }.gradients)
      }
      for named in layer.parameters {
        #expect(gradients[0][named.parameter] == gradients[1][named.parameter], "\(named.path)")
      }
    }
  }
}
