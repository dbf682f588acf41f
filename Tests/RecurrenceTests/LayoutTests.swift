import Networks
import Recurrence
import Tensors
import TestSupport
import Testing

/// Lengths for the laws of layouts and batches: those of the recurrences' laws, none at all, and random ones.
private let manyLengths: [[Int]] = {
  var random = RandomSource(seed: 41)
  let others = (0..<12).map { _ in
    (0..<random.integer(below: 90)).map { _ in max(0, random.integer(below: 9) - 2) }
  }
  return TestLengths.all.map(\.lengths) + [[], [0]] + others
}()

@Suite struct LayoutTests {
  /// A shard holds its sequences longest first; packed row by packed row they stand time step by time step.
  @Test(arguments: manyLengths)
  func shardsHoldEveryRowOnce(lengths: [Int]) {
    let layout = Layout(lengths: lengths)
    #expect(layout.rowCount == lengths.reduce(0, +))
    #expect(layout.time == lengths.max() ?? 0)
    #expect(layout.order.sorted() == Array(lengths.indices))
    var (row, sequence) = (0, 0)
    for shard in layout.shards {
      #expect(shard.firstRow == row)
      #expect(shard.firstSequence == sequence)
      let own = (0..<shard.sequences).map { layout.order[sequence + $0] }
      #expect(shard.lengths == own.map { lengths[$0] })
      #expect(shard.lengths == shard.lengths.sorted(by: >))
      for t in shard.active.indices {
        #expect(shard.firstRow + shard.offsets[t] == row)
        let running = own.filter { lengths[$0] > t }
        #expect(shard.active[t] == running.count)
        #expect(running == Array(own.prefix(running.count)))
        for b in running {
          #expect(layout.paddedIndex[row] == t * lengths.count + b)
          row += 1
        }
      }
      sequence += shard.sequences
    }
    #expect(row == layout.rowCount)
    #expect(sequence == lengths.count)
  }

  /// Two threads have work as soon as there are two sequences, and long sequences are spread over the shards.
  @Test func shardsAreEven() {
    #expect(Layout(lengths: [4]).shards.count == 1)
    #expect(Layout(lengths: [4, 1]).shards.count == 2)
    let shards = Layout(lengths: (0..<64).map { $0 }).shards
    #expect(shards.count == 4)
    let rows = shards.map { $0.lengths.reduce(0, +) }
    #expect(rows.max()! - rows.min()! <= 64)
  }

  @Test(arguments: manyLengths)
  func packedAndPaddedPlacesAreInverse(lengths: [Int]) {
    let layout = Layout(lengths: lengths)
    let packed = layout.packedIndex
    for (row, index) in layout.paddedIndex.enumerated() { #expect(packed[index] == row) }
    for (index, row) in packed.enumerated() {
      let (t, b) = index.quotientAndRemainder(dividingBy: layout.batch)
      #expect((row >= 0) == (t < lengths[b]))
    }
  }

  @Test func layoutsAreEqualByLengths() {
    #expect(Layout(lengths: [2, 2]) == Layout(time: 2, batch: 2))
    #expect(Layout(lengths: [2, 2]).hashValue == Layout(time: 2, batch: 2).hashValue)
    #expect(Layout(lengths: [1, 2]) != Layout(lengths: [2, 1]))
    #expect(Layout(lengths: [0]) != Layout(lengths: []))
  }
}

@Suite struct SequenceBatchTests {
  @Test(arguments: manyLengths)
  func paddedAndPackedGoRound(lengths: [Int]) {
    var random = RandomSource(seed: 42)
    let batch = SequenceBatch.random(lengths: lengths, features: 3, using: &random)
    let padded = batch.values
    #expect(padded.shape == [batch.layout.time, lengths.count, 3])
    #expect(SequenceBatch(values: padded, lengths: lengths).rows == batch.rows)
    for b in lengths.indices {
      let sequence = batch.sequence(b)
      #expect(sequence.shape == [lengths[b], 3])
      for t in 0..<batch.layout.time {
        for feature in 0..<3 {
          #expect(padded[t, b, feature] == (t < lengths[b] ? sequence[t, feature] : 0))
        }
      }
    }
  }

  /// Time may be longer than the longest sequence.
  @Test func paddedTimeMayBeLonger() {
    let batch = SequenceBatch(values: .ones([5, 2, 1]), lengths: [2, 0])
    #expect(batch.rows == .ones([2, 1]))
    #expect(batch.values.shape == [2, 2, 1])
  }

