import Recurrence
import Tensors

/// A textbook's cell, traced, with the names of its parameters. Input 3, hidden 5.
struct DrawnStep {
  let graph: StepGraph
  var names: StepNames

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
  static var elman: DrawnStep {
    DrawnStep(states: ["hidden"], parameters: ["recurrence.weight": [5, 8], "recurrence.bias": [5]]) {
      x, states, weight in
      let h = tanh(linear("recurrence", concatenated(states[0], x), weight))
      return (h, [h])
    }
  }

  static var lstm: DrawnStep {
    DrawnStep(states: ["hidden", "cell"], parameters: gates("forget", "input", "output", "candidate")) {
      x, states, weight in
      let hx = concatenated(states[0], x)
      let f = sigmoid(linear("forget", hx, weight))
      let i = sigmoid(linear("input", hx, weight))
      let o = sigmoid(linear("output", hx, weight))
      let cell = f * states[1] + i * tanh(linear("candidate", hx, weight))
      let hidden = o * tanh(cell)
      return (hidden, [hidden, cell])
    }
  }

  static var gru: DrawnStep {
    DrawnStep(states: ["hidden"], parameters: gates("update", "reset", "candidate")) { x, states, weight in
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
    Dictionary(
      uniqueKeysWithValues: names.flatMap { [($0 + ".weight", [5, 8] as Shape), ($0 + ".bias", [5] as Shape)] })
  }
}

extension DrawnStep {
  /// The graph after the chosen passes.
  func graph(after passes: PassSet) -> StepGraph {
    PassSet.inOrder.reduce(graph) { graph, entry in passes.contains(entry.flag) ? entry.pass.run(graph) : graph }
  }

  /// A network with a layer of each kind.
  static let layers = [
    Diagram.Layer(name: "encoder.0", kind: "LSTM", states: ["hidden", "cell"], inputs: 65, outputs: 128),
    Diagram.Layer(name: "encoder.1", kind: "GRU", states: ["hidden"], inputs: 128, outputs: 96, direction: .both),
    Diagram.Layer(name: "readout", kind: "Linear", inputs: 96, outputs: 65),
  ]

  /// Pictures of every form, among them one with names that no format likes.
  static var pictures: [Diagram] {
    let steps = [DrawnStep.elman, .lstm, .gru, .hostile]
    return steps.flatMap { step in
      [
        Diagram.folded(step.graph, names: step.names), .unrolled(step.graph, names: step.names, steps: 3),
        .folded(step.graph(after: .all), names: step.names),
      ]
    } + [Diagram.network(layers), .network(layers, unrolled: 4), .network([], unrolled: 1), hostileNetwork]
  }

  static let hostileName = "a<&\">'\\N\u{0}\n]]>--{|}%é😀"

  static var hostile: DrawnStep {
    var step = DrawnStep.elman
    step.names = StepNames(inputs: [hostileName], outputs: [hostileName], states: [hostileName]) { _ in
      hostileName + ".weight"
    }
    return step
  }

  static var hostileNetwork: Diagram {
    let layer = Diagram.Layer(name: hostileName, kind: hostileName, states: [hostileName], inputs: 1, outputs: 2)
    return Diagram.network([layer], unrolled: 2)
  }
}
