import Tensors
import TestSupport
import Testing

/// Every operation: its value against the reference in Double, its derivative against central differences.
@Suite struct OperationTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let shapes: [Shape]
    var range: ClosedRange<Float> = -1...1
    let body: @Sendable ([Tensor]) -> Tensor
  }

  static let cases: [Case] = [
    Case(testDescription: "add, same shape", shapes: [[3, 5], [3, 5]]) { $0[0] + $0[1] },
    Case(testDescription: "add, bias", shapes: [[3, 5], [5]]) { $0[0] + $0[1] },
    Case(testDescription: "add, bias first", shapes: [[5], [3, 5]]) { $0[0] + $0[1] },
    Case(testDescription: "subtract, scalar", shapes: [[3, 5], [1]]) { $0[0] - $0[1] },
    Case(testDescription: "multiply, column", shapes: [[3, 5], [3, 1]]) { $0[0] * $0[1] },
    Case(testDescription: "multiply, row of extent 1", shapes: [[3, 5], [1, 5]]) { $0[0] * $0[1] },
    Case(testDescription: "multiply, one value each", shapes: [[1], [1, 1]]) { ($0[0] * $0[1]).rows(0..<1) },
    Case(testDescription: "multiply by itself", shapes: [[3, 5]]) { $0[0] * $0[0] },
    Case(testDescription: "divide", shapes: [[2, 7], [2, 7]], range: 0.5...2) { $0[0] / $0[1] },
    Case(testDescription: "divide, column", shapes: [[2, 7], [2, 1]], range: 0.5...2) { $0[0] / $0[1] },
    Case(testDescription: "maximum", shapes: [[3, 5], [3, 5]]) { maximum($0[0], $0[1]) },
    Case(testDescription: "affine", shapes: [[3, 5]]) { 3 - 2 * $0[0] },
    Case(testDescription: "exp", shapes: [[3, 5]]) { exp($0[0]) },
    Case(testDescription: "log", shapes: [[3, 5]], range: 0.2...3) { log($0[0]) },
    Case(testDescription: "tanh", shapes: [[2, 3, 5]]) { tanh(2 * $0[0]) },
    Case(testDescription: "sigmoid", shapes: [[3, 5]]) { sigmoid(3 * $0[0]) },
    Case(testDescription: "relu", shapes: [[3, 5]]) { relu($0[0]) },
    Case(testDescription: "square, square root", shapes: [[3, 5]], range: 0.5...2) { sqrt(square($0[0]) + $0[0]) },
    Case(testDescription: "reciprocal", shapes: [[3, 5]], range: 0.5...2) { 1 / $0[0] },
    Case(testDescription: "cosine, sine", shapes: [[3, 5]], range: -4...4) { cos($0[0]) + square(sin($0[0])) },
    Case(testDescription: "a tile and a half", shapes: [[2, 200], [200]]) { tanh($0[0] * $0[1]) },
    Case(testDescription: "product", shapes: [[3, 4], [4, 5]]) { matmul($0[0], $0[1]) },
    Case(testDescription: "product, transposed right", shapes: [[3, 4], [5, 4]]) {
      matmul($0[0], $0[1], transposeB: true)
    },
    Case(testDescription: "product, transposed left", shapes: [[4, 3], [4, 5]]) {
      matmul($0[0], $0[1], transposeA: true)
    },
    Case(testDescription: "product, both transposed", shapes: [[4, 3], [5, 4]]) {
      matmul($0[0], $0[1], transposeA: true, transposeB: true)
    },
    Case(testDescription: "a matrix for each row", shapes: [[3, 10], [3, 5]]) { rowwiseProduct($0[0], $0[1]) },
    Case(testDescription: "a matrix for each row, transposed", shapes: [[3, 10], [3, 2]]) {
      rowwiseProduct($0[0], $0[1], transposed: true)
    },
    Case(testDescription: "outer product of each row", shapes: [[3, 2], [3, 5]]) { rowwiseOuterProduct($0[0], $0[1]) },
    Case(testDescription: "concatenate features", shapes: [[3, 2], [3, 4]]) { concatenated($0[0], $0[1]) },
    Case(testDescription: "slice features", shapes: [[2, 3, 5]]) { $0[0].features(1..<4) },
    Case(testDescription: "slice rows", shapes: [[5, 3]]) { $0[0].rows(1..<4) },
    Case(testDescription: "sum", shapes: [[3, 5]]) { square($0[0]).sum() },
    Case(testDescription: "mean", shapes: [[3, 5]]) { square($0[0]).mean() },
    Case(testDescription: "reshape", shapes: [[3, 4]]) { tanh($0[0].reshaped(to: [2, 6])) },
    Case(testDescription: "gather", shapes: [[4, 3]]) { $0[0].gatheringRows([3, 0, 3, 1, 1]) },
    Case(testDescription: "softmax", shapes: [[3, 5]]) { softmax(2 * $0[0]) },
    Case(testDescription: "log softmax", shapes: [[3, 5]]) { logSoftmax(2 * $0[0]) },
    Case(testDescription: "normalised rows", shapes: [[3, 5]]) { normalized($0[0], epsilon: 0.01) },
    Case(testDescription: "gradient of normalised rows", shapes: [[3, 5], [3, 5]]) {
      Tensor.apply(.normalizeGradient(epsilon: 0.01), [$0[0], $0[1]])
    },
    Case(testDescription: "cross-entropy", shapes: [[4, 6]]) { crossEntropy(3 * $0[0], [2, 5, -1, 0]) },
  ]

  @Test(arguments: cases)
  func derivativesEqualFiniteDifferences(test: Case) {
    var random = RandomSource(seed: 31)
    let leaves = test.shapes.map { random.uniform($0, in: test.range) }
    let comparisons = compareGradients(leaves: leaves) { leaves in
      var weights = RandomSource(seed: 32)
      let result = test.body(leaves)
      return (result * weights.uniform(result.shape, in: -1...1)).sum()
    }
    for comparison in comparisons { #expect(comparison.error < 1e-4, "\(comparison.name): \(comparison.error)") }
  }

  @Test(arguments: cases)
  func valuesEqualTheReference(test: Case) throws {
    var random = RandomSource(seed: 33)
    let tape = Tape()
    let leaves = test.shapes.map { tape.watch(random.uniform($0, in: test.range)) }
    let result = Recording.$current.withValue(.tape(tape)) { test.body(leaves) }
    let expected = ReferenceEvaluator(tape).value(of: try #require(tape.index(of: result)))
    #expect(expected.shape == result.shape)
    for (a, b) in zip(result.values, expected.numbers) { #expect(abs(Double(a) - b) < 1e-5 * max(1, abs(b))) }
  }

  /// A value that is used twice gets the sum of both gradients; one that is cut off gets none.
  @Test func gradientsAddUpAndStopWhereCut() throws {
    let tape = Tape()
    let x = tape.watch(Tensor([3]))
    let y = Recording.$current.withValue(.tape(tape)) { (x * x + x).sum() + (x.detached * 100).sum() }
    let cotangents = tape.cotangents(from: [(y, Tensor([1]))])
    #expect(cotangents[try #require(tape.index(of: x))] == Tensor([7]))
  }
}
