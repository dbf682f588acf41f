import CKernels
import Testing

/// Products of matrices in fewer bits.
@Suite struct ReducedProductTests {
  enum Form: CaseIterable {
    case bfloat16, int8

    var precision: ur_precision { self == .bfloat16 ? UR_BFLOAT16 : UR_INT8 }

    func pack(_ table: KernelTable, _ b: Matrix, transposed: Bool = false) -> Guarded {
      let (k, n) = transposed ? (b.columns, b.rows) : (b.rows, b.columns)
      let depth = ur_packed_depth(precision, k)
      let packed = Guarded(count: ur_packed_count(table.pointer, depth, n), aligned: true)
      let (strideK, strideN) = transposed ? (1, b.stride) : (b.stride, 1)
      switch self {
      case .bfloat16: table.kernels.pack_bf16(k, n, b.start, strideK, strideN, packed.start)
      case .int8: table.kernels.pack_int8(k, n, b.start, strideK, strideN, packed.start)
      }
      return packed
    }

    func multiply(
      _ table: KernelTable, _ m: Int, _ n: Int, _ k: Int, _ a: UnsafePointer<Float>, _ lda: Int,
      _ packed: UnsafePointer<Float>, _ d: UnsafePointer<Float>?, _ ldd: Int, _ c: UnsafeMutablePointer<Float>,
      _ ldc: Int
    ) {
      switch self {
      case .bfloat16: table.kernels.product_bf16(m, n, k, a, lda, packed, d, ldd, c, ldc)
      case .int8: table.kernels.product_int8(m, n, k, a, lda, packed, d, ldd, c, ldc)
      }
    }

    /// What a product should be, and the largest error that it may have.
    func expected(_ a: Matrix, _ i: Int, _ b: Matrix, _ j: Int, plus extra: Float) -> (value: Double, scale: Double) {
      var (value, size, allowed) = (Double(extra), Double(abs(extra)), 0.0)
      for first in stride(from: 0, to: a.columns, by: 1024) {
        let depth = first..<min(a.columns, first + 1024)
        let row = depth.map { Double(a[i, $0]) }
        let column = depth.map { Double(b[$0, j]) }
        for (x, y) in zip(row, column) {
          value += self == .int8 ? x * y : Double(nearestBfloat16(Float(x))) * Double(nearestBfloat16(Float(y)))
          size += abs(x * y)
        }
        guard self == .int8, let low = row.min(), let high = row.max() else { continue }
        // Each number is off by half a step at most.
        let (halfA, halfB) = ((high - low) / 255 / 2, column.map(abs).max()! / 127 / 2)
        for (x, y) in zip(row, column) { allowed += halfA * abs(y) + halfB * abs(x) + halfA * halfB }
        size += Double(depth.count) * max(abs(low), abs(high)) * 127 * 2 * halfB
      }
      return (value, allowed + 2e-6 * size)
    }
  }

  @Test(arguments: KernelTable.all, Form.allCases)
  func isNearFloat64(table: KernelTable, form: Form) {
    let (tile, panel) = (table.tile, table.panel)
    let sizes = [(0, 3), (1, 1), (panel - 1, 7), (panel, 0), (2 * panel + 3, 6), (4 * panel, 17), (5 * panel + 1, 33)]
    for addend in ProductTests.Addend.allCases {
      for m in Array(0...tile + 2) + [3 * tile + 1] { for (n, k) in sizes { check(table, form, m, n, k, addend) } }
      check(table, form, 2, panel + 3, 1024, addend)
      check(table, form, 3, panel + 3, 2 * 1024 + 5, addend)
      check(table, form, 101, panel + 1, 130, addend)  // more rows than are rounded at a time
    }
  }

  private func check(
    _ table: KernelTable, _ form: Form, _ m: Int, _ n: Int, _ k: Int, _ addend: ProductTests.Addend
  ) {
    let a = Matrix(m, k, stride: k + 3, seed: 1, range: -1...3)
    let b = Matrix(k, n, stride: n + 1, seed: 2)
    let packed = form.pack(table, b)
    let c = Matrix(m, n, stride: n + 5, seed: 3)
    let row = Matrix(1, n, seed: 4)
    let d = addend == .inPlace ? c.copy() : Matrix(m, n, stride: n + 2, seed: 5)
    let (extra, stride): (UnsafeMutablePointer<Float>?, Int) =
      switch addend {
      case .none: (nil, 0)
      case .row: (row.start, 0)
      case .matrix: (d.start, d.stride)
      case .inPlace: (c.start, c.stride)
      }
    form.multiply(table, m, n, k, a.start, a.stride, packed.start, extra, stride, c.start, c.stride)
    let error = c.largestError { i, j in
      form.expected(a, i, b, j, plus: addend == .none ? 0 : addend == .row ? row[0, j] : d[i, j])
    }
    #expect(error <= 1, "\(table) \(form) \(addend): \(m) x \(n) x \(k)")
    #expect(c.isUntouchedOutside && packed.isUntouchedOutside, "\(table) \(form) \(addend): \(m) x \(n) x \(k)")
  }

