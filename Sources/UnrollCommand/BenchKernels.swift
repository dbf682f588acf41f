import CKernels
import Foundation
import Tensors

/// The measurements of `unroll bench kernels`, all on the calling thread.
struct KernelBenchmark {
  /// One result.
  struct Row: Encodable {
    let kernel: String
    let shape: String
    let value: Double
    let unit: String
    let comparison: Comparison?
    let instructionSet: String
  }
  /// How a value stands to another one that was measured alternately with it.
  struct Comparison: Encodable {
    let ratio: Double
    let reference: String
  }

  private let table = ur_active_kernels().pointee
  private let pointer: UnsafePointer<ur_kernels> = ur_active_kernels()
  private let rounds = 9

  var instructionSet: String { String(cString: table.name) }

  /// Measures everything and hands each result on as soon as it is there.
  func run(_ report: (Row) throws -> Void) rethrows {
    try report(row("fma", "registers", Self.median((0..<rounds).map { _ in peak() }), "GF/s"))
    for (m, n, k) in [
      (12, 512, 128), (16, 1024, 256), (20, 800, 200), (32, 512, 128), (64, 1024, 256), (64, 2048, 512),
      (2000, 512, 128), (3200, 1024, 256),
    ] {
      try report(product(m, n, k))
    }
    for (m, n, rows) in [(64, 64, 3200), (128, 512, 3200), (256, 1024, 3200), (200, 800, 700)] {
      try report(outer(m, n, rows))
    }
    for (n, k) in [(512, 128), (1024, 256), (2048, 512)] {
      for precision in Precision.allCases { try report(rowTimesMatrix(n, k, precision)) }
    }
    for (opcode, name) in [(UR_EXP, "exp"), (UR_TANH, "tanh"), (UR_SIGMOID, "sigmoid"), (UR_LOG, "log")] {
      try report(function(opcode, name))
    }
    for (rows, hidden) in [(1, 128), (16, 128), (32, 256), (32, 512), (20, 200)] { try report(gates(rows, hidden)) }
  }

  private func product(_ m: Int, _ n: Int, _ k: Int) -> Row {
    var memory = Memory()
    defer { memory.free() }
    let (a, b, c) = (memory.numbers(m * k), memory.numbers(k * n), memory.numbers(m * n))
    let packed = memory.numbers(ur_packed_count(pointer, k, n))
    table.pack(k, n, b, n, 1, packed)
    return againstPeak("product", "M \(m) N \(n) K \(k)", operations: 2 * m * n * k) {
      table.product(m, n, k, a, k, packed, nil, 0, c, n)
    }
  }

  private func outer(_ m: Int, _ n: Int, _ rows: Int) -> Row {
    var memory = Memory()
    defer { memory.free() }
    // Strides as plans choose them: no multiples of 256, which crowd one set of a cache.
    let (strideA, strideB) = (m % 256 == 0 ? m + 16 : m, n % 256 == 0 ? n + 16 : n)
    let (a, b, c) = (memory.numbers(rows * strideA), memory.numbers(rows * strideB), memory.numbers(m * n))
    let scratch = memory.numbers(ur_outer_scratch(pointer, n))
    var segment = ur_segment(a: a, b: b, rows: rows)
    return againstPeak("outer", "M \(m) N \(n) rows \(rows)", operations: 2 * m * n * rows) {
      table.outer(m, n, &segment, 1, strideA, strideB, c, n, false, nil, scratch)
    }
  }

  /// A row times a matrix of some precision, beside the same in float32.
  private func rowTimesMatrix(_ n: Int, _ k: Int, _ precision: Precision) -> Row {
    var memory = Memory()
    defer { memory.free() }
    let (a, b, c) = (memory.numbers(k), memory.numbers(k * n), memory.numbers(n))
    let matrices = [Precision.float32, precision].map {
      PackedMatrix(b, k: k, n: n, columns: n, transposed: false, precision: $0)
    }
    let seconds = (0..<rounds).map { _ in
      matrices.map { matrix in
        let product = Kernels.active.product(matrix.precision)
        return time(work: 2 * n * k) { product(1, n, k, a, k, matrix.storage.floats, nil, 0, c, n) }
      }
    }
    let bytes = Double(4 * matrices[1].storage.count)
    return row(
      precision == .float32 ? "row product" : "row \(precision)", "N \(n) K \(k)",
      1e-9 * bytes / Self.median(seconds.map { $0[1] }), "GB/s",
      precision == .float32
        ? nil : Comparison(ratio: Self.median(seconds.map { $0[1] / $0[0] }), reference: "float32 time"))
  }

  private func function(_ opcode: ur_opcode, _ name: String) -> Row {
    var memory = Memory()
    defer { memory.free() }
    let count = 2048
    let (x, y) = (memory.numbers(count, in: 0.1...4), memory.numbers(count))
    let operands = [ur_operand(base: x, stride: count), ur_operand(base: y, stride: count)]
    let code = [instruction(opcode, 1, 0)]
    let seconds = (0..<rounds).map { _ in
      time(work: 30 * count) { table.pointwise(code, 1, operands, 2, 1, count, nil) }
    }
    return row(name, "\(count) values", 1e9 * Self.median(seconds) / Double(count), "ns a value")
  }

