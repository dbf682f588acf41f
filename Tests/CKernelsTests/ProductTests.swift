import CKernels
import Testing

@Suite struct ProductTests {
  enum Addend: CaseIterable { case none, row, matrix, inPlace }

  @Test(arguments: KernelTable.all, Addend.allCases)
  func equalsFloat64(table: KernelTable, addend: Addend) {
    let (tile, panel) = (table.tile, table.panel)
    let heights = Array(0...2 * tile + 3) + [5 * tile + 1]
    for m in heights {
      for (n, k) in [
        (0, 3), (1, 1), (panel - 1, 7), (panel, 0), (2 * panel + 3, 5), (4 * panel, 17), (7 * panel + 1, 33),
      ] {
        check(table, m, n, k, addend)
      }
    }
    check(table, 3 * tile + 5, 3 * panel + 2, 700, addend)
    check(table, 40 * tile + 1, panel + 5, 1100, addend)  // more rows than one block of A
  }

  private func check(_ table: KernelTable, _ m: Int, _ n: Int, _ k: Int, _ addend: Addend) {
    let a = Matrix(m, k, stride: k + 3, seed: 1)
    let b = Matrix(k, n, stride: n + 1, seed: 2)
    let packed = table.packed(b)
    let c = Matrix(m, n, stride: n + 5, seed: 3)
    let row = Matrix(1, n, seed: 4)
    let d = addend == .inPlace ? c.copy() : Matrix(m, n, stride: n + 2, seed: 5)
    switch addend {
    case .none: table.kernels.product(m, n, k, a.start, a.stride, packed.start, nil, 0, c.start, c.stride)
    case .row: table.kernels.product(m, n, k, a.start, a.stride, packed.start, row.start, 0, c.start, c.stride)
    case .matrix: table.kernels.product(m, n, k, a.start, a.stride, packed.start, d.start, d.stride, c.start, c.stride)
    case .inPlace: table.kernels.product(m, n, k, a.start, a.stride, packed.start, c.start, c.stride, c.start, c.stride)
    }
    let error = c.largestError { i, j in
      let extra: Float = addend == .none ? 0 : addend == .row ? row[0, j] : d[i, j]
      var (value, scale) = (Double(extra), Double(abs(extra)))
      for l in 0..<k {
        let term = Double(a[i, l]) * Double(b[l, j])
        value += term
        scale += abs(term)
      }
      return (value, scale)
    }
    #expect(error < 2e-6, "\(table) \(addend): \(m) x \(n) x \(k)")
    #expect(c.isUntouchedOutside && packed.isUntouchedOutside, "\(table) \(addend): \(m) x \(n) x \(k)")
  }

  @Test(arguments: KernelTable.all)
  func rowsDoNotDependOnHowTheyAreSplit(table: KernelTable) {
    let (m, n, k) = (2 * table.tile + 1, 5 * table.panel + 3, 37)
    let a = Matrix(m, k, seed: 1)
    let packed = table.packed(Matrix(k, n, seed: 2))
    let d = Matrix(m, n, seed: 3)
    let whole = Matrix(m, n)
    table.kernels.product(m, n, k, a.start, k, packed.start, d.start, n, whole.start, n)
    for first in 0...m {
      let parts = Matrix(m, n)
      for rows in [0..<first, first..<m] {
        table.kernels.product(
          rows.count, n, k, a.start + rows.lowerBound * k, k, packed.start, d.start + rows.lowerBound * n, n,
          parts.start + rows.lowerBound * n, n)
      }
      #expect(parts.bits == whole.bits, "\(table): split after \(first) of \(m) rows")
    }
  }

  @Test(arguments: KernelTable.all)
  func columnsMayBeSplitByPanels(table: KernelTable) {
    let (m, n, k) = (table.tile / 2, 6 * table.panel - 2, 19)
    let a = Matrix(m, k, seed: 1)
    let packed = table.packed(Matrix(k, n, seed: 2))
    let whole = Matrix(m, n)
    table.kernels.product(m, n, k, a.start, k, packed.start, nil, 0, whole.start, n)
    for panels in 1..<6 {
      let first = panels * table.panel
      let parts = Matrix(m, n)
      table.kernels.product(m, first, k, a.start, k, packed.start, nil, 0, parts.start, n)
      table.kernels.product(m, n - first, k, a.start, k, packed.start + first * k, nil, 0, parts.start + first, n)
      #expect(parts.bits == whole.bits, "\(table): split after \(panels) panels")
    }
  }

  @Test(arguments: KernelTable.all)
  func packsTransposedToTheSame(table: KernelTable) {
    for (k, n) in [(1, 1), (5, table.panel), (9, 2 * table.panel + 3), (67, 41)] {
      let b = Matrix(k, n, stride: n + 2, seed: 7)
      let turned = Matrix(n, k, stride: k + 1)
      for i in 0..<k { for j in 0..<n { turned[j, i] = b[i, j] } }
      let packed = Guarded(count: ur_packed_count(table.pointer, k, n), aligned: true)
      table.kernels.pack(k, n, turned.start, 1, turned.stride, packed.start)
      #expect(packed.values == table.packed(b).values, "\(table): \(k) x \(n)")
      #expect(packed.isUntouchedOutside)
      for column in n..<(n + table.panel - 1) / table.panel * table.panel {
        let panel = column / table.panel * table.panel
        #expect(packed.values[panel * k + column - panel] == 0)
      }
    }
  }
}
