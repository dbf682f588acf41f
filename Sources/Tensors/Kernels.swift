import CKernels

/// The kernel table in use, and the few things every caller of it needs.
package struct Kernels: @unchecked Sendable {
  // Sendable: the table is constant data of the process.
  package let table: UnsafePointer<ur_kernels>

  package static let active = Kernels(table: ur_active_kernels())

  package var name: String { String(cString: table.pointee.name) }

  package typealias Pack =
    @convention(c) (Int, Int, UnsafePointer<Float>?, Int, Int, UnsafeMutablePointer<Float>?) -> Void
  package typealias Product =
    @convention(c) (
      Int, Int, Int, UnsafePointer<Float>?, Int, UnsafePointer<Float>?, UnsafePointer<Float>?, Int,
      UnsafeMutablePointer<Float>?, Int
    ) -> Void

  package func pack(_ precision: Precision) -> Pack {
    switch precision {
    case .float32: table.pointee.pack
    case .bfloat16: table.pointee.pack_bf16
    case .int8: table.pointee.pack_int8
    }
  }

  package func product(_ precision: Precision) -> Product {
    switch precision {
    case .float32: table.pointee.product
    case .bfloat16: table.pointee.product_bf16
    case .int8: table.pointee.product_int8
    }
  }

  /// Number of floats that [k, n] takes when packed.
  package func packedCount(_ k: Int, _ n: Int) -> Int { ur_packed_count(table, k, n) }
}

/// A matrix [k, n] in the layout that a product kernel reads: packed once, used many times.
package struct PackedMatrix: Sendable {
  package let k: Int
  package let n: Int
  package let precision: Precision
  package let storage: Storage
  /// Column j, the first of a panel, begins at float j · `depth`; `k` in full precision.
  package let depth: Int

  /// Packs op(b); `b` is row-major with `columns` columns.
  package init(
    _ b: UnsafePointer<Float>, k: Int, n: Int, columns: Int, transposed: Bool, precision: Precision = .float32
  ) {
    self.k = k
    self.n = n
    self.precision = precision
    let kernels = Kernels.active
    let (strideK, strideN) = transposed ? (1, columns) : (columns, 1)
    let panel = kernels.table.pointee.panel
    depth = ur_packed_depth(precision.form, k)
    storage = Storage(count: kernels.packedCount(depth, n))
    let pack = kernels.pack(precision)
    parallelRanges((n + panel - 1) / panel, grain: max(1, (1 << 16) / max(1, k * panel))) { [storage, depth] panels in
      let first = panels.lowerBound * panel
      let count = min(n, panels.upperBound * panel) - first
      pack(k, count, b + first * strideN, strideK, strideN, storage.floats + first * depth)
    }
  }

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

/// C [m, n] (+)= sum over the segments of A' · B, on all threads: a weight's gradient over a whole sequence.
package func accumulateOuter(
  m: Int, n: Int, segments: [ur_segment], lda: Int, ldb: Int, into c: UnsafeMutablePointer<Float>, ldc: Int,
  accumulate: Bool
) {
  let kernels = Kernels.active
  let table = kernels.table.pointee
  let rows = segments.reduce(0) { $0 + $1.rows }
  let grain = max(table.tile, (1 << 19) / max(1, n * rows))
  parallelRanges(m, grain: grain, multiple: table.tile) { part in
    let scratch = Storage(count: ur_outer_scratch(kernels.table, n))
    let shifted = segments.map { ur_segment(a: $0.a + part.lowerBound, b: $0.b, rows: $0.rows) }
    shifted.withUnsafeBufferPointer {
      table.outer(
        part.count, n, $0.baseAddress, $0.count, lda, ldb, c + part.lowerBound * ldc, ldc, accumulate, scratch.floats)
    }
  }
}
