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
        part.count, n, $0.baseAddress, $0.count, lda, ldb, c + part.lowerBound * ldc, ldc, accumulate, nil,
        scratch.floats)
    }
  }
}
