import CKernels
import Foundation
import Testing

@Suite struct RowFunctionTests {
  static let sizes = [(0, 3), (1, 1), (3, 5), (4, 16), (2, 33), (3, 200)]

  private func probabilities(_ x: Matrix, _ row: Int) -> [Double] {
    let values = (0..<x.columns).map { Double(x[row, $0]) }
    let top = values.max() ?? 0
    let powers = values.map { exp($0 - top) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
  }

  @Test(arguments: KernelTable.all, sizes)
  func softmax(table: KernelTable, size: (rows: Int, columns: Int)) {
    let (rows, columns) = size
    // The difference to the row's maximum rounds to 4e-6 here, and so does the exponential.
    let x = Matrix(rows, columns, stride: columns + 2, seed: 1, range: -20...90)
    let expected = (0..<rows).map { probabilities(x, $0) }
    let y = Matrix(rows, columns, stride: columns + 1)
    table.kernels.softmax(rows, columns, x.start, x.stride, y.start, y.stride)
    #expect(y.largestError { (expected[$0][$1], expected[$0][$1]) } < 5e-6 && y.isUntouchedOutside)
    table.kernels.log_softmax(rows, columns, x.start, x.stride, y.start, y.stride)
    #expect(y.largestError { (log(expected[$0][$1]), 1 + abs(log(expected[$0][$1]))) } < 1e-6 && y.isUntouchedOutside)
    table.kernels.softmax(rows, columns, x.start, x.stride, x.start, x.stride)
    #expect(x.largestError { (expected[$0][$1], expected[$0][$1]) } < 5e-6 && x.isUntouchedOutside)
  }

  /// Rows far from zero, too, and in place.
  @Test(arguments: KernelTable.all, sizes)
  func normalize(table: KernelTable, size: (rows: Int, columns: Int)) {
    let (rows, columns) = size
    let epsilon: Float = 1e-3
    let x = Matrix(rows, columns, stride: columns + 2, seed: 1, range: 3...9)
    let g = Matrix(rows, columns, stride: columns + 1, seed: 2)
    let y = Matrix(rows, columns, stride: columns + 3)
    func mean(_ value: (Int) -> Double) -> Double { (0..<columns).reduce(0) { $0 + value($1) } / Double(columns) }
    let scaled = (0..<rows).map { row in
      let middle = mean { Double(x[row, $0]) }
      let variance = mean { pow(Double(x[row, $0]) - middle, 2) }
      let scale = 1 / (variance + Double(epsilon)).squareRoot()
      return (scale: scale, values: (0..<columns).map { (Double(x[row, $0]) - middle) * scale })
    }
    let gradients = (0..<rows).map { row in
      let (middle, along) = (mean { Double(g[row, $0]) }, mean { Double(g[row, $0]) * scaled[row].values[$0] })
      return (0..<columns).map { scaled[row].scale * (Double(g[row, $0]) - middle - scaled[row].values[$0] * along) }
    }
    table.kernels.normalize(rows, columns, x.start, x.stride, epsilon, y.start, y.stride)
    #expect(y.largestError { (scaled[$0].values[$1], 1 + scaled[$0].scale) } < 2e-6 && y.isUntouchedOutside)
    let d = Matrix(rows, columns, stride: columns + 4)
    table.kernels.normalize_gradient(
      rows, columns, x.start, x.stride, g.start, g.stride, epsilon, d.start, d.stride)
    #expect(d.largestError { (gradients[$0][$1], 1 + scaled[$0].scale) } < 5e-6 && d.isUntouchedOutside)
    table.kernels.normalize_gradient(
      rows, columns, x.start, x.stride, g.start, g.stride, epsilon, g.start, g.stride)
    #expect(g.bits == d.bits && g.isUntouchedOutside)
    table.kernels.normalize(rows, columns, x.start, x.stride, epsilon, x.start, x.stride)
    #expect(x.bits == y.bits && x.isUntouchedOutside)
  }

  @Test(arguments: KernelTable.all, [(1, 1, false), (4, 5, true), (5, 16, false), (7, 45, true)])
  func crossEntropy(table: KernelTable, setting: (rows: Int, columns: Int, inPlace: Bool)) {
    let (rows, columns, inPlace) = setting
    let x = Matrix(rows, columns, stride: columns + 2, seed: 1, range: -5...5)
    let expected = (0..<rows).map { probabilities(x, $0) }
    let targets = (0..<rows).map { Int32($0 % 3 == 2 ? -1 : $0 * 3 % columns) }
    let losses = Guarded(count: rows)
    let y = inPlace ? x : Matrix(rows, columns, stride: columns + 1)
    table.kernels.cross_entropy(rows, columns, x.start, x.stride, targets, losses.start, y.start, y.stride)
    for (row, target) in targets.enumerated() {
      let loss = target < 0 ? 0 : -log(expected[row][Int(target)])
      #expect(abs(Double(losses.values[row]) - loss) < 2e-6, "\(table): row \(row)")
    }
    let error = y.largestError { (targets[$0] < 0 ? 0 : expected[$0][$1], 1) }
    #expect(error < 1e-6 && y.isUntouchedOutside && losses.isUntouchedOutside)

    let scale = Matrix(rows, 1, seed: 2)
    let gradient = inPlace ? y : Matrix(rows, columns, stride: columns + 3)
    table.kernels.cross_entropy_gradient(
      rows, columns, y.start, y.stride, targets, scale.start, gradient.start, gradient.stride)
    let gradientError = gradient.largestError { i, j in
      let indicator = Int(targets[i]) == j ? 1.0 : 0
      return (targets[i] < 0 ? 0 : Double(scale[i, 0]) * (expected[i][j] - indicator), 1)
    }
    #expect(gradientError < 1e-6 && gradient.isUntouchedOutside)
  }

  /// Whole rows in pieces of any width give the probabilities of the whole.
  @Test(arguments: KernelTable.all, [(1, 1, 1), (4, 50, 16), (3, 200, 200), (5, 45, 7)])
  func scoresInPieces(table: KernelTable, setting: (rows: Int, columns: Int, width: Int)) {
    let (rows, columns, width) = setting
    let x = Matrix(rows, columns, stride: columns + 2, seed: 1, range: -20...90)
    let expected = (0..<rows).map { probabilities(x, $0) }
    let targets = (0..<rows).map { Int32($0 % 3 == 2 ? -1 : ($0 * 7 + columns / 2) % columns) }
    let (tops, sums) = (
      Guarded([Float](repeating: -.infinity, count: rows)), Guarded([Float](repeating: 0, count: rows))
    )
    // A piece that holds nothing possible changes nothing, wherever it comes.
    let nothing = Guarded([Float](repeating: -.infinity, count: rows * 3))
    for first in stride(from: 0, to: columns, by: width) {
      table.kernels.exp_sums(rows, 3, nothing.start, 3, tops.start, sums.start)
      table.kernels.exp_sums(rows, min(width, columns - first), x.start + first, x.stride, tops.start, sums.start)
    }
    for row in 0..<rows {
      let values = (0..<columns).map { Double(x[row, $0]) }
      let top = values.max() ?? 0
      let sum = values.map { exp($0 - top) }.reduce(0, +)
      #expect(Double(tops.values[row]) == top && abs(Double(sums.values[row]) / sum - 1) < 5e-6, "\(table): row \(row)")
    }
    let scale = Matrix(rows, 1, seed: 2)
    let gradient = Matrix(rows, columns, stride: columns + 3)
    for first in stride(from: 0, to: columns, by: width) {
      table.kernels.scores_gradient(
        rows, min(width, columns - first), x.start + first, x.stride, targets, first, tops.start, sums.start,
        scale.start, gradient.start + first, gradient.stride)
    }
    let error = gradient.largestError { i, j in
      let indicator = Int(targets[i]) == j ? 1.0 : 0
      return (targets[i] < 0 ? 0 : Double(scale[i, 0]) * (expected[i][j] - indicator), 1)
    }
    #expect(error < 5e-6 && gradient.isUntouchedOutside && tops.isUntouchedOutside && sums.isUntouchedOutside)
  }

  @Test func rowsAreGatheredAndScattered() {
    let table = Matrix(5, 7, stride: 9, seed: 1)
    let indices: [Int32] = [4, 0, 4, 2]
    let out = Matrix(4, 7, stride: 8)
    ur_gather_rows(4, 7, indices, table.start, table.stride, out.start, out.stride)
    #expect(out.largestError { i, j in (Double(table[Int(indices[i]), j]), 1) } == 0 && out.isUntouchedOutside)
    let sums = Matrix(5, 7, stride: 9, seed: 2)
    let before = sums.copy()
    ur_scatter_add_rows(4, 7, indices, out.start, out.stride, sums.start, sums.stride)
    let error = sums.largestError { i, j in
      let added = indices.indices.filter { indices[$0] == i }.map { Double(out[$0, j]) }.reduce(0, +)
      return (Double(before[i, j]) + added, 1)
    }
    #expect(error < 2e-7 && sums.isUntouchedOutside)
  }
}
