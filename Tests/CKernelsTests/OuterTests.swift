import CKernels
import Testing

@Suite struct OuterTests {
  private func run(
    _ table: KernelTable, _ a: Matrix, _ b: Matrix, lengths: [Int], columns: Range<Int>, into c: Matrix,
    accumulate: Bool, sums: UnsafeMutablePointer<Float>? = nil
  ) -> Bool {
    var segments: [ur_segment] = []
    var row = 0
    for length in lengths {
      segments.append(
        ur_segment(
          a: a.start + row * a.stride + columns.lowerBound, b: b.start + row * b.stride, rows: length))
      row += length
    }
    let scratch = Guarded(count: ur_outer_scratch(table.pointer, b.columns), aligned: true)
    table.kernels.outer(
      columns.count, b.columns, segments, segments.count, a.stride, b.stride, c.start + columns.lowerBound * c.stride,
      c.stride, accumulate, sums, scratch.start)
    return scratch.isUntouchedOutside && c.isUntouchedOutside
  }

  @Test(arguments: KernelTable.all, [false, true])
  func equalsFloat64(table: KernelTable, accumulate: Bool) {
    let (tile, panel) = (table.tile, table.panel)
    for (m, n) in [
      (1, 1), (tile - 1, panel), (2 * tile + 1, panel + 3), (11 * tile + 2, 2 * panel - 1), (0, 4), (3, 0),
    ] {
      for lengths in [[], [0], [5], [1, 0, 3, 2], [200, 100, 0, 7], [300]] {
        let rows = lengths.reduce(0, +)
        let a = Matrix(rows, m, stride: m + 2, seed: 1)
        let b = Matrix(rows, n, stride: n + 1, seed: 2)
        let c = Matrix(m, n, stride: n + 4, seed: 3)
        let before = c.copy()
        let contained = run(table, a, b, lengths: lengths, columns: 0..<m, into: c, accumulate: accumulate)
        let error = c.largestError { i, j in
          var value = accumulate ? Double(before[i, j]) : 0
          var scale = abs(value)
          for row in 0..<rows {
            let term = Double(a[row, i]) * Double(b[row, j])
            value += term
            scale += abs(term)
          }
          return (value, scale)
        }
        #expect(error < 2e-6 && contained, "\(table): \(m) x \(n), rows \(lengths)")
      }
    }
  }

  /// The sums of A's columns that come with it are those of `column_sum`, bit for bit.
  @Test(arguments: KernelTable.all)
  func columnSumsComeAlong(table: KernelTable) {
    let (m, n) = (2 * table.tile + 1, table.panel + 2)
    let a = Matrix(600, m, stride: m + 3, seed: 1)
    let b = Matrix(600, n, seed: 2)
    let c = Matrix(m, n)
    var expected = [Float](repeating: 0.5, count: m)
    let sums = Guarded(count: m, aligned: false)
    for i in 0..<m { sums.start[i] = 0.5 }
    #expect(run(table, a, b, lengths: [257, 0, 343], columns: 0..<m, into: c, accumulate: false, sums: sums.start))
    table.kernels.column_sum(600, m, a.start, a.stride, &expected, true)
    #expect((0..<m).map { sums.start[$0] } == expected && sums.isUntouchedOutside, "\(table)")
  }

  @Test(arguments: KernelTable.all)
  func neitherSegmentsNorColumnsChangeABit(table: KernelTable) {
    let (m, n) = (3 * table.tile + 1, table.panel + 5)
    let a = Matrix(523, m, seed: 1)
    let b = Matrix(523, n, seed: 2)
    let whole = Matrix(m, n)
    _ = run(table, a, b, lengths: [523], columns: 0..<m, into: whole, accumulate: false)
    for lengths in [[1, 522], [256, 267], [100, 0, 200, 223]] {
      let parts = Matrix(m, n)
      _ = run(table, a, b, lengths: lengths, columns: 0..<table.tile, into: parts, accumulate: false)
      _ = run(table, a, b, lengths: lengths, columns: table.tile..<m, into: parts, accumulate: false)
      #expect(parts.bits == whole.bits, "\(table): \(lengths)")
    }
  }
}
