/// Means and deviations of columns, summed up row by row.
struct Spread {
  private var sums, squares: [Double]
  private var rows = 0.0

  /// Of so many columns.
  init(columns: Int) {
    sums = [Double](repeating: 0, count: columns)
    squares = sums
  }

  /// Counts some rows, one after the other.
  mutating func add(_ values: some Collection<Float>) {
    for (i, value) in values.enumerated() {
      sums[i % sums.count] += Double(value)
      squares[i % sums.count] += Double(value) * Double(value)
    }
    rows += Double(values.count / sums.count)
  }

  /// Of each column; 0 where there is no row.
  var means: [Float] { sums.map { Float($0 / max(1, rows)) } }

  /// Standard deviations; 1 for a column without any.
  var deviations: [Float] {
    zip(sums, squares).map { sum, square in
      let mean = sum / max(1, rows)
      let deviation = Float(max(0, square / max(1, rows) - mean * mean).squareRoot())
      return deviation > 1e-6 && deviation.isFinite ? deviation : 1
    }
  }
}
