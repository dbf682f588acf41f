import Tensors

/// One step of a recurrence as a function of tensors: from the inputs and the state before the step to the outputs and
/// the state after it. It is run symbolically once (compiled), or with values at every time step (stepwise).
package struct StepFunction: Sendable {
  /// Values in a row of each input, of each part of the state.
  package let inputWidths: [Int]
  package let stateWidths: [Int]
  /// Tensors are [batch, width].
  package let body: @Sendable (_ inputs: [Tensor], _ states: [Tensor]) -> (outputs: [Tensor], states: [Tensor])

  package init(
    inputWidths: [Int], stateWidths: [Int],
    body: @escaping @Sendable (_ inputs: [Tensor], _ states: [Tensor]) -> (outputs: [Tensor], states: [Tensor])
  ) {
    self.inputWidths = inputWidths
    self.stateWidths = stateWidths
    self.body = body
  }

  /// Runs the equations once on symbols and returns what they did as a graph.
  ///
  /// Traps when the state changes its width, or when an operation mixes the rows of a batch.
  package func traced() -> StepGraph {
    let trace = Trace()
    let inputs = inputWidths.enumerated().map { trace.leaf(.input($0), shape: [1, $1]) }
    let states = stateWidths.enumerated().map { trace.leaf(.state($0), shape: [1, $1]) }
    let results = Recording.$current.withValue(.trace(trace)) { body(inputs, states) }
    checkStates(results.states)
    // A result that no input or state flows into gets a row for each sequence by adding nothing to it.
    func withRows(_ tensor: Tensor) -> Tensor {
      if StepGraph(trace, outputs: [tensor], states: []).hasRows.last == true { return tensor }
      guard let rows = (inputs + states).first(where: { $0.shape.last > 0 }) else {
        mistake("a step without a value in its inputs and its state")
      }
      return matmul(0 * rows.features(0..<1), .zeros([1, tensor.shape.last])) + tensor
    }
    let graph = StepGraph(trace, outputs: results.outputs.map(withRows), states: results.states.map(withRows))
    for (i, node) in graph.nodes.enumerated() where graph.hasRows[i] {
      demand(
        node.shape.rank == 2 && node.shape[0] == 1 && !node.sumsRows,
        "\(node.operation?.name ?? "a value") in a step: the sequences of a batch must not meet "
          + "(its result for one is \(node.shape))"
      )
    }
    return graph
  }

  private func checkStates(_ states: [Tensor]) {
    demand(
      states.map(\.shape.last) == stateWidths,
      "a step turns a state of widths \(stateWidths) into one of \(states.map(\.shape.last))")
  }
}

extension StepGraph.Node {
  /// Whether the rows of a batch are summed, as in a weight's gradient.
  fileprivate var sumsRows: Bool {
    if case .product(transposeA: true, _)? = operation { return true }
    return false
  }
}

extension StepGraph {
  /// The same graph where every result is a node of its own that one instruction can write: no leaf, no view of another
  /// node, no state's part that is computed for another part too.
  func anchored() -> StepGraph {
    var taken: Set<Int> = []
    func anchor(_ tensor: Tensor, isState: Bool) -> Tensor {
      var tensor = tensor
      while needsAnchor(tensor) || (isState && taken.contains(tensor.node!)) {
        tensor = tensor.applying(.pointwise(.affine(scale: 1, offset: 0)))
      }
      if isState { taken.insert(tensor.node!) }
      return tensor
    }
    return rewritten(rule: { _, _ in nil }, result: anchor)
  }

  private func needsAnchor(_ tensor: Tensor) -> Bool {
    switch tensor.origin?.operation {
    case nil, .slice?, .pad?: true
    default: false
    }
  }

  /// The part that is the same for all time steps, cut out: `weights` computes it once a run, and the step that is left
  /// reads its results as `.weight` leaves.
  func cutWeights() -> (weights: StepGraph, step: StepGraph) {
    var order: [Int] = []
    for (i, node) in nodes.enumerated() where hasRows[i] {
      for operand in node.operands where !hasRows[operand] && !order.contains(operand) { order.append(operand) }
    }
    let weights = StepGraph(nodes: nodes, outputs: order, states: [], reductions: [], constants: constants)
    var step = nodes
    for (weight, node) in order.enumerated() { step[node].source = .leaf(.weight(weight)) }
    return (
      weights, StepGraph(nodes: step, outputs: outputs, states: states, reductions: reductions, constants: [])
    )
  }
}
