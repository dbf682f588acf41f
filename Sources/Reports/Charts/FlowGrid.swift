import Foundation

/// Norms over time steps, a curve for each watched update, in a grid of few cells: columns are updates, rows are time
/// steps.
package struct FlowGrid {
  /// log₁₀ of the geometric mean of a cell's norms, by row and column, the first time step first: −∞ where all are 0,
  /// nil where there is no norm.
  package let cells: [[Double?]]
  /// The first update of each column, and the first time step, from 1, of each row.
  package let updates: [Int]
  package let steps: [Int]
  /// The lowest and highest colour. More than 12 powers of ten are not told apart.
  package let range: ClosedRange<Double>

  /// A grid of at most so many columns and rows. Neighbours share a cell where there are more.
  package init(_ curves: [(update: Int, norms: [Double])], columns most: Int = 120, rows: Int = 80) {
    let length = curves.map(\.norms.count).max() ?? 0
    let (columnCount, rowCount) = (min(most, curves.count), min(rows, length))
    var sums = [[Double]](repeating: [Double](repeating: 0, count: columnCount), count: rowCount)
    var counts = [[Int]](repeating: [Int](repeating: 0, count: columnCount), count: rowCount)
    var zeros = counts
    for (index, curve) in curves.enumerated() {
      let column = index * columnCount / curves.count
      for (step, norm) in curve.norms.enumerated() where norm.isFinite {
        let row = step * rowCount / length
        if norm > 0 {
          sums[row][column] += log10(norm)
          counts[row][column] += 1
        } else {
          zeros[row][column] += 1
        }
      }
    }
    cells = (0..<rowCount).map { row in
      (0..<columnCount).map { column in
        let count = counts[row][column]
        return count > 0 ? sums[row][column] / Double(count) : zeros[row][column] > 0 ? -.infinity : nil
      }
    }
    // The smallest index that falls into a column or row.
    updates = (0..<columnCount).map { curves[($0 * curves.count + columnCount - 1) / columnCount].update }
    steps = (0..<rowCount).map { ($0 * length + rowCount - 1) / rowCount + 1 }
    let known = cells.joined().compactMap { $0 }.filter(\.isFinite)
    let highest = known.max() ?? 0
    let lowest = max(known.min() ?? -1, highest - 12)
    // Half a power of ten at least: noise alone should not look like a flow.
    range = min(lowest, highest - 0.5)...highest
  }

  /// A cell's place in the range, from 0 to 1.
  package func share(_ value: Double) -> Double {
    min(1, max(0, (value - range.lowerBound) / (range.upperBound - range.lowerBound)))
  }
}
