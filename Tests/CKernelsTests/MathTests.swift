import CKernels
import Foundation
import Testing

/// The bounds that unroll_kernels.h states, over arguments of every magnitude.
@Suite struct MathTests {
  /// Every 4099th of all floats: denormals, infinities and NaNs of both signs are among them.
  static let arguments: [Float] = stride(from: UInt64(0), to: 1 << 32, by: 4099).map {
    Float(bitPattern: UInt32($0))
  }

  private func apply(_ table: KernelTable, _ opcode: ur_opcode, to arguments: [Float]) -> [Float] {
    var (input, output) = (arguments, [Float](repeating: 0, count: arguments.count))
    var code = ur_instruction(opcode: UInt16(opcode.rawValue), destination: 1, a: 0, b: 0, scale: 0, offset: 0)
    input.withUnsafeMutableBufferPointer { input in
      output.withUnsafeMutableBufferPointer { output in
        let operands = [
          ur_operand(base: input.baseAddress, stride: input.count),
          ur_operand(base: output.baseAddress, stride: output.count),
        ]
        table.kernels.pointwise(&code, 1, operands, 2, 1, input.count, nil)
      }
    }
    return output
  }

  /// The largest error in units in the last place of the true result, where that is a normal float.
  private func largestError(
    _ table: KernelTable, _ opcode: ur_opcode, _ meaning: (Double) -> Double,
    where included: (Float) -> Bool = { _ in true }
  ) -> (error: Double, argument: Float) {
    var worst = (error: 0.0, argument: Float(0))
    for (x, y) in zip(Self.arguments, apply(table, opcode, to: Self.arguments)) where included(x) {
      let exact = meaning(Double(x))
      let rounded = Float(exact)
      if rounded.isNaN || rounded.isInfinite {
        let same = rounded.isNaN ? y.isNaN : y == rounded
        if !same { return (.infinity, x) }
      } else if abs(exact) >= Double(Float.leastNormalMagnitude) {
        let error = abs(Double(y) - exact) / Double(Float(abs(exact)).ulp)
        if !(error <= worst.error) { worst = (error, x) }
      } else if !(abs(Double(y) - exact) <= Double(Float.leastNonzeroMagnitude)) {
        return (.infinity, x)
      }
    }
    return worst
  }

  @Test(arguments: KernelTable.all) func exponential(table: KernelTable) {
    let worst = largestError(table, UR_EXP, exp)
    #expect(worst.error < 1.25, "at \(worst.argument)")
  }

  @Test(arguments: KernelTable.all) func logarithm(table: KernelTable) {
    let worst = largestError(table, UR_LOG, log)
    #expect(worst.error < 1.25, "at \(worst.argument)")
  }

  @Test(arguments: KernelTable.all) func hyperbolicTangent(table: KernelTable) {
    let worst = largestError(table, UR_TANH, tanh)
    #expect(worst.error < 3, "at \(worst.argument)")
    #expect(apply(table, UR_TANH, to: Self.arguments).allSatisfy { !(abs($0) > 1) })
  }

  @Test(arguments: KernelTable.all) func sigmoid(table: KernelTable) {
    let meaning: (Double) -> Double = { 1 / (1 + exp(-$0)) }
    let worst = largestError(table, UR_SIGMOID, meaning, where: { !($0 < -87) })
    #expect(worst.error < 3, "at \(worst.argument)")
    let below = Self.arguments.filter { $0 < -87 }
    #expect(apply(table, UR_SIGMOID, to: below).allSatisfy { $0 > 0 && $0 < 2e-38 })
  }

  /// Near its zeros a cosine's last place means nothing: the error is absolute.
  @Test(arguments: KernelTable.all) func cosine(table: KernelTable) {
    let arguments = Self.arguments.filter { abs($0) <= 10_000 }
    for (x, y) in zip(arguments, apply(table, UR_COSINE, to: arguments)) {
      #expect(abs(Double(y) - cos(Double(x))) < 3e-7, "at \(x)")
    }
    let turns = (0..<20_000).map { Float($0) * 0.01 }
    for (x, y) in zip(turns, apply(table, UR_COSINE, to: turns)) {
      #expect(abs(Double(y) - cos(Double(x))) < 3e-7, "at \(x)")
    }
    let all = apply(table, UR_COSINE, to: Self.arguments)
    for (x, y) in zip(Self.arguments, all) { #expect(x.isFinite ? abs(y) <= 1 : y.isNaN, "at \(x)") }
  }

  @Test(arguments: KernelTable.all) func specialValues(table: KernelTable) {
    let special: [Float] = [.nan, -.nan, Float(bitPattern: 0x7FC0_0001), .infinity, -.infinity, 0, -0.0]
    func bits(_ opcode: ur_opcode) -> [String] { apply(table, opcode, to: special).map { $0.isNaN ? "nan" : "\($0)" } }
    #expect(bits(UR_EXP) == ["nan", "nan", "nan", "inf", "0.0", "1.0", "1.0"])
    #expect(bits(UR_LOG) == ["nan", "nan", "nan", "inf", "nan", "-inf", "-inf"])
    #expect(bits(UR_TANH) == ["nan", "nan", "nan", "1.0", "-1.0", "0.0", "0.0"])
    #expect(bits(UR_SIGMOID).prefix(4) == ["nan", "nan", "nan", "1.0"])
    #expect(bits(UR_SIGMOID).suffix(2) == ["0.5", "0.5"])
    #expect(bits(UR_MAXIMUM).prefix(4) == ["nan", "nan", "nan", "inf"])
    #expect(bits(UR_RELU) == ["nan", "nan", "nan", "inf", "0.0", "0.0", "-0.0"])
  }
}
