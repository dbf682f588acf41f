import CKernels
import Testing

@Suite struct RowMatrixTests {
  static let sizes = [(0, 3, 2), (1, 1, 1), (3, 5, 7), (2, 4, 16), (5, 9, 33), (2, 6, 131), (1, 3, 64)]

  @Test(arguments: KernelTable.all, sizes)
  func timesVectors(table: KernelTable, size: (rows: Int, p: Int, q: Int)) {
    let (rows, p, q) = size
    let m = Matrix(rows, p * q, stride: p * q + 3, seed: 1)
    let (u, v) = (Matrix(rows, p, stride: p + 1, seed: 2), Matrix(rows, q, stride: q + 2, seed: 3))
    let y = Matrix(rows, p, stride: p + 5)
    table.kernels.matrices_times_vectors(rows, p, q, m.start, m.stride, v.start, v.stride, y.start, y.stride)
    let right = y.largestError { row, i in
      ((0..<q).reduce(0) { $0 + Double(m[row, i * q + $1]) * Double(v[row, $1]) }, Double(q))
    }
    #expect(right < 1e-6 && y.isUntouchedOutside, "\(table) \(size)")
    let z = Matrix(rows, q, stride: q + 1)
    table.kernels.vectors_times_matrices(rows, p, q, m.start, m.stride, u.start, u.stride, z.start, z.stride)
    let left = z.largestError { row, j in
      ((0..<p).reduce(0) { $0 + Double(m[row, $1 * q + j]) * Double(u[row, $1]) }, Double(p))
    }
    #expect(left < 1e-6 && z.isUntouchedOutside, "\(table) \(size)")
  }

  @Test(arguments: KernelTable.all, sizes)
  func outerProducts(table: KernelTable, size: (rows: Int, p: Int, q: Int)) {
    let (rows, p, q) = size
    let (u, v) = (Matrix(rows, p, stride: p + 1, seed: 2), Matrix(rows, q, stride: q + 2, seed: 3))
    let d = Matrix(rows, p * q, stride: p * q + 4, seed: 4)
    for initial in [nil, d] {
      let m = Matrix(rows, p * q, stride: p * q + 1)
      table.kernels.vectors_outer(
        rows, p, q, u.start, u.stride, v.start, v.stride, initial?.start, initial?.stride ?? 0, m.start, m.stride)
      let error = m.largestError { row, k in
        ((initial.map { Double($0[row, k]) } ?? 0) + Double(u[row, k / q]) * Double(v[row, k % q]), 2)
      }
      #expect(error < 1e-6 && m.isUntouchedOutside, "\(table) \(size)")
    }
    table.kernels.vectors_outer(
      rows, p, q, u.start, u.stride, v.start, v.stride, d.start, d.stride, d.start, d.stride)
    #expect(d.isUntouchedOutside)
  }
}
