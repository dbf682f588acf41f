import CKernels
import Foundation
import Testing

@Suite struct OptimizerTests {
  @Test(arguments: KernelTable.all, [0, 1, 7, 16, 75])
  func adam(table: KernelTable, count: Int) {
    let (w, g) = (Matrix(1, count, seed: 1), Matrix(1, count, seed: 2))
    let (m, v) = (Matrix(1, count, seed: 3), Matrix(1, count, seed: 4, range: 0...1))
    let old = (w: w.copy(), m: m.copy(), v: v.copy())
    for (coupled, decoupled) in [(0, 0), (0.5, 0), (0, 0.25)] as [(Float, Float)] {
      for (matrix, source) in [(w, old.w), (m, old.m), (v, old.v)] {
        for j in 0..<count { matrix[0, j] = source[0, j] }
      }
      table.kernels.adam(
        count, w.start, g.start, m.start, v.start, 0.5, 0.01, 0.75, 0.875, 1e-3, 1.25, 2.5, coupled, decoupled)
      func expected(_ j: Int) -> (w: Double, m: Double, v: Double) {
        let weight = Double(old.w[0, j])
        let gradient = 0.5 * Double(g[0, j]) + Double(coupled) * weight
        let m = 0.75 * Double(old.m[0, j]) + 0.25 * gradient
        let v = 0.875 * Double(old.v[0, j]) + 0.125 * gradient * gradient
        let step = m * 1.25 / (sqrt(v * 2.5) + 1e-3) + Double(decoupled) * weight
        return (weight - 0.01 * step, m, v)
      }
      #expect(w.largestError { (expected($1).w, 1) } < 3e-7)
      #expect(m.largestError { (expected($1).m, 1) } < 3e-7)
      #expect(v.largestError { (expected($1).v, 1) } < 3e-7)
      #expect([w, g, m, v].allSatisfy { $0.isUntouchedOutside })
    }
  }

  @Test(arguments: KernelTable.all, [(0, false), (1, true), (7, false), (16, true), (75, false), (75, true)])
  func sgd(table: KernelTable, setting: (count: Int, nesterov: Bool)) {
    let (count, nesterov) = setting
    let (w, g, v) = (Matrix(1, count, seed: 1), Matrix(1, count, seed: 2), Matrix(1, count, seed: 3))
    let (oldW, oldV) = (w.copy(), v.copy())
    table.kernels.sgd(count, w.start, g.start, v.start, 0.5, 0.1, 0.75, nesterov, 0.25)
    func expected(_ j: Int) -> (w: Double, v: Double) {
      let gradient = 0.5 * Double(g[0, j]) + 0.25 * Double(oldW[0, j])
      let velocity = 0.75 * Double(oldV[0, j]) + gradient
      return (Double(oldW[0, j]) - 0.1 * (nesterov ? gradient + 0.75 * velocity : velocity), velocity)
    }
    #expect(w.largestError { (expected($1).w, 1) } < 3e-7)
    #expect(v.largestError { (expected($1).v, 1) } < 3e-7)
    #expect([w, g, v].allSatisfy { $0.isUntouchedOutside })

    let plain = oldW.copy()
    table.kernels.sgd(count, plain.start, g.start, nil, 1, 0.5, 0, false, 0)
    #expect(plain.largestError { (Double(oldW[0, $1]) - 0.5 * Double(g[0, $1]), 1) } < 3e-7)
    #expect(plain.isUntouchedOutside)
  }
}