  /// Bytes times bytes lose nothing but what the scales round.
  @Test(arguments: KernelTable.all)
  func bytesAreExact(table: KernelTable) {
    let (m, n, k) = (5, table.panel + 3, 301)
    let a = Matrix(m, k, seed: 1)
    let b = Matrix(k, n, seed: 2)
    for i in 0..<m { for l in 0..<k { a[i, l] = (Float(l) == 0 ? 255 : (a[i, l] * 100).rounded() + 100) - 60 } }
    for i in 0..<m { a[i, 1] = -60 }
    for l in 0..<k { for j in 0..<n { b[l, j] = l == 2 ? -127 : (b[l, j] * 127).rounded() } }
    let c = Matrix(m, n)
    Form.int8.multiply(table, m, n, k, a.start, k, Form.int8.pack(table, b).start, nil, 0, c.start, n)
    let error = c.largestError { i, j in
      let terms = (0..<k).map { Double(a[i, $0]) * Double(b[$0, j]) }
      return (terms.reduce(0, +), terms.reduce(0) { $0 + abs($1) })
    }
    #expect(error < 2e-6, "\(table)")
  }

  @Test(arguments: KernelTable.all, Form.allCases)
  func partsEqualTheWhole(table: KernelTable, form: Form) {
    let (m, n, k) = (2 * table.tile + 1, 5 * table.panel + 3, 1100)
    let a = Matrix(m, k, seed: 1)
    let packed = form.pack(table, Matrix(k, n, seed: 2))
    let d = Matrix(m, n, seed: 3)
    let whole = Matrix(m, n)
    form.multiply(table, m, n, k, a.start, k, packed.start, d.start, n, whole.start, n)
    for first in [1, 2, table.tile, m - 1] {
      let parts = Matrix(m, n)
      for rows in [0..<first, first..<m] {
        form.multiply(
          table, rows.count, n, k, a.start + rows.lowerBound * k, k, packed.start, d.start + rows.lowerBound * n, n,
          parts.start + rows.lowerBound * n, n)
      }
      #expect(parts.bits == whole.bits, "\(table) \(form): split after \(first) of \(m) rows")
    }
    for panels in 1..<6 {
      let first = panels * table.panel
      let later = packed.start + first * ur_packed_depth(form.precision, k)
      let parts = Matrix(m, n)
      form.multiply(table, m, first, k, a.start, k, packed.start, d.start, n, parts.start, n)
      form.multiply(table, m, n - first, k, a.start, k, later, d.start + first, n, parts.start + first, n)
      #expect(parts.bits == whole.bits, "\(table) \(form): split after \(panels) panels")
    }
  }

  @Test(arguments: KernelTable.all, Form.allCases)
  func packsTransposedToTheSame(table: KernelTable, form: Form) {
    for (k, n) in [(1, 1), (0, 3), (5, table.panel), (67, 41), (1027, table.panel + 1)] {
      let b = Matrix(k, n, stride: n + 2, seed: 7)
      let turned = Matrix(n, k, stride: k + 1)
      for i in 0..<k { for j in 0..<n { turned[j, i] = b[i, j] } }
      let (plain, other) = (form.pack(table, b), form.pack(table, turned, transposed: true))
      #expect(plain.values.map(\.bitPattern) == other.values.map(\.bitPattern), "\(table) \(form): \(k) x \(n)")
      #expect(plain.isUntouchedOutside && other.isUntouchedOutside)
    }
  }

  /// A number that is none, or none any more, shows in its own row or column and nowhere else.
  @Test(arguments: KernelTable.all, Form.allCases)
  func whatIsNotFiniteShows(table: KernelTable, form: Form) {
    let (m, n, k) = (4, table.panel + 5, 37)
    for value in [Float.nan, .infinity, -.infinity] {
      let (a, b) = (Matrix(m, k, seed: 1), Matrix(k, n, seed: 2))
      a[1, 35] = value
      b[3, 2] = value
      let c = Matrix(m, n)
      form.multiply(table, m, n, k, a.start, k, form.pack(table, b).start, nil, 0, c.start, n)
      for i in 0..<m {
        for j in 0..<n { #expect(c[i, j].isFinite == (i != 1 && j != 2), "\(table) \(form) \(i) \(j)") }
      }
    }
  }

  /// Rows and columns of one value, of none but zeros, and of numbers at the ends of float32's range.
  @Test(arguments: KernelTable.all, Form.allCases)
  func extremesAreNumbers(table: KernelTable, form: Form) {
    let (m, n, k) = (5, 6, 9)
    let (a, b) = (Matrix(m, k, seed: 1), Matrix(k, n, seed: 2))
    for l in 0..<k {
      (a[0, l], a[1, l], a[2, l], a[3, l]) = (0, 3, 1e-38, l == 4 ? 1e38 : -1)
      (b[l, 0], b[l, 1]) = (0, 1e-38)
    }
    let c = Matrix(m, n)
    form.multiply(table, m, n, k, a.start, k, form.pack(table, b).start, nil, 0, c.start, n)
    for j in 0..<n { #expect(c[0, j] == 0) }
    for i in 0..<m where i != 3 { #expect(c[i, 0] == 0 && abs(c[i, 1]) < 1e-30) }
    for j in 0..<n {
      let sum = (0..<k).reduce(0.0) { $0 + Double(b[$1, j]) * 3 }
      #expect(abs(Double(c[1, j]) - sum) < 0.06 && abs(c[2, j]) < 1e-30 && c[3, j].isFinite)
    }
  }
}

/// To 8 significant bits, ties to even: by arithmetic on the bits below.
private func nearestBfloat16(_ x: Float) -> Float {
  let (low, high) = (x.bitPattern & 0xFFFF, x.bitPattern >> 16)
  let up = low > 0x8000 || (low == 0x8000 && high & 1 == 1)
  return Float(bitPattern: (high + (up ? 1 : 0)) << 16)
}
