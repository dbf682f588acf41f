import CKernels

/// A table under test, printable in a failing test's name.
struct KernelTable: CustomStringConvertible, Sendable {
  nonisolated(unsafe) let pointer: UnsafePointer<ur_kernels>

  /// Every table that this machine can run.
  static let all: [KernelTable] = {
    var tables = [UnsafePointer<ur_kernels>?](repeating: nil, count: 8)
    let count = ur_available_kernels(&tables, tables.count)
    return tables.prefix(count).compactMap { $0 }.map { KernelTable(pointer: $0) }
  }()

  var kernels: ur_kernels { pointer.pointee }
  var panel: Int { kernels.panel }
  var tile: Int { kernels.tile }
  var width: Int { kernels.width }
  var description: String { String(cString: kernels.name) }

  func packed(_ b: Matrix) -> Guarded {
    let packed = Guarded(count: ur_packed_count(pointer, b.rows, b.columns), aligned: true)
    kernels.pack(b.rows, b.columns, b.start, b.stride, 1, packed.start)
    return packed
  }
}

/// Numbers that are the same in every run: a linear congruential generator, in -1..<1.
struct TestNumbers {
  private var state: UInt64
  init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

  mutating func next() -> Float {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Float(Int32(truncatingIfNeeded: state >> 32)) * 0x1p-31
  }
}

/// Floats with guard values before and behind, so that a write outside is seen.
final class Guarded {
  static let margin = 32
  static let guardBits: UInt32 = 0x7FA5_C3E1  // a signalling NaN that no kernel computes

  let count: Int
  private let memory: UnsafeMutablePointer<Float>
  private let offset: Int

  /// `aligned`: to 64 bytes; otherwise deliberately not even to 16.
  init(count: Int, aligned: Bool = false) {
    self.count = count
    offset = Self.margin + (aligned ? 0 : 1)
    let total = offset + count + Self.margin
    memory = UnsafeMutableRawPointer.allocate(byteCount: total * 4, alignment: 64)
      .bindMemory(to: Float.self, capacity: total)
    for i in 0..<total { memory[i] = Float(bitPattern: Self.guardBits) }
  }

  convenience init(_ values: [Float]) {
    self.init(count: values.count)
    for (i, value) in values.enumerated() { start[i] = value }
  }

  deinit { memory.deallocate() }

  var start: UnsafeMutablePointer<Float> { memory + offset }
  var values: [Float] { Array(UnsafeBufferPointer(start: start, count: count)) }

  var isUntouchedOutside: Bool {
    (0..<offset).allSatisfy { memory[$0].bitPattern == Self.guardBits }
      && (0..<Self.margin).allSatisfy { memory[offset + count + $0].bitPattern == Self.guardBits }
  }
}

/// A row-major matrix with guarded memory and rows that may be wider than its columns; what lies between is guarded too.
final class Matrix {
  let rows: Int
  let columns: Int
  let stride: Int
  private let memory: Guarded

  init(_ rows: Int, _ columns: Int, stride: Int? = nil, seed: UInt64? = nil, range: ClosedRange<Float> = -1...1) {
    self.rows = rows
    self.columns = columns
    self.stride = stride ?? columns
    memory = Guarded(count: rows == 0 ? 0 : (rows - 1) * self.stride + columns)
    guard let seed else { return }
    var numbers = TestNumbers(seed: seed)
    for i in 0..<rows {
      for j in 0..<columns {
        let unit = (numbers.next() + 1) / 2
        self[i, j] = range.lowerBound + unit * (range.upperBound - range.lowerBound)
      }
    }
  }

  var start: UnsafeMutablePointer<Float> { memory.start }

  subscript(i: Int, j: Int) -> Float {
    get { start[i * stride + j] }
    set { start[i * stride + j] = newValue }
  }

  func copy() -> Matrix {
    let result = Matrix(rows, columns, stride: stride)
    for i in 0..<rows { for j in 0..<columns { result[i, j] = self[i, j] } }
    return result
  }

  var bits: [UInt32] {
    (0..<rows).flatMap { i in (0..<columns).map { self[i, $0].bitPattern } }
  }

  var isUntouchedOutside: Bool {
    memory.isUntouchedOutside
      && (0..<max(0, rows - 1)).allSatisfy { i in
        (columns..<stride).allSatisfy { start[i * stride + $0].bitPattern == Guarded.guardBits }
      }
  }

  /// The largest difference from what `expected` says, relative to its second value (a scale that errors grow with).
  func largestError(_ expected: (Int, Int) -> (value: Double, scale: Double)) -> Double {
    var worst = 0.0
    for i in 0..<rows {
      for j in 0..<columns {
        let (value, scale) = expected(i, j)
        let error = abs(Double(self[i, j]) - value) / max(scale, 1e-30)
        worst = error.isNaN ? .infinity : max(worst, error)
      }
    }
    return worst
  }
}
