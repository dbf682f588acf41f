import Tensors

/// A gradient of the code, and the same by central differences in Double.
package struct GradientComparison {
  package let name: String
  package let computed: [Double]
  package let expected: [Double]
  /// What a difference is relative to.
  let scale: Double

  /// The largest difference, relative to the largest expected value; along a direction to the gradient's length.
  package var error: Double {
    zip(computed, expected).map { abs($0 - $1) / max(1e-3, scale) }.max() ?? 0
  }
}

/// Compares the gradients of a scalar with central differences. `body` gets leaves of the given values and must record
/// plain operations only (recurrences `.stepwise`). Parameters that it reads are compared too, named by `names`.
///
/// With `directions` the values of a tensor are moved all at once in a random direction: two evaluations a tensor in
/// place of two a value, and every wrong value shows still.
package func compareGradients(
  leaves: [Tensor], names: [ObjectIdentifier: String] = [:], along directions: RandomSource? = nil,
  _ body: ([Tensor]) -> Tensor
) -> [GradientComparison] {
  let tape = Tape()
  let watched = leaves.map(tape.watch)
  let result = Recording.$current.withValue(.tape(tape)) { body(watched) }
  let cotangents = tape.cotangents(from: [(result, .ones(result.shape))])
  let evaluator = ReferenceEvaluator(tape)
  let root = tape.index(of: result)!
  var random = directions
  func compare(_ name: String, _ index: Int, _ value: Tensor) -> GradientComparison {
    let center = value.values.map(Double.init)
    func difference(_ move: (inout [Double], Double) -> Void) -> Double {
      func shifted(_ step: Double) -> Double {
        var moved = center
        move(&moved, step)
        return evaluator.value(of: root, leaves: [index: moved]).numbers[0]
      }
      return (shifted(1e-5) - shifted(-1e-5)) / 2e-5
    }
    let computed = cotangents[index]?.values.map(Double.init) ?? center.map { _ in 0 }
    guard let direction = random?.uniform(value.shape, in: -1...1).values.map(Double.init) else {
      let differences = center.indices.map { i in difference { $0[i] += $1 } }
      return GradientComparison(
        name: name, computed: computed, expected: differences, scale: differences.map(abs).max() ?? 0)
    }
    return GradientComparison(
      name: name, computed: [zip(computed, direction).reduce(0) { $0 + $1.0 * $1.1 }],
      expected: [difference { moved, step in for i in moved.indices { moved[i] += step * direction[i] } }],
      scale: computed.reduce(0) { $0 + $1 * $1 }.squareRoot())
  }
  let ofLeaves = watched.enumerated().map { compare("leaf \($0)", tape.index(of: $1)!, $1) }
  let ofParameters = tape.parameters.sorted { $0.index < $1.index }.map {
    compare(names[ObjectIdentifier($0.parameter)] ?? "parameter", $0.index, $0.parameter.value)
  }
  return ofLeaves + ofParameters
}
