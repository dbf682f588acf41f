import Networks
import Recurrence
import Tensors

/// Lengths of a batch that the laws are tried with: equal, unsorted, with empty sequences, one sequence, many, none.
package struct TestLengths: Sendable, CustomStringConvertible {
  package let lengths: [Int]
  package var description: String { "\(lengths)" }
  package static let all = [
    [3, 3, 3], [2, 5, 0, 3, 1], [4], [0, 0], [1, 0, 6, 6, 2, 5, 3, 4, 1, 1, 6, 2, 0, 3, 5, 4, 6, 2, 2, 1, 3, 4, 5],
  ].map(TestLengths.init)
}

extension SequenceBatch {
  package static func random(lengths: [Int], features: Int, using random: inout RandomSource) -> SequenceBatch {
    let layout = Layout(lengths: lengths)
    return SequenceBatch(rows: random.uniform([layout.rowCount, features], in: -1...1), layout: layout)
  }
}

extension LayerState {
  /// A state of the same parts with random values; counters stay.
  package func randomised(using random: inout RandomSource) -> LayerState {
    var state = self
    for i in parts.indices where !parts[i].isCounter {
      state.parts[i].tensor = random.uniform(parts[i].tensor.shape, in: -0.8...0.8)
    }
    return state
  }
}

/// What a recurrence gave: outputs, states, and the gradients of a random weighting of both with respect to parameters,
/// input and initial state.
package struct Outcome {
  package var named: [(name: String, tensor: Tensor)]

  package init(named: [(name: String, tensor: Tensor)]) { self.named = named }

  /// The largest difference of a value, relative to the largest value of its tensor.
  package func difference(to other: Outcome) -> (name: String, error: Double) {
    var worst = (name: "", error: 0.0)
    for ((name, a), (_, b)) in zip(named, other.named) {
      let scale = max(1e-2, b.values.map { abs(Double($0)) }.max() ?? 0)
      let error = zip(a.values, b.values).map { abs(Double($0) - Double($1)) / scale }.max() ?? 0
      if a.shape != b.shape || !(error <= worst.error) { worst = (name, a.shape == b.shape ? error : .infinity) }
    }
    return worst
  }
}

/// Runs a layer with a gradient. The weights of outputs and states in the loss come from a source of their own, so that
/// two runs weigh alike.
package func outcome(
  of layer: some SequenceLayer, on batch: SequenceBatch, from state: LayerState, _ unrolling: Unrolling,
  checkpointing: Checkpointing = .none, dropout random: RandomSource? = nil
) -> Outcome {
  var weights = RandomSource(seed: 99)
  let tape = Tape()
  let rows = tape.watch(batch.rows)
  let initial = LayerState(
    parts: state.parts.map { LayerState.Part(name: $0.name, tensor: tape.watch($0.tensor)) })
  var evaluation = Evaluation(unrolling: unrolling, checkpointing: checkpointing, random: random)
  let (result, loss) = Recording.$current.withValue(.tape(tape)) {
    let result = layer(batch.replacingRows(with: rows), from: initial, in: &evaluation)
    let all = [result.output.rows] + result.state.parts.map(\.tensor)
    let loss = all.map { ($0 * weights.uniform($0.shape, in: -1...1)).sum() }
    return (result, loss.dropFirst().reduce(loss[0], +))
  }
  let cotangents = tape.cotangents(from: [(loss, .ones(loss.shape))])
  func gradient(_ tensor: Tensor) -> Tensor {
    tape.index(of: tensor).flatMap { cotangents[$0] } ?? .zeros(tensor.shape)
  }
  var named = [("output", result.output.rows.detached)]
  named += result.state.parts.map { ("state \($0.name)", $0.tensor.detached) }
  named.append(("∂input", gradient(rows)))
  named += initial.parts.map { ("∂\($0.name)", gradient($0.tensor)) }
  let indices = Dictionary(
    uniqueKeysWithValues: tape.parameters.map { (ObjectIdentifier($0.parameter), $0.index) })
  for parameter in layer.parameters {
    let index = indices[ObjectIdentifier(parameter.parameter)]
    named.append(("∂" + parameter.path, index.flatMap { cotangents[$0] } ?? .zeros(parameter.parameter.shape)))
  }
  return Outcome(named: named.map { (name: $0.0, tensor: $0.1) })
}
