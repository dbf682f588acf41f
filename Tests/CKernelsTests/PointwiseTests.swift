import CKernels
import Foundation
import Testing

@Suite struct PointwiseTests {
  /// Every operation with what it means, and a range of arguments.
  static let meanings: [(ur_opcode, ClosedRange<Float>, @Sendable (Double, Double) -> Double)] = [
    (UR_COPY, -1...1, { a, _ in a }),
    (UR_ADD, -1...1, { $0 + $1 }),
    (UR_SUBTRACT, -1...1, { $0 - $1 }),
    (UR_MULTIPLY, -1...1, { $0 * $1 }),
    (UR_DIVIDE, 0.5...2, { $0 / $1 }),
    (UR_MAXIMUM, -1...1, { max($0, $1) }),
    (UR_AFFINE, -1...1, { a, _ in 1.5 * a - 0.25 }),
    (UR_EXP, -3...3, { a, _ in exp(a) }),
    (UR_LOG, 0.1...3, { a, _ in log(a) }),
    (UR_TANH, -3...3, { a, _ in tanh(a) }),
    (UR_SIGMOID, -3...3, { a, _ in 1 / (1 + exp(-a)) }),
    (UR_RELU, -1...1, { a, _ in max(a, 0) }),
    (UR_SQUARE, -1...1, { a, _ in a * a }),
    (UR_SQRT, 0...4, { a, _ in sqrt(a) }),
    (UR_RECIPROCAL, 0.5...2, { a, _ in 1 / a }),
    (UR_COSINE, -1...1, { a, _ in cos(a) }),
    (UR_TANH_GRADIENT, -1...1, { a, b in b * (1 - a * a) }),
    (UR_SIGMOID_GRADIENT, 0...1, { a, b in b * a * (1 - a) }),
    (UR_RELU_GRADIENT, -1...1, { a, b in a > 0 ? b : 0 }),
  ]

  private func instruction(_ opcode: ur_opcode, _ destination: Int, _ a: Int, _ b: Int = 9) -> ur_instruction {
    ur_instruction(
      opcode: UInt16(opcode.rawValue), destination: UInt16(destination), a: UInt16(a), b: UInt16(b), scale: 1.5,
      offset: -0.25)
  }

  private func run(
    _ table: KernelTable, _ code: [ur_instruction], _ operands: [ur_operand], _ rows: Int, _ columns: Int,
    temporaries: Int = 0
  ) -> Bool {
    let scratch = Guarded(count: temporaries * Int(UR_TILE), aligned: true)
    table.kernels.pointwise(code, code.count, operands, operands.count, rows, columns, scratch.start)
    return scratch.isUntouchedOutside
  }

  @Test(arguments: KernelTable.all, [(1, 1), (3, 7), (2, 128), (5, 129), (1, 300), (0, 5), (4, 0)])
  func everyOperationMeansWhatItSays(table: KernelTable, size: (rows: Int, columns: Int)) {
    let (rows, columns) = size
    for (opcode, range, meaning) in Self.meanings {
      let a = Matrix(rows, columns, stride: columns + 3, seed: 1, range: range)
      let b = Matrix(rows, columns, seed: 2, range: range)
      let d = Matrix(rows, columns, stride: columns + 1)
      let operands = [a, b, d].map { ur_operand(base: $0.start, stride: $0.stride) }
      #expect(run(table, [instruction(opcode, 2, 0, 1)], operands, rows, columns))
      let error = d.largestError { i, j in
        let value = meaning(Double(a[i, j]), Double(b[i, j]))
        return (value, max(abs(value), opcode == UR_LOG ? 0.1 : 1e-2))
      }
      #expect(error < (opcode == UR_TANH_GRADIENT || opcode == UR_SIGMOID_GRADIENT ? 1e-4 : 4e-7), "\(opcode) \(size)")
      #expect(d.isUntouchedOutside, "\(opcode) \(size)")
    }
  }

