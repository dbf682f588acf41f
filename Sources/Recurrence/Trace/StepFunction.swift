import Tensors

/// One step of a recurrence as a function of tensors: from the inputs and the state before the step to the outputs and
/// the state after it. It is run symbolically once (compiled), or with values at every time step (stepwise).
package struct StepFunction: Sendable {
  /// Values in a row of each input, of each part of the state.
  package let inputWidths: [Int]
  package let stateWidths: [Int]
  package let contexts: [Context]
  /// How many of the inputs, the last ones, are noise: nobody asks for their cotangents.
  let noiseCount: Int
  /// Tensors that are given for each run and are the same for all rows, as parameters are.
  let givenShapes: [Shape]
  package let body: @Sendable (Arguments) -> Results

  /// What a step is given, each tensor [batch, width] but those of `given`.
  package struct Arguments: Sendable {
    package var inputs: [Tensor]
    package var states: [Tensor]
    package var contexts: [Tensor]
    package var given: [Tensor] = []
  }

  package typealias Results = (outputs: [Tensor], states: [Tensor])

  /// Something that belongs to a sequence and is the same at all its time steps: a vector that a text is generated
  /// from, the rows that attention looks at.
  package struct Context: Sendable {
    package let width: Int
    /// Whether a gradient flows into it; a mask needs none.
    package let hasGradient: Bool

    package init(width: Int, hasGradient: Bool = true) {
      self.width = width
      self.hasGradient = hasGradient
    }
  }

  package init(
    inputWidths: [Int], stateWidths: [Int], contexts: [Context], noiseCount: Int = 0, givenShapes: [Shape] = [],
    body: @escaping @Sendable (Arguments) -> Results
  ) {
    self.inputWidths = inputWidths
    self.stateWidths = stateWidths
    self.contexts = contexts
    self.noiseCount = noiseCount
    self.givenShapes = givenShapes
    self.body = body
  }

  /// A step without contexts.
  package init(
    inputWidths: [Int], stateWidths: [Int],
    body: @escaping @Sendable (_ inputs: [Tensor], _ states: [Tensor]) -> Results
  ) {
    self.init(inputWidths: inputWidths, stateWidths: stateWidths, contexts: []) { body($0.inputs, $0.states) }
  }

  /// Runs the equations once on symbols and returns what they did as a graph.
  ///
  /// Traps when the state changes its width, or when an operation mixes the rows of a batch.
  package func traced() -> StepGraph {
    let trace = Trace()
    let inputs = inputWidths.enumerated().map { trace.leaf(.input($0), shape: [1, $1]) }
    let states = stateWidths.enumerated().map { trace.leaf(.state($0), shape: [1, $1]) }
    let contexts = contexts.enumerated().map { trace.leaf(.context($0), shape: [1, $1.width]) }
    let given = givenShapes.enumerated().map { trace.leaf(.given($0), shape: $1) }
    let arguments = Arguments(inputs: inputs, states: states, contexts: contexts, given: given)
    let results = Recording.$current.withValue(.trace(trace)) { body(arguments) }
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
  /// node, no state's part that is computed for another part too. What a product reads of a context becomes a node as
  /// well: the weight's gradient needs a row of it for each time step.
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
    return rewritten(
      rule: { node, operands in
        guard case .product(let transposeA, let transposeB)? = self.nodes[node].operation, operands[0].isContext else {
          return nil
        }
        let copy = operands[0].applying(.pointwise(.affine(scale: 1, offset: 0)))
        return matmul(copy, operands[1], transposeA: transposeA, transposeB: transposeB)
      }, result: anchor)
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

extension Tensor {
  /// Whether a symbolic tensor is a context, or a slice of one.
  fileprivate var isContext: Bool {
    guard case .symbol(let symbol) = content else { return false }
    switch symbol.trace.nodes[symbol.node].source {
    case .leaf(.context): return true
    case .operation(.slice, let operands): return symbol.trace.tensor(operands[0]).isContext
    default: return false
    }
  }
}
