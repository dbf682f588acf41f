import CKernels

/// A rectangle of a matrix, where it stands in memory.
package struct MatrixBlock {
  /// The first element, and floats between rows.
  package let floats: UnsafePointer<Float>
  package let stride: Int
  /// The part of the matrix that it is.
  package let rows, columns: Range<Int>

  package init(floats: UnsafePointer<Float>, stride: Int, rows: Range<Int>, columns: Range<Int>) {
    self.floats = floats
    self.stride = stride
    self.rows = rows
    self.columns = columns
  }

  /// Copies it to its place in a matrix of `stride` floats a row.
  package func copy(into matrix: UnsafeMutablePointer<Float>, stride: Int) {
    copy(rows, columns, to: matrix + rows.lowerBound * stride + columns.lowerBound, stride: stride)
  }

  /// Copies a part of it, given in rows and columns of the matrix.
  fileprivate func copy(_ rows: Range<Int>, _ columns: Range<Int>, to: UnsafeMutablePointer<Float>, stride: Int) {
    let from = floats + (rows.lowerBound - self.rows.lowerBound) * self.stride + columns.lowerBound
    let first = from - self.columns.lowerBound
    for row in 0..<rows.count {
      (to + row * stride).update(from: first + row * self.stride, count: columns.count)
    }
  }
}

/// A matrix [k, n] in the layout that a product kernel reads: packed once, used many times.
package struct PackedMatrix: Sendable {
  package let k: Int
  package let n: Int
  package let precision: Precision
  package let storage: Storage
  /// Column j, the first of a panel, begins at float j · `depth`; `k` in full precision.
  package let depth: Int

  private init(k: Int, n: Int, precision: Precision) {
    self.k = k
    self.n = n
    self.precision = precision
    depth = ur_packed_depth(precision.form, k)
    storage = Storage(count: Kernels.active.packedCount(depth, n))
  }

  /// Packs op(b); `b` is row-major with `columns` columns.
  package init(
    _ b: UnsafePointer<Float>, k: Int, n: Int, columns: Int, transposed: Bool, precision: Precision = .float32
  ) {
    let block = MatrixBlock(
      floats: b, stride: columns, rows: 0..<(transposed ? n : k), columns: 0..<(transposed ? k : n))
    self = Self.pack([Source(blocks: [block], k: k, n: n, transposed: transposed)], precision: precision)[0]
  }

  // MARK: Packing

  /// op(b) to be packed, with b in blocks that cover it.
  package struct Source {
    let blocks: [MatrixBlock]
    let k, n: Int
    let transposed: Bool

    package init(blocks: [MatrixBlock], k: Int, n: Int, transposed: Bool) {
      self.blocks = blocks
      self.k = k
      self.n = n
      self.transposed = transposed
    }
  }

  /// Packs several matrices at once, on all threads.
  package static func pack(_ sources: [Source], precision: Precision = .float32) -> [PackedMatrix] {
    let matrices = sources.map { PackedMatrix(k: $0.k, n: $0.n, precision: precision) }
    let panel = Kernels.active.table.pointee.panel
    var panels: [(matrix: Int, first: Int)] = []
    for (i, source) in sources.enumerated() {
      for first in stride(from: 0, to: source.n, by: panel) { panels.append((i, first)) }
    }
    let deepest = sources.map(\.k).max() ?? 1
    parallelRanges(panels.count, grain: max(1, (1 << 14) / max(1, deepest * panel))) { range in
      for place in panels[range] { matrices[place.matrix].fill(place.first, panel, from: sources[place.matrix]) }
    }
    return matrices
  }

  /// Packs the panel that begins at column `first`.
  private func fill(_ first: Int, _ panel: Int, from source: Source) {
    let columns = first..<min(n, first + panel)
    let (rowsOfB, columnsOfB) = source.transposed ? (columns, 0..<k) : (0..<k, columns)
    let parts = source.blocks.filter { $0.rows.overlaps(rowsOfB) && $0.columns.overlaps(columnsOfB) }
    let target = storage.floats + first * depth
    let pack = Kernels.active.pack(precision)
    if parts.count == 1 {
      let from =
        parts[0].floats + (rowsOfB.lowerBound - parts[0].rows.lowerBound) * parts[0].stride
        + (columnsOfB.lowerBound - parts[0].columns.lowerBound)
      let (strideK, strideN) = source.transposed ? (1, parts[0].stride) : (parts[0].stride, 1)
      pack(k, columns.count, from, strideK, strideN, target)
      return
    }
    // Small enough to stay in the first caches between the copy and the packing.
    let gathered = Storage(count: columns.count * k)
    let stride = columnsOfB.count
    for part in parts {
      let (rows, columns) = (part.rows.clamped(to: rowsOfB), part.columns.clamped(to: columnsOfB))
      let to = (rows.lowerBound - rowsOfB.lowerBound) * stride + columns.lowerBound - columnsOfB.lowerBound
      part.copy(rows, columns, to: gathered.floats + to, stride: stride)
    }
    let (strideK, strideN) = source.transposed ? (1, stride) : (stride, 1)
    pack(k, columns.count, gathered.floats, strideK, strideN, target)
  }

  // MARK: Products

  /// C [rows, n] = D + A · this, on all threads. See `ur_kernels.product` for D.
  package func multiply(
    rows: Int, _ a: UnsafePointer<Float>, lda: Int, adding d: UnsafePointer<Float>? = nil, ldd: Int = 0,
    into c: UnsafeMutablePointer<Float>, ldc: Int
  ) {
    let table = Kernels.active.table.pointee
    let product = Kernels.active.product(precision)
    let work = rows * n * k
    if rows >= 4 * table.tile {
      let grain = max(table.tile, Int(table.tile) * (1 << 19) / max(1, Int(table.tile) * n * k))
      parallelRanges(rows, grain: grain, multiple: table.tile) { part in
        product(
          part.count, n, k, a + part.lowerBound * lda, lda, storage.floats, d.map { $0 + part.lowerBound * ldd }, ldd,
          c + part.lowerBound * ldc, ldc)
      }
    } else {
      let panels = (n + table.panel - 1) / table.panel
      parallelRanges(panels, grain: max(1, panels * (1 << 19) / max(1, work))) { part in
        let first = part.lowerBound * table.panel
        product(
          rows, min(n, part.upperBound * table.panel) - first, k, a, lda, storage.floats + first * depth,
          d.map { $0 + first }, ldd, c + first, ldc)
      }
    }
  }
}