  @Test(arguments: manyLengths)
  func reversalKeepsLengthsAndIsItsOwnInverse(lengths: [Int]) {
    var random = RandomSource(seed: 43)
    let batch = SequenceBatch.random(lengths: lengths, features: 2, using: &random)
    let reversed = batch.reversed()
    #expect(reversed.lengths == lengths)
    #expect(reversed.reversed().rows == batch.rows)
    for b in lengths.indices {
      let backwards = (0..<lengths[b]).reversed().map(Int32.init)
      #expect(reversed.sequence(b) == batch.sequence(b).gatheringRows(backwards))
    }
  }

  @Test func sequencesOfVectorsStandWhereTheyShould() {
    let batch = SequenceBatch([[[1, 2], [3, 4]], [], [[5, 6]]])
    #expect(batch.lengths == [2, 0, 1])
    #expect(batch.features == 2)
    #expect(batch.values.values == [1, 2, 0, 0, 5, 6, 3, 4, 0, 0, 0, 0])
    #expect(batch.sequence(0) == Tensor([[1, 2], [3, 4]]))
    #expect(batch.mapRows { $0 * 10 }.sequence(2) == Tensor([[50, 60]]))
  }

  @Test func tokensStandWhereVectorsDo() {
    let sequences: [[Int32]] = [[4, 7, 1], [], [2], [5, 6]]
    let tokens = TokenBatch(sequences)
    let vectors = SequenceBatch(sequences.map { $0.map { [Float($0)] } })
    #expect(tokens.layout == vectors.layout)
    #expect(tokens.tokens.map(Float.init) == vectors.rows.values)
    let streams = TokenBatch(tokens: [1, 2, 3, 4, 5, 6], time: 2, batch: 3)
    #expect(streams == TokenBatch([[1, 4], [2, 5], [3, 6]]))
  }

  @Test func emptyBatchesAreBatches() {
    let none = SequenceBatch([])
    #expect(none.lengths.isEmpty && none.rows.shape == [0, 0])
    #expect(none.reversed().values.shape == [0, 0, 0])
    #expect(TokenBatch([]).tokens.isEmpty)
    #expect(SequenceBatch(values: .zeros([0, 2, 3]), lengths: [0, 0]).values.shape == [0, 2, 3])
  }

  /// Reversal, padding and the choice of a sequence only move values: the gradient of each value is its own weight.
  @Test func gradientsFindTheirWayBack() throws {
    var random = RandomSource(seed: 44)
    let lengths = [2, 0, 4, 1]
    let layout = Layout(lengths: lengths)
    let weights = random.uniform([4, 4, 2])
    let tape = Tape()
    let rows = tape.watch(random.uniform([7, 2]))
    let loss = Recording.$current.withValue(.tape(tape)) {
      let batch = SequenceBatch(rows: rows, layout: layout)
      return (batch.reversed().values * weights).sum() + (batch.sequence(2) * 100).sum()
    }
    let cotangents = tape.cotangents(from: [(loss, .ones(loss.shape))])
    let index = try #require(tape.index(of: rows))
    let gradient = SequenceBatch(rows: try #require(cotangents[index]), layout: layout)
    for b in lengths.indices {
      for t in 0..<lengths[b] {
        for feature in 0..<2 {
          let expected = weights[lengths[b] - 1 - t, b, feature] + (b == 2 ? 100 : 0)
          #expect(abs(gradient.sequence(b)[t, feature] - expected) < 1e-4)
        }
      }
    }
  }

  /// A batch without sequences runs through every cell, forwards and backwards, and gives empty results and zero gradients.
  @Test(arguments: TestCell.all, [Unrolling.compiled, .stepwise])
  func recurrencesRunOverNoSequences(cell: TestCell, unrolling: Unrolling) {
    var random = RandomSource(seed: 45)
    let layer = cell.layer(input: 5, hidden: 3, using: &random)
    let batch = SequenceBatch.random(lengths: [], features: 5, using: &random)
    let result = outcome(of: layer, on: batch, from: layer.initialState(batch: 0), unrolling)
    #expect(result.named[0].tensor.shape == [0, layer.outputSize])
    for (name, tensor) in result.named { #expect(tensor.values.allSatisfy { $0 == 0 }, "\(name)") }
  }
}
