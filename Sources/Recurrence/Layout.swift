import Tensors

/// Where each time step of each sequence of a batch stands in memory: packed, without padding.
///
/// The rows (sequences) of a batch are dealt to *shards*, longest first; a shard is run by one thread from the first
/// time step to the last and needs nobody else. Inside a shard the packed rows stand time step by time step, and the
/// sequences that are still running are a prefix of its rows. Shards depend on batch and lengths alone, never on the
/// machine.
public final class Layout: Sendable, Hashable {
  /// Length of each sequence in time steps, in the caller's order; 0 is legal.
  public let lengths: [Int]
  /// The largest length.
  public let time: Int
  /// Number of packed rows: the sum of the lengths.
  public let rowCount: Int
  package let shards: [Shard]
  /// The sequences (numbers in the caller's order) in shard order.
  package let order: [Int]
  /// For each packed row: time step · batch + sequence, its place in a padded [time, batch] array.
  package let paddedIndex: [Int]

  package struct Shard: Sendable {
    /// The first sequence's place in `order`, and their number.
    package let firstSequence: Int
    package let sequences: Int
    /// The first packed row.
    package let firstRow: Int
    /// Sequences running at each time step.
    package let active: [Int]
    /// First packed row of each time step, counted from the shard's first.
    package let offsets: [Int]
    package let lengths: [Int]
  }

  /// Number of sequences.
  public var batch: Int { lengths.count }

  /// The layout for sequences of these lengths. Traps on a negative one.
  public convenience init(lengths: [Int]) {
    demand(lengths.allSatisfy { $0 >= 0 }, "a sequence has a negative length: \(lengths)")
    let byLength = lengths.indices.sorted { (lengths[$0], $1) > (lengths[$1], $0) }
    let count = Self.shardCount(batch: lengths.count)
    self.init(
      lengths: lengths,
      deals: (0..<count).map { shard in
        stride(from: shard, to: byLength.count, by: max(1, count)).map { byLength[$0] }
      })
  }

  /// The layout with a given deal of the sequences to shards, longest first in each.
  private init(lengths: [Int], deals: [[Int]]) {
    self.lengths = lengths
    time = lengths.max() ?? 0
    rowCount = lengths.reduce(0, +)
    order = deals.flatMap { $0 }
    var (sequence, row) = (0, 0)
    var shards: [Shard] = []
    var paddedIndex: [Int] = []
    paddedIndex.reserveCapacity(rowCount)
    for deal in deals {
      let own = deal.map { lengths[$0] }
      let active = (0..<(own.first ?? 0)).map { t in own.prefix { $0 > t }.count }
      var offset = 0
      let offsets = active.map { n in
        defer { offset += n }
        return offset
      }
      for (t, n) in active.enumerated() {
        for sequence in deal.prefix(n) { paddedIndex.append(t * lengths.count + sequence) }
      }
      shards.append(
        Shard(
          firstSequence: sequence, sequences: deal.count, firstRow: row, active: active, offsets: offsets, lengths: own)
      )
      sequence += deal.count
      row += offset
    }
    self.shards = shards
    self.paddedIndex = paddedIndex
  }

  /// The time steps `steps` of every sequence as a layout of its own, with the same sequences in the same shards: a
  /// shard's rows of these steps are contiguous here and there.
  func segment(_ steps: Range<Int>) -> Layout {
    Layout(
      lengths: lengths.map { min(max($0 - steps.lowerBound, 0), steps.count) },
      deals: shards.map { Array(order[$0.firstSequence..<$0.firstSequence + $0.sequences]) })
  }

  /// All sequences of one length.
  public convenience init(time: Int, batch: Int) { self.init(lengths: [Int](repeating: time, count: batch)) }

  /// About 16 sequences a shard: enough to keep the product kernel busy; at least two shards, for two threads.
  private static func shardCount(batch: Int) -> Int { min(batch, max(2, batch / 16)) }

  /// Packed row of each place of a padded [time, batch] array; -1 where there is padding.
  package var packedIndex: [Int] {
    var packed = [Int](repeating: -1, count: time * batch)
    for (row, index) in paddedIndex.enumerated() { packed[index] = row }
    return packed
  }

  /// Layouts of equal lengths are equal (a segment of another layout may hold them in another order).
  public static func == (a: Layout, b: Layout) -> Bool { a === b || (a.lengths == b.lengths && a.order == b.order) }
  /// Hashes the lengths.
  public func hash(into hasher: inout Hasher) { hasher.combine(lengths) }
}
