import Tensors

/// Some time steps of every sequence of a batch, as a batch of its own, and where its rows stand in the whole.
struct Segment {
  let layout: Layout
  /// Rows that are contiguous in both, one piece a shard.
  private let pieces: [(whole: Int, own: Int, count: Int)]

  init(of whole: Layout, steps: Range<Int>) {
    let layout = whole.segment(steps)
    self.layout = layout
    pieces = zip(whole.shards, layout.shards).compactMap { shard, own in
      guard steps.lowerBound < shard.active.count else { return nil }
      return (shard.firstRow + shard.offsets[steps.lowerBound], own.firstRow, own.active.reduce(0, +))
    }
  }

  /// Copies the segment's rows of a whole batch [rows, width] into a buffer for the segment.
  func read(_ whole: Tensor, into own: Storage) {
    let width = whole.shape.last
    for piece in pieces {
      (own.floats + piece.own * width)
        .update(from: whole.storage.floats + piece.whole * width, count: piece.count * width)
    }
  }

  /// The other way: copies a segment's rows to their places in a whole batch that is being filled.
  func write(_ own: Storage, into whole: Tensor) {
    let width = whole.shape.last
    for piece in pieces {
      (whole.storage.floats + piece.whole * width)
        .update(from: own.floats + piece.own * width, count: piece.count * width)
    }
  }
}
