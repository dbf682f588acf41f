import Tensors

/// How the axes of a network's parameters are made of its widths: the numbers of units that a wider network has more
/// of.
///
/// An axis is a row of blocks, each of one of the widths, then what does not grow: the columns of a layer on [h, x] are
/// a block of h and, where x is two directions of the layer below, two more. Nobody has to say how many: the shapes
/// that parameters have at a few widths tell. Blocks stand in the order of the widths, where nothing else is said, as
/// [vector, h] has the same shape as [h, vector].
///
///     let axes = UnitAxes(of: 2) { widths in
///       Recurrent(GRU(inputSize: widths[1], hiddenSize: widths[0], using: &random))
///     }
public struct UnitAxes: Sendable {
  /// One axis: the width of each block, and values that do not grow.
  struct Axis: Hashable {
    let blocks: [Int]
    let rest: Int

    func size(at widths: [Int]) -> Int { blocks.reduce(rest) { $0 + widths[$1] } }

    /// For each place at the new widths the same place at the old ones; nil: it is a new unit's.
    func origins(from old: [Int], to new: [Int]) -> [Int?] {
      var (origins, first): ([Int?], Int) = ([], 0)
      for width in blocks {
        origins += (0..<new[width]).map { $0 < old[width] ? first + $0 : nil }
        first += old[width]
      }
      return origins + (first..<first + rest).map { $0 }
    }
  }

  /// By the parameter's path.
  private let axes: [String: [Axis]]
  private let count: Int

  /// Reads the axes off networks of some small widths. Nil when the parameters' shapes are no sums of widths.
  ///
  /// - Parameters:
  ///   - count: The number of widths.
  ///   - orders: What stands in another order than that of the widths: for the beginning of parameters' paths, the
  ///     widths of blocks as they stand. A longer beginning comes before a shorter one.
  ///   - make: A network of any widths, always with the same parameters.
  public init?(of count: Int, orders: [String: [[Int]]] = [:], _ make: ([Int]) throws -> any Module) rethrows {
    // Widths that differ, so that no layer takes a special form where two are equal.
    let base = (0..<count).map { 3 + 2 * $0 }
    let known = try make(base).parameters
    var found = known.map { [[Int]](repeating: [], count: $0.parameter.shape.rank) }
    for width in 0..<count {
      var widths = base
      let more = 10 * (width + 1)
      widths[width] += more
      let wider = try make(widths).parameters
      guard wider.map(\.path) == known.map(\.path) else { return nil }
      for (i, (small, large)) in zip(known, wider).enumerated() {
        let (before, after) = (small.parameter.shape, large.parameter.shape)
        guard before.rank == after.rank else { return nil }
        for axis in 0..<before.rank {
          guard (after[axis] - before[axis]) % more == 0 else { return nil }
          found[i][axis].append((after[axis] - before[axis]) / more)
        }
      }
    }
    var axes: [String: [Axis]] = [:]
    for (named, blocks) in zip(known, found) {
      guard blocks.allSatisfy({ $0.allSatisfy { $0 >= 0 } }) else { return nil }
      let stated = orders.filter { named.path.hasPrefix($0.key) }.sorted { $0.key.count > $1.key.count }
        .flatMap(\.value)
      let own = blocks.enumerated().map { axis, counts in
        let usual = counts.enumerated().flatMap { [Int](repeating: $0, count: $1) }
        return Axis(
          blocks: stated.first { $0.sorted() == usual } ?? usual,
          rest: zip(counts, base).reduce(named.parameter.shape[axis]) { $0 - $1.0 * $1.1 })
      }
      guard own.allSatisfy({ $0.rest >= 0 }) else { return nil }
      axes[named.path] = own
    }
    self.axes = axes
    self.count = count
  }

  /// The axes of a parameter; nil when it has others at these widths.
  func axes(of named: NamedParameter, at widths: [Int]) -> [Axis]? {
    guard widths.count == count, let own = axes[named.path], own.count == named.parameter.shape.rank else { return nil }
    return zip(own, 0...).allSatisfy { $0.size(at: widths) == named.parameter.shape[$1] } ? own : nil
  }
}
