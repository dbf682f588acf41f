import Tensors

/// Examples in batches of similar length, in an order that is mixed anew each epoch.
///
/// The examples are shuffled, cut into pools of `pool` batches, sorted by length inside each, and cut into batches,
/// which are shuffled again: a batch holds sequences of about the same length, and no epoch has the same batches.
public enum LengthBatches {
  /// Numbers of examples in batches of `batch`, one of them of what is left, by their lengths. The same `random` gives
  /// the same batches.
  ///
  ///     LengthBatches.shuffled([3, 9, 4, 8], batch: 2, using: &random)   // such as [[1, 3], [0, 2]]
  public static func shuffled(
    _ lengths: [Int], batch: Int, pool: Int = 40, using random: inout RandomSource
  ) -> [[Int]] {
    demand(batch > 0 && pool > 0, "LengthBatches: batches of \(batch), pools of \(pool)")
    let order = random.permutation(lengths.count)
    let batches = stride(from: 0, to: order.count, by: batch * pool).flatMap { first -> [[Int]] in
      let own = order[first..<min(order.count, first + batch * pool)].sorted { (lengths[$0], $0) < (lengths[$1], $1) }
      return stride(from: 0, to: own.count, by: batch).map { Array(own[$0..<min(own.count, $0 + batch)]) }
    }
    return random.permutation(batches.count).map { batches[$0] }
  }

  /// Numbers of examples in batches of at most `batch`, longest last, for measuring: as little work as can be.
  public static func sorted(_ lengths: [Int], batch: Int) -> [[Int]] {
    let order = lengths.indices.sorted { (lengths[$0], $0) < (lengths[$1], $1) }
    return stride(from: 0, to: order.count, by: batch).map { Array(order[$0..<min(order.count, $0 + batch)]) }
  }
}
