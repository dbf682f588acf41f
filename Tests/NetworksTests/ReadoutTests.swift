import Foundation
import Networks
import Tensors
import TestSupport
import Testing

/// The readout with its cross-entropy in one, against the two one after the other, and against PyTorch.
@Suite struct ReadoutTests {
  struct Size: Sendable, CustomTestStringConvertible {
    let rows, size, classes: Int
    var bias = true
    var testDescription: String { "\(rows) x \(size) -> \(classes)\(bias ? "" : ", no bias")" }
  }

  /// Both sides longer, pieces that are whole and not, several parts of either, one row, one class, nothing at all.
  static let sizes = [
    Size(rows: 5, size: 3, classes: 7), Size(rows: 7, size: 5, classes: 3, bias: false),
    Size(rows: 13, size: 9, classes: 300), Size(rows: 301, size: 17, classes: 65),
    Size(rows: 800, size: 2, classes: 801),
    Size(rows: 1, size: 1, classes: 1), Size(rows: 128, size: 16, classes: 128), Size(rows: 0, size: 4, classes: 6),
    Size(rows: 3, size: 200, classes: 2_500), Size(rows: 900, size: 31, classes: 129, bias: false),
  ]

  struct Outcome {
    let losses: [Float]
    let gradients: [[Float]]
  }

  private static func outcome(_ size: Size, _ losses: (Linear, Tensor, [Int32]) -> Tensor) -> Outcome {
    var random = RandomSource(seed: 41)
    let layer = Linear(inputs: size.size, outputs: size.classes, bias: size.bias, using: &random)
    layer.weight.value = random.uniform(layer.weight.shape, in: -1...1)
    layer.bias?.value = random.uniform([size.classes], in: -2...2)
    let x = random.uniform([size.rows, size.size], in: -2...2)
    // A third has no target; the first and the last class are asked for.
    let targets = (0..<size.rows).map {
      Int32($0 % 3 == 2 ? -1 : $0 % 2 == 0 ? $0 * 7 % size.classes : size.classes - 1)
    }
    let weights = random.uniform([size.rows], in: -1...1)
    let tape = Tape()
    let leaf = tape.watch(x)
    let result = Recording.$current.withValue(.tape(tape)) { losses(layer, leaf, targets) }
    let total = Recording.$current.withValue(.tape(tape)) { (result * weights).sum() }
    let cotangents = tape.cotangents(from: [(total, .ones(total.shape))])
    // Without a tape, no parameter is on it.
    let places =
      [tape.index(of: leaf)]
      + layer.parameters.map { named in
        tape.parameters.first { $0.parameter === named.parameter }?.index
      }
    return Outcome(losses: result.values, gradients: places.map { $0.flatMap { cotangents[$0]?.values } ?? [] })
  }

