import Tensors

/// A batch of sequences of feature vectors that knows its lengths.
///
///     SequenceBatch([[[1, 2], [3, 4]], [[5, 6]]])   // two sequences of 2 features, lengths 2 and 1
///
/// Seen from outside it is a padded array [time, batch, features]; inside, only real time steps are stored, as packed
/// ``rows`` [rows, features]. There is no padding to mask, and none is ever computed. Lengths differ freely, in any
/// order; 0 is legal.
public struct SequenceBatch: Sendable {
  /// The real time steps, packed: [sum of the lengths, features]. Layers that look at one time step alone work on
  /// these.
  public let rows: Tensor
  /// Lengths, and where each step stands.
  public let layout: Layout

  /// A batch from packed rows. Traps when their number is not the sum of the lengths.
  public init(rows: Tensor, layout: Layout) {
    demand(
      rows.shape.rank == 2 && rows.shape[0] == layout.rowCount,
      "SequenceBatch: rows \(rows.shape) do not fit lengths \(layout.lengths)")
    self.rows = rows
    self.layout = layout
  }

  /// A batch from a padded array [time, batch, features] and lengths [batch]; what stands behind a length is ignored.
  ///
  /// Traps when a length is negative or greater than `time`.
  public init(values: Tensor, lengths: [Int]) {
    let shape = values.shape
    demand(
      shape.rank == 3 && shape[1] == lengths.count && lengths.allSatisfy { $0 >= 0 && $0 <= shape[0] },
      "SequenceBatch: values \(shape) do not fit lengths \(lengths)")
    let layout = Layout(lengths: lengths)
    let flat = values.reshaped(to: [shape[0] * shape[1], shape[2]])
    self.init(rows: flat.gatheringRows(layout.paddedIndex.map(Int32.init)), layout: layout)
  }

  /// A batch of sequences without values, their lengths alone: for layers that read nothing but their own output, or a
  /// context. Traps when a length is negative.
  public init(lengths: [Int]) {
    let layout = Layout(lengths: lengths)
    self.init(rows: .zeros([layout.rowCount, 0]), layout: layout)
  }

  /// A batch of sequences, each an array of feature vectors. Traps when vectors differ in length.
  public init(_ sequences: [[[Float]]]) {
    let features = sequences.lazy.flatMap { $0 }.first?.count ?? 0
    let layout = Layout(lengths: sequences.map(\.count))
    var values: [Float] = []
    for index in layout.paddedIndex {
      let (time, sequence) = index.quotientAndRemainder(dividingBy: sequences.count)
      let vector = sequences[sequence][time]
      demand(
        vector.count == features,
        "SequenceBatch: \(vector.count) features at time step \(time) of sequence \(sequence), \(features) elsewhere")
      values += vector
    }
    self.init(rows: Tensor(shape: [layout.rowCount, features], values: values), layout: layout)
  }

  /// Lengths in time steps, [batch].
  public var lengths: [Int] { layout.lengths }
  /// Values in a time step.
  public var features: Int { rows.shape[1] }

  /// The padded array [time, batch, features], zeros behind each length.
  public var values: Tensor {
    let indices = Indices(layout.paddedIndex.map(Int32.init))
    return rows.applying(.scatter(indices, rows: layout.time * layout.batch))
      .reshaped(to: [layout.time, layout.batch, features])
  }

  /// The time steps of one sequence, [length, features]. Traps when there is no such sequence.
  public func sequence(_ index: Int) -> Tensor {
    demand(lengths.indices.contains(index), "SequenceBatch: sequence \(index) of \(layout.batch)")
    let packed = layout.packedIndex
    return rows.gatheringRows((0..<lengths[index]).map { Int32(packed[$0 * layout.batch + index]) })
  }

  /// Some of the sequences, by their numbers, in the order given; one may be asked for several times. Traps when there
  /// is no such sequence.
  public func sequences(_ numbers: [Int]) -> SequenceBatch {
    if let number = numbers.first(where: { !lengths.indices.contains($0) }) {
      mistake("SequenceBatch: sequence \(number) of \(layout.batch)")
    }
    let (packed, batch) = (layout.packedIndex, layout.batch)
    let chosen = Layout(lengths: numbers.map { lengths[$0] })
    let source = chosen.paddedIndex.map { index in
      Int32(packed[index / chosen.batch * batch + numbers[index % chosen.batch]])
    }
    return SequenceBatch(rows: rows.gatheringRows(source), layout: chosen)
  }

  /// The batch with other rows of the same layout.
  public func replacingRows(with rows: Tensor) -> SequenceBatch { SequenceBatch(rows: rows, layout: layout) }

  /// The batch with a function applied to its packed rows [rows, features].
  public func mapRows(_ transform: (Tensor) throws -> Tensor) rethrows -> SequenceBatch {
    try replacingRows(with: transform(rows))
  }

  /// Returns the batch with each sequence reversed within its own length. Reversing twice gives the same batch.
  public func reversed() -> SequenceBatch {
    let packed = layout.packedIndex
    let source = layout.paddedIndex.map { index -> Int32 in
      let (t, b) = (index / layout.batch, index % layout.batch)
      return Int32(packed[(layout.lengths[b] - 1 - t) * layout.batch + b])
    }
    return replacingRows(with: rows.gatheringRows(source))
  }
}

/// A batch of sequences of tokens (whole numbers, such as characters of a vocabulary) that knows its lengths.
///
///     TokenBatch([[4, 7, 1], [2]])
public struct TokenBatch: Sendable, Hashable {
  /// The tokens, packed in the order of ``SequenceBatch/rows``.
  public let tokens: [Int32]
  /// Lengths, and where each token stands.
  public let layout: Layout

  /// A batch of token sequences.
  public init(_ sequences: [[Int32]]) {
    layout = Layout(lengths: sequences.map(\.count))
    tokens = layout.paddedIndex.map { sequences[$0 % sequences.count][$0 / sequences.count] }
  }

  /// A batch from tokens [time, batch], time first, all of the same length. Traps when their number is not
  /// time · batch.
  public init(tokens: [Int32], time: Int, batch: Int) {
    demand(tokens.count == time * batch, "TokenBatch: \(tokens.count) tokens for \(time) x \(batch)")
    self.init(tokens: tokens, layout: Layout(time: time, batch: batch))
  }

  /// A batch from packed tokens, in the order of ``SequenceBatch/rows``. Traps when their number is not the sum of the
  /// lengths.
  public init(packed tokens: [Int32], layout: Layout) {
    demand(
      tokens.count == layout.rowCount, "TokenBatch: \(tokens.count) tokens do not fit lengths \(layout.lengths)")
    self.tokens = tokens
    self.layout = layout
  }

  /// A batch from tokens [layout.time, layout.batch], time first, in a known layout of equal lengths.
  package init(tokens: [Int32], layout: Layout) {
    self.layout = layout
    self.tokens = layout.paddedIndex.map { tokens[$0] }
  }
}
