import Recurrence
import Tensors

/// A textbook's cell, traced, with the names of its parameters. Input 3, hidden 5.
struct TracedStep {
  let graph: StepGraph
  let names: StepNames

  /// `equations` gets the weights by name, each made when it is first asked for: [5, columns], or [5] for a bias.
  init(
    states: [String], parameters: [String: Shape],
    _ equations: (_ x: Tensor, _ states: [Tensor], _ weight: (String) -> Tensor) -> (output: Tensor, states: [Tensor])
  ) {
    let trace = Trace()
    let stored = Dictionary(uniqueKeysWithValues: parameters.map { ($0, Parameter(.zeros($1))) })
    let results = Recording.$current.withValue(.trace(trace)) {
      equations(
        trace.leaf(.input(0), shape: [1, 3]),
        states.indices.map { trace.leaf(.state($0), shape: [1, 5]) },
        { stored[$0]!.tensor })
    }
    graph = StepGraph(trace, outputs: [results.output], states: results.states)
    names = StepNames(
      states: states,
      parameters: Dictionary(uniqueKeysWithValues: stored.map { (ParameterReference($1), $0) }))
  }

  /// h = tanh(W·[h, x] + b), y = h.
  static var elman: TracedStep {
    TracedStep(states: ["hidden"], parameters: ["recurrence.weight": [5, 8], "recurrence.bias": [5]]) { x, states, weight in
      let h = tanh(linear("recurrence", concatenated(states[0], x), weight))
      return (h, [h])
    }
  }

  static var lstm: TracedStep {
    TracedStep(states: ["hidden", "cell"], parameters: gates("forget", "input", "output", "candidate")) { x, states, weight in
      let hx = concatenated(states[0], x)
      let f = sigmoid(linear("forget", hx, weight))
      let i = sigmoid(linear("input", hx, weight))
      let o = sigmoid(linear("output", hx, weight))
      let cell = f * states[1] + i * tanh(linear("candidate", hx, weight))
      let hidden = o * tanh(cell)
      return (hidden, [hidden, cell])
    }
  }

  static var gru: TracedStep {
    TracedStep(states: ["hidden"], parameters: gates("update", "reset", "candidate")) { x, states, weight in
      let hx = concatenated(states[0], x)
      let z = sigmoid(linear("update", hx, weight))
      let r = sigmoid(linear("reset", hx, weight))
      let candidate = tanh(linear("candidate", concatenated(r * states[0], x), weight))
      let hidden = (1 - z) * states[0] + z * candidate
      return (hidden, [hidden])
    }
  }

  private static func linear(_ name: String, _ x: Tensor, _ weight: (String) -> Tensor) -> Tensor {
    matmul(x, weight(name + ".weight"), transposeB: true) + weight(name + ".bias")
  }

  private static func gates(_ names: String...) -> [String: Shape] {
    Dictionary(uniqueKeysWithValues: names.flatMap { [($0 + ".weight", [5, 8] as Shape), ($0 + ".bias", [5] as Shape)] })
  }
}
