import Tensors

/// A gradient of the code, and the same by central differences in Double.
package struct GradientComparison {
  package let name: String
  package let computed: [Double]
  package let expected: [Double]

  /// The largest difference, relative to the largest expected value.
  package var error: Double {
    let scale = max(1e-3, expected.map(abs).max() ?? 0)
    return zip(computed, expected).map { abs($0 - $1) / scale }.max() ?? 0
  }
}

/// Compares the gradients of a scalar with central differences. `body` gets leaves of the given values and must record
/// plain operations only (recurrences `.stepwise`). Parameters that it reads are compared too, named by `names`.
package func compareGradients(
  leaves: [Tensor], names: [ObjectIdentifier: String] = [:], _ body: ([Tensor]) -> Tensor
) -> [GradientComparison] {
  let tape = Tape()
  let watched = leaves.map(tape.watch)
  let result = Recording.$current.withValue(.tape(tape)) { body(watched) }
  let cotangents = tape.cotangents(from: [(result, .ones(result.shape))])
  let evaluator = ReferenceEvaluator(tape)
  let root = tape.index(of: result)!
  func compare(_ name: String, _ index: Int, _ value: Tensor) -> GradientComparison {
    let center = value.values.map(Double.init)
    let differences = center.indices.map { i -> Double in
      func shifted(_ step: Double) -> Double {
        var moved = center
        moved[i] += step
        return evaluator.value(of: root, leaves: [index: moved]).numbers[0]
      }
      return (shifted(1e-5) - shifted(-1e-5)) / 2e-5
    }
    let computed = cotangents[index]?.values.map(Double.init) ?? center.map { _ in 0 }
    return GradientComparison(name: name, computed: computed, expected: differences)
  }
  let ofLeaves = watched.enumerated().map { compare("leaf \($0)", tape.index(of: $1)!, $1) }
  let ofParameters = tape.parameters.sorted { $0.index < $1.index }.map {
    compare(names[ObjectIdentifier($0.parameter)] ?? "parameter", $0.index, $0.parameter.value)
  }
  return ofLeaves + ofParameters
}
