import CKernels
import Foundation
import Testing

@Suite struct ReductionTests {
  static let sizes = [(0, 3), (4, 0), (1, 1), (3, 5), (40, 16), (2, 33), (13, 200)]

  @Test(arguments: KernelTable.all, sizes)
  func columnsAndRows(table: KernelTable, size: (rows: Int, columns: Int)) {
    let (rows, columns) = size
    let x = Matrix(rows, columns, stride: columns + 3, seed: 1)
    for accumulate in [false, true] {
      let sums = Matrix(1, columns, seed: 2)
      let before = sums.copy()
      table.kernels.column_sum(rows, columns, x.start, x.stride, sums.start, accumulate)
      let error = sums.largestError { _, j in
        ((accumulate ? Double(before[0, j]) : 0) + (0..<rows).reduce(0) { $0 + Double(x[$1, j]) }, Double(rows) + 1)
      }
      #expect(error < 1e-6 && sums.isUntouchedOutside, "\(table) \(size)")
    }
    let sums = Matrix(rows, 1, stride: 3)
    table.kernels.row_sum(rows, columns, x.start, x.stride, sums.start, sums.stride)
    let error = sums.largestError { i, _ in ((0..<columns).reduce(0) { $0 + Double(x[i, $1]) }, Double(columns) + 1) }
    #expect(error < 1e-6 && sums.isUntouchedOutside, "\(table) \(size)")
  }

  @Test(arguments: KernelTable.all)
  func columnSumsContinue(table: KernelTable) {
    let x = Matrix(23, 75, seed: 3)
    let (whole, parts) = (Matrix(1, 75), Matrix(1, 75))
    table.kernels.column_sum(23, 75, x.start, 75, whole.start, false)
    table.kernels.column_sum(9, 75, x.start, 75, parts.start, false)
    table.kernels.column_sum(14, 75, x.start + 9 * 75, 75, parts.start, true)
    #expect(whole.bits == parts.bits)
  }

  @Test(arguments: KernelTable.all, [0, 1, 15, 16, 1000, 4097])
  func totalsAreInFloat64(table: KernelTable, count: Int) {
    let x = Matrix(1, count, seed: 5)
    let values = (0..<count).map { Double(x[0, $0]) }
    #expect(abs(table.kernels.sum(count, x.start) - values.reduce(0, +)) <= 1e-12 * Double(count))
    let squares = values.reduce(0) { $0 + $1 * $1 }
    #expect(abs(table.kernels.sum_of_squares(count, x.start) - squares) <= 1e-12 * Double(count))
  }

  @Test(arguments: KernelTable.all, sizes + [(37, 70)])
  func transpose(table: KernelTable, size: (rows: Int, columns: Int)) {
    let x = Matrix(size.rows, size.columns, stride: size.columns + 1, seed: 6)
    let y = Matrix(size.columns, size.rows, stride: size.rows + 2)
    table.kernels.transpose(x.rows, x.columns, x.start, x.stride, y.start, y.stride)
    #expect(y.largestError { i, j in (Double(x[j, i]), 1) } == 0 && y.isUntouchedOutside)
  }
}