  /// d = sigmoid(x + bias) * scale of the row, in place, with temporaries and narrow dense rows.
  @Test(arguments: KernelTable.all, [(5, 3), (2, 128), (3, 131), (40, 1)])
  func chainsRunOnTemporaries(table: KernelTable, size: (rows: Int, columns: Int)) {
    let (rows, columns) = size
    let x = Matrix(rows, columns, seed: 1)
    let before = x.copy()
    let bias = Matrix(1, columns, seed: 2)
    let scale = Matrix(rows, 1, stride: 2, seed: 3)
    let operands = [
      ur_operand(base: x.start, stride: columns), ur_operand(base: bias.start, stride: 0),
      ur_operand(base: scale.start, stride: 2),
    ]
    let code = [
      instruction(UR_SPLAT, 3, 2), instruction(UR_ADD, 4, 0, 1), instruction(UR_SIGMOID, 4, 4),
      instruction(UR_MULTIPLY, 0, 4, 3),
    ]
    #expect(run(table, code, operands, rows, columns, temporaries: 2))
    let error = x.largestError { i, j in
      let value = Double(scale[i, 0]) / (1 + exp(-Double(before[i, j]) - Double(bias[0, j])))
      return (value, 1)
    }
    #expect(error < 3e-7 && x.isUntouchedOutside && bias.isUntouchedOutside)
  }

  @Test(arguments: KernelTable.all)
  func valuesDoNotDependOnTheirPlace(table: KernelTable) {
    let columns = 2 * Int(UR_TILE) + 37
    let x = Matrix(1, columns, seed: 4, range: -8...8)
    for opcode in [UR_EXP, UR_TANH, UR_SIGMOID] {
      let whole = Matrix(1, columns)
      let code = [instruction(opcode, 1, 0)]
      _ = run(
        table, code, [ur_operand(base: x.start, stride: 0), ur_operand(base: whole.start, stride: 0)], 1, columns)
      for j in stride(from: 0, to: columns, by: 5) {
        let one = Guarded(count: 1)
        _ = run(table, code, [ur_operand(base: x.start + j, stride: 1), ur_operand(base: one.start, stride: 1)], 1, 1)
        #expect(one.values[0].bitPattern == whole[0, j].bitPattern, "\(opcode) of \(x[0, j])")
      }
    }
  }

  @Test(arguments: KernelTable.all, [(3, 5), (2, 64), (4, 200)])
  func handWrittenGatesEqualTheProgram(table: KernelTable, size: (rows: Int, hidden: Int)) {
    let (rows, hidden) = size
    let gates = Matrix(rows, 4 * hidden, seed: 1, range: -4...4)
    let cell = Matrix(rows, hidden, seed: 2)
    let (byHand, output) = (cell.copy(), Matrix(rows, hidden))
    table.kernels.lstm_gates(rows, hidden, gates.start, byHand.start, output.start)
    let result = Matrix(rows, hidden)
    let operands =
      (0..<4).map { ur_operand(base: gates.start + $0 * hidden, stride: gates.stride) }
      + [cell, result].map { ur_operand(base: $0.start, stride: hidden) }
    let code = [
      instruction(UR_SIGMOID, 6, 0), instruction(UR_MULTIPLY, 4, 6, 4), instruction(UR_SIGMOID, 7, 1),
      instruction(UR_TANH, 8, 3), instruction(UR_MULTIPLY, 7, 7, 8), instruction(UR_ADD, 4, 4, 7),
      instruction(UR_SIGMOID, 6, 2), instruction(UR_TANH, 7, 4), instruction(UR_MULTIPLY, 5, 6, 7),
    ]
    #expect(run(table, code, operands, rows, hidden, temporaries: 3))
    #expect(cell.largestError { i, j in (Double(byHand[i, j]), 1) } < 3e-7)
    #expect(result.largestError { i, j in (Double(output[i, j]), 1) } < 3e-7)
    #expect(cell.isUntouchedOutside && byHand.isUntouchedOutside && output.isUntouchedOutside)
  }
}
