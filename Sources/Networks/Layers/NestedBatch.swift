import Recurrence
import Tensors

/// A batch of sequences that knows its layout: ``SequenceBatch``, ``TokenBatch``.
public protocol LaidOut: Sendable {
  /// Lengths, and where each time step stands.
  var layout: Layout { get }
}

extension SequenceBatch: LaidOut {}
extension TokenBatch: LaidOut {}

/// Sequences of elements that are sequences themselves: documents of sentences of words of characters, any number of
/// levels.
///
///     let words = NestedBatch([[[4, 7, 1], [2]], [], [[9, 9]]])   // sentences of words of characters: 3 of 2, 0 and 1
///     words.parts.lengths                   // [3, 1, 2]: each word is a sequence of the finest level
///     words.levels[0].layout.lengths        // [2, 0, 1]
///     words.grouped(by: [2, 1])             // the three sentences are in two documents
///     words.mapParts { embed($0) }          // characters as vectors: what a ``Hierarchical`` layer takes
///
/// The sequences of a level stand in the order of what they are elements of: all of the first sequence above, in time
/// order, then those of the second. An element may have no parts, a sequence no elements.
public struct NestedBatch<Parts: LaidOut>: Sendable {
  /// Sequences of elements, each a sequence of the level below.
  public struct Level: Sendable {
    /// How many elements each sequence has.
    public let layout: Layout
    /// What is known of each element beside its parts, such as a word's own vector beside its characters.
    public var features: SequenceBatch?
  }
  /// The finest level: one sequence for each element of the first of ``levels``.
  public let parts: Parts
  /// The levels above, finest first.
  public let levels: [Level]

  /// A batch of one level above the parts or more, finest first. Traps when a level has another number of elements than
  /// there are sequences below it.
  public init(_ parts: Parts, in levels: [Layout]) {
    self.init(parts, levels: levels.map { Level(layout: $0) })
  }

  private init(_ parts: Parts, levels: [Level]) {
    demand(!levels.isEmpty, "NestedBatch: no level above the parts")
    for (i, level) in levels.enumerated() {
      let below = i == 0 ? parts.layout.batch : levels[i - 1].layout.batch
      demand(
        level.layout.rowCount == below,
        "NestedBatch: level \(i) has \(level.layout.rowCount) elements, and there are \(below) sequences below it")
    }
    self.parts = parts
    self.levels = levels
  }

  /// The batch with a further level on top: sequences of `lengths` elements, which are the sequences of the level that
  /// was the highest.
  public func grouped(by lengths: [Int]) -> NestedBatch {
    NestedBatch(parts, levels: levels + [Level(layout: Layout(lengths: lengths))])
  }

  /// The batch with features beside the parts of the elements of level `level`. Traps when their lengths are not the
  /// level's.
  public func adding(_ features: SequenceBatch, toLevel level: Int = 0) -> NestedBatch {
    demand(levels.indices.contains(level), "NestedBatch: features for level \(level) of \(levels.count)")
    let layout = levels[level].layout
    demand(
      features.layout == layout,
      "NestedBatch: features of lengths \(features.lengths) for level \(level), which has \(layout.lengths)")
    var levels = levels
    levels[level].features = features
    return NestedBatch(parts, levels: levels)
  }

  /// The batch with other parts in the same places: `batch.mapParts { embed($0) }`.
  public func mapParts<New>(_ transform: (Parts) throws -> New) rethrows -> NestedBatch<New> {
    NestedBatch<New>(try transform(parts), levels: levels.map { .init(layout: $0.layout, features: $0.features) })
  }
}

extension NestedBatch<TokenBatch> {
  /// Sequences of elements of tokens: sentences of words of characters.
  public init(_ sequences: [[[Int32]]]) {
    self.init(TokenBatch(sequences.flatMap { $0 }), in: [Layout(lengths: sequences.map(\.count))])
  }
}

extension NestedBatch<SequenceBatch> {
  /// Sequences of elements of feature vectors.
  public init(_ sequences: [[[[Float]]]]) {
    self.init(SequenceBatch(sequences.flatMap { $0 }), in: [Layout(lengths: sequences.map(\.count))])
  }
}