  @Test(arguments: sizes) func equalsTheTwoOperations(size: Size) {
    let expected = Self.outcome(size) { Tensors.crossEntropy($0($1), $2) }
    let actual = Self.outcome(size) { $0.crossEntropy($1, $2) }
    #expect(actual.losses.count == size.rows && actual.gradients.count == (size.bias ? 3 : 2))
    for (a, b) in zip([actual.losses] + actual.gradients, [expected.losses] + expected.gradients) {
      #expect(a.count == b.count)
      let scale = max(1e-3, b.map(abs).max() ?? 0)
      for (i, (a, b)) in zip(a, b).enumerated() { #expect(abs(a - b) <= 4e-6 * scale, "\(i): \(a) and \(b)") }
    }
  }

  @Test(arguments: sizes) func bitsDoNotDependOnThreads(size: Size) {
    let turn = ThreadTurn()
    defer { turn.end() }
    let outcomes = [1, 2, 3].map { threads in
      Threads.count = threads
      return Self.outcome(size) { $0.crossEntropy($1, $2) }
    }
    for other in outcomes.dropFirst() {
      #expect(other.losses == outcomes[0].losses && other.gradients == outcomes[0].gradients)
    }
  }

  /// Central differences of losses in Double, by loops of this test's own.
  @Test(arguments: sizes.prefix(3)) func passesFiniteDifferences(size: Size) {
    var random = RandomSource(seed: 41)
    let weight = random.uniform([size.classes, size.size], in: -1...1).values.map(Double.init)
    let bias = random.uniform([size.classes], in: -1...1).values.map(Double.init)
    let x = random.uniform([size.rows, size.size], in: -2...2).values.map(Double.init)
    let targets = (0..<size.rows).map { $0 % 4 == 3 ? -1 : $0 * 2 % size.classes }
    func loss(_ values: [[Double]]) -> Double {
      let (x, weight, bias) = (values[0], values[1], values[2])
      return targets.enumerated().reduce(0) { sum, pair in
        let (row, target) = pair
        guard target >= 0 else { return sum }
        let scores = (0..<size.classes).map { j in
          (0..<size.size).reduce(bias[j]) { $0 + x[row * size.size + $1] * weight[j * size.size + $1] }
        }
        return sum + Double(row + 1) * (log(scores.reduce(0) { $0 + exp($1) }) - scores[target])
      }
    }
    func tensor(_ values: [Double], _ shape: Shape) -> Tensor { Tensor(shape: shape, values: values.map { Float($0) }) }
    let layer = Linear(
      weight: Parameter(tensor(weight, [size.classes, size.size])), bias: Parameter(tensor(bias, [size.classes])))
    let tape = Tape()
    let leaf = tape.watch(tensor(x, [size.rows, size.size]))
    let factors = Tensor((1...size.rows).map { Float($0) })
    let total = Recording.$current.withValue(.tape(tape)) {
      (layer.crossEntropy(leaf, targets.map { Int32($0) }) * factors).sum()
    }
    let values = [x, weight, bias]
    #expect(abs(Double(total.scalar) - loss(values)) < 1e-5 * abs(loss(values)))
    let cotangents = tape.cotangents(from: [(total, .ones(total.shape))])
    let places =
      [tape.index(of: leaf)!]
      + layer.parameters.map { named in
        tape.parameters.first { $0.parameter === named.parameter }!.index
      }
    for (which, place) in places.enumerated() {
      for (i, computed) in (cotangents[place]?.values ?? []).enumerated() {
        func moved(_ step: Double) -> Double {
          var values = values
          values[which][i] += step
          return loss(values)
        }
        let expected = (moved(1e-5) - moved(-1e-5)) / 2e-5
        #expect(abs(Double(computed) - expected) < 1e-4 * max(1, abs(expected)), "\(which), \(i)")
      }
    }
  }

  /// Without a tape nothing is kept, and the losses are the same bits.
  @Test(arguments: sizes) func inferenceGivesTheSameLosses(size: Size) {
    let trained = Self.outcome(size) { $0.crossEntropy($1, $2) }
    let inferred = Self.outcome(size) { layer, x, targets in
      Recording.$current.withValue(.none) { layer.crossEntropy(x, targets) }
    }
    #expect(inferred.losses == trained.losses)
  }

  /// Scores far apart, as exponentials overflow from 89 on.
  @Test func largeScoresStayFinite() {
    let layer = Linear(
      weight: Parameter(Tensor(shape: [400, 1], values: (0..<400).map { Float($0) - 200 })), bias: nil)
    let losses = layer.crossEntropy(Tensor([[3], [-3]]), [399, 398]).values
    #expect(abs(losses[0] - 0.051069) < 1e-5 && abs(losses[1] - 1_194.0511) < 1e-3, "\(losses)")
  }

  private struct Golden: Decodable {
    let rows, size, classes: Int
    struct Outcome: Decodable {
      let losses: [Float]
      let gradients: [String: [Float]]
    }
    let x, weight, bias, losses, weights: [Float]
    let targets: [Int32]
    let gradients: [String: [Float]]
    let smoothed: Outcome
  }

  enum Form: CaseIterable { case plain, smoothed, smoothedScores }

  /// Values of `Tests/Golden/readout.py`.
  @Test(arguments: Form.allCases) func equalsPyTorch(form: Form) throws {
    let path = #filePath.replacing("NetworksTests/ReadoutTests.swift", with: "Golden/readout.json")
    let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    let layer = Linear(
      weight: Parameter(Tensor(shape: [golden.classes, golden.size], values: golden.weight)),
      bias: Parameter(Tensor(golden.bias)))
    let tape = Tape()
    let leaf = tape.watch(Tensor(shape: [golden.rows, golden.size], values: golden.x))
    let losses = Recording.$current.withValue(.tape(tape)) {
      switch form {
      case .plain: layer.crossEntropy(leaf, golden.targets)
      case .smoothed: layer.crossEntropy(leaf, golden.targets, smoothing: 0.2)
      case .smoothedScores: crossEntropy(layer(leaf), golden.targets, smoothing: 0.2)
      }
    }
    let expected =
      form == .plain ? Golden.Outcome(losses: golden.losses, gradients: golden.gradients) : golden.smoothed
    let total = Recording.$current.withValue(.tape(tape)) { (losses * Tensor(golden.weights)).sum() }
    let cotangents = tape.cotangents(from: [(total, .ones(total.shape))])
    func gradient(_ index: Int?) -> [Float] { index.flatMap { cotangents[$0]?.values } ?? [] }
    func parameter(_ parameter: Parameter?) -> [Float] {
      gradient(tape.parameters.first { $0.parameter === parameter }?.index)
    }
    let pairs = [
      (losses.values, expected.losses), (gradient(tape.index(of: leaf)), expected.gradients["x"] ?? []),
      (parameter(layer.weight), expected.gradients["weight"] ?? []),
      (parameter(layer.bias), expected.gradients["bias"] ?? []),
    ]
    for (which, (actual, expected)) in pairs.enumerated() {
      #expect(actual.count == expected.count && !expected.isEmpty)
      for (a, b) in zip(actual, expected) { #expect(abs(a - b) < 1e-5 * max(1, abs(b)), "\(which): \(a), \(b)") }
    }
  }
}
