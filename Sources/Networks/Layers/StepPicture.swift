import Recurrence

extension Recurrent {
  /// The cell's equations, one a line, as its `step` computes them:
  ///
  ///     Recurrent(Elman(inputSize: 3, hiddenSize: 8, using: &random)).equations
  ///     // h′ = tanh(hidden.weight·[h, x] + hidden.bias)
  ///     // y = h′
  public var equations: String { unroller.plan().history[0].graph.equations(names: stepNames) }

  /// A picture of the cell's step, drawn from the equations that run, whatever the cell.
  ///
  /// `steps` nil: folded, one step, whose state goes back through a delay. Otherwise so many copies of the step side by
  /// side, at least 1, with the state going on from each to the next; the same name is the same weights.
  ///
  ///     print(layer.picture())
  ///     try layer.picture(unrolled: 3, as: .svg).write(toFile: "layer.svg", atomically: true, encoding: .utf8)
  public func picture(unrolled steps: Int? = nil, as format: PictureFormat = .text) -> String {
    stepDiagram(unrolled: steps).drawn(as: format)
  }
}

extension RecurrentLayer {
  /// The cell's step, folded, or unrolled over so many time steps.
  package func stepDiagram(unrolled steps: Int?) -> Diagram {
    let graph = unroller.plan().history[0].graph
    guard let steps else { return .folded(graph, names: stepNames, title: "One step of \(cellName), folded") }
    return .unrolled(graph, names: stepNames, steps: steps, title: "\(cellName), unrolled over time")
  }
}