  private func gates(_ rows: Int, _ hidden: Int) -> Row {
    var memory = Memory()
    defer { memory.free() }
    let gates = memory.numbers(rows * 4 * hidden, in: -4...4)
    let (cell, output, scratch) = (
      memory.numbers(rows * hidden), memory.numbers(rows * hidden), memory.numbers(3 * Int(UR_TILE))
    )
    let operands =
      (0..<4).map { ur_operand(base: gates + $0 * hidden, stride: 4 * hidden) }
      + [cell, output].map { ur_operand(base: $0, stride: hidden) }
    // c = sigmoid(f) c + sigmoid(i) tanh(candidate), h = sigmoid(o) tanh(c); registers 6, 7 and 8 are temporaries.
    let code = [
      instruction(UR_SIGMOID, 6, 0), instruction(UR_MULTIPLY, 4, 6, 4), instruction(UR_SIGMOID, 7, 1),
      instruction(UR_TANH, 8, 3), instruction(UR_MULTIPLY, 7, 7, 8), instruction(UR_ADD, 4, 4, 7),
      instruction(UR_SIGMOID, 6, 2), instruction(UR_TANH, 7, 4), instruction(UR_MULTIPLY, 5, 6, 7),
    ]
    let work = 150 * rows * hidden
    let pairs = (0..<rounds).map { _ in
      (
        byHand: time(work: work) { table.lstm_gates(rows, hidden, gates, cell, output) },
        program: time(work: work) {
          table.pointwise(code, code.count, operands, operands.count, rows, hidden, scratch)
        }
      )
    }
    return row(
      "LSTM gates", "rows \(rows) hidden \(hidden)", 1e9 * Self.median(pairs.map(\.program)) / Double(rows * hidden),
      "ns a unit",
      Comparison(ratio: Self.median(pairs.map { $0.program / $0.byHand }), reference: "hand-written time"))
  }

  // MARK: Measuring

  /// Billions of operations a second of bare multiply-adds on one thread.
  func peak() -> Double {
    let count = 200_000
    let start = processorSeconds()
    let sum = table.fma_burst(count)
    let seconds = processorSeconds() - start
    demand(sum.isFinite, "the sum of the multiply-adds is finite")
    return 1e-9 * Double(count) * table.fma_flops_per_round / seconds
  }

  private func againstPeak(_ kernel: String, _ shape: String, operations: Int, _ body: () -> Void) -> Row {
    let pairs = (0..<rounds).map { _ in
      (peak: peak(), own: 1e-9 * Double(operations) / time(work: operations, body))
    }
    return row(
      kernel, shape, Self.median(pairs.map(\.own)), "GF/s",
      Comparison(ratio: Self.median(pairs.map { $0.own / $0.peak }), reference: "peak"))
  }

  /// Seconds of one run of `body`, which does about `work` operations; runs it often enough to see.
  private func time(work: Int, _ body: () -> Void) -> Double {
    body()
    let count = max(1, 400_000_000 / max(1, work))
    let start = processorSeconds()
    for _ in 0..<count { body() }
    return (processorSeconds() - start) / Double(count)
  }

  private func processorSeconds() -> Double {
    var now = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now)
    return Double(now.tv_sec) + 1e-9 * Double(now.tv_nsec)
  }

  static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

  private func row(
    _ kernel: String, _ shape: String, _ value: Double, _ unit: String, _ comparison: Comparison? = nil
  ) -> Row {
    Row(
      kernel: kernel, shape: shape, value: value, unit: unit, comparison: comparison, instructionSet: instructionSet)
  }

  private func instruction(_ opcode: ur_opcode, _ destination: UInt16, _ a: UInt16, _ b: UInt16 = 0) -> ur_instruction {
    ur_instruction(
      opcode: UInt16(opcode.rawValue), destination: destination, a: a, b: b, scale: 1, offset: 0)
  }
}

/// Aligned memory with numbers in it, given back all at once.
private struct Memory {
  private var blocks: [UnsafeMutablePointer<Float>] = []

  mutating func numbers(_ count: Int, in range: ClosedRange<Float> = -1...1) -> UnsafeMutablePointer<Float> {
    let start = UnsafeMutableRawPointer.allocate(byteCount: max(1, count) * 4, alignment: 64)
      .bindMemory(to: Float.self, capacity: max(1, count))
    ur_random_uniform(1, 0, 0, count, start)
    for i in 0..<count { start[i] = range.lowerBound + start[i] * (range.upperBound - range.lowerBound) }
    blocks.append(start)
    return start
  }

  func free() { blocks.forEach { $0.deallocate() } }
}
