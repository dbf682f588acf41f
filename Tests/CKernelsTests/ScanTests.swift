import CKernels
import Testing

/// The recurrence state = a * state + b.
@Suite struct ScanTests {
  struct Size: Sendable, CustomTestStringConvertible {
    let steps, columns: Int
    var testDescription: String { "\(steps) x \(columns)" }
  }
  static let sizes = [(0, 5), (1, 1), (3, 7), (5, 16), (4, 64), (9, 129), (2, 300)].map(Size.init)

  /// Forwards, and backwards by negative distances; in any table as in Double.
  @Test(arguments: KernelTable.all, sizes)
  func everyStepFollowsTheOneBefore(table: KernelTable, size: Size) {
    let (steps, columns) = (size.steps, size.columns)
    for isReversed in [false, true] {
      let a = Matrix(steps, columns, stride: columns + 3, seed: 1)
      let b = Matrix(steps, columns, seed: 2)
      let state = Matrix(1, columns, seed: 3)
      let before = Matrix(steps, columns, stride: columns + 1)
      let after = Matrix(steps, columns, stride: columns + 2)
      var expected = (0..<columns).map { Double(state[0, $0]) }
      let first = isReversed ? max(0, steps - 1) : 0
      func start(_ m: Matrix) -> UnsafeMutablePointer<Float> { m.start + first * m.stride }
      func distance(_ m: Matrix) -> Int { isReversed ? -m.stride : m.stride }
      table.kernels.scan(
        steps, columns, start(a), distance(a), start(b), distance(b), state.start, start(before), distance(before),
        start(after), distance(after))
      for t in isReversed ? Array((0..<steps).reversed()) : Array(0..<steps) {
        for j in 0..<columns {
          #expect(abs(Double(before[t, j]) - expected[j]) < 1e-6)
          expected[j] = Double(a[t, j]) * expected[j] + Double(b[t, j])
          #expect(abs(Double(after[t, j]) - expected[j]) < 1e-6)
        }
      }
      #expect(state.largestError { _, j in (expected[j], 1) } < 1e-6)
      #expect(state.isUntouchedOutside && before.isUntouchedOutside && after.isUntouchedOutside)
    }
  }

  /// A row of a that is the same for all steps, results that nobody wants; and a column is computed alike whatever
  /// columns stand beside it.
  @Test(arguments: KernelTable.all)
  func columnsStandAlone(table: KernelTable) {
    let (steps, columns) = (6, 150)
    let (a, b) = (Matrix(1, columns, seed: 4), Matrix(steps, columns, seed: 5))
    let whole = Matrix(1, columns, seed: 6)
    let parts = whole.copy()
    table.kernels.scan(steps, columns, a.start, 0, b.start, b.stride, whole.start, nil, 0, nil, 0)
    for (from, to) in [(0, 1), (1, 40), (40, 107), (107, 150)] {
      table.kernels.scan(
        steps, to - from, a.start + from, 0, b.start + from, b.stride, parts.start + from, nil, 0, nil, 0)
    }
    #expect(whole.bits == parts.bits && whole.isUntouchedOutside)
  }
}
