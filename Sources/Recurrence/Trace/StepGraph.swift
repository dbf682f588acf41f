import Tensors

/// One time step of a recurrence as a graph: the cycle of the network is the edge from `states` (after the step) back
/// to the `.state` leaves (before it).
///
/// Nodes stand in topological order: a node's operands have smaller numbers. Batch has extent 1 here; a node that
/// `hasRows` stands for one row per sequence.
package struct StepGraph: Sendable, Hashable {
  package enum Phase: String, Sendable, CaseIterable {
    /// Once a run, from parameters alone.
    case once
    /// For all time steps at once, before the loop.
    case before
    /// At every time step.
    case loop
    /// For all time steps at once, after the loop.
    case after
  }

  /// How a node is computed together with others.
  package enum Fusion: Hashable, Sendable {
    case alone
    /// One of a chain of elementwise operations that run tile by tile.
    case group(Int)
    /// A sum that the product `product` starts from instead of zero.
    case epilogue(product: Int)
    /// A part of the update a * state + b of a state's part, which runs as a scan over time.
    case scan
  }

  package struct Node: Sendable, Hashable {
    package var source: Trace.Source
    package var shape: Shape
    package var phase: Phase
    package var fusion: Fusion

    package var operands: [Int] {
      if case .operation(_, let operands) = source { return operands }
      return []
    }
    package var operation: Operation? {
      if case .operation(let operation, _) = source { return operation }
      return nil
    }
    package var leaf: Leaf? {
      if case .leaf(let leaf) = source { return leaf }
      return nil
    }
    package var pointwise: Pointwise? {
      if case .operation(.pointwise(let operation), _) = source { return operation }
      return nil
    }
    /// Values in a row.
    package var width: Int { shape.last }
  }

  package var nodes: [Node]
  /// Whether node i has a row for each sequence of the batch.
  package var hasRows: [Bool]
  /// The step's outputs.
  package var outputs: [Int]
  /// The parts of the state after the step.
  package var states: [Int]
  /// In an adjoint: sums over all rows and time steps that are a weight's cotangent.
  package var reductions: [Reduction]
  /// Values of the `.constant` leaves.
  package var constants: [Tensor]

  package struct Reduction: Sendable, Hashable {
    package var weight: Int
    package var node: Int
  }

  /// The graph of what was traced, without the nodes that no result needs.
  package init(
    _ trace: Trace, outputs: [Tensor], states: [Tensor], reductions: [(weight: Int, tensor: Tensor)] = []
  ) {
    let outputs = outputs.map(trace.number)
    let states = states.map(trace.number)
    let reductions = reductions.map { Reduction(weight: $0.weight, node: trace.number($0.tensor)) }
    self.init(
      nodes: trace.nodes.map { Node(source: $0.source, shape: $0.shape, phase: .loop, fusion: .alone) },
      outputs: outputs, states: states, reductions: reductions, constants: trace.constants)
  }

  init(nodes: [Node], outputs: [Int], states: [Int], reductions: [Reduction], constants: [Tensor]) {
    let roots = outputs + states + reductions.map(\.node)
    var live = [Bool](repeating: false, count: nodes.count)
    for root in roots { live[root] = true }
    for i in nodes.indices.reversed() where live[i] {
      for operand in nodes[i].operands { live[operand] = true }
    }
    var number = [Int](repeating: -1, count: nodes.count)
    var kept: [Node] = []
    var hasRows: [Bool] = []
    for i in nodes.indices where live[i] {
      var node = nodes[i]
      if case .operation(let operation, let operands) = node.source {
        node.source = .operation(operation, operands.map { number[$0] })
      }
      if case .epilogue(let product) = node.fusion { node.fusion = .epilogue(product: number[product]) }
      let rows = node.leaf?.hasRows ?? node.operands.contains { hasRows[$0] }
      number[i] = kept.count
      if !rows { node.phase = .once }
      kept.append(node)
      hasRows.append(rows)
    }
    self.nodes = kept
    self.hasRows = hasRows
    self.outputs = outputs.map { number[$0] }
    self.states = states.map { number[$0] }
    self.reductions = reductions.map { Reduction(weight: $0.weight, node: number[$0.node]) }
    self.constants = constants
  }

  package static func == (a: Self, b: Self) -> Bool {
    a.nodes == b.nodes && a.outputs == b.outputs && a.states == b.states && a.reductions == b.reductions
  }
  package func hash(into hasher: inout Hasher) { hasher.combine(nodes) }
}

extension StepGraph {
  /// Nodes whose value depends on the state before the step, or on a context: neither has rows of its own for all time
  /// steps.
  package var needsState: [Bool] {
    var needs = [Bool](repeating: false, count: nodes.count)
    for (i, node) in nodes.enumerated() {
      switch node.source {
      case .leaf(.state), .leaf(.stateCotangent), .leaf(.context): needs[i] = true
      case .leaf: break
      case .operation(_, let operands): needs[i] = operands.contains { needs[$0] }
      }
    }
    return needs
  }

  /// Nodes that the state after the step is computed from.
  package var neededByState: [Bool] { ancestors(of: states) }

  /// The given nodes and everything they are computed from.
  package func ancestors(of roots: [Int]) -> [Bool] {
    var marked = [Bool](repeating: false, count: nodes.count)
    for root in roots { marked[root] = true }
    for i in nodes.indices.reversed() where marked[i] {
      for operand in nodes[i].operands { marked[operand] = true }
    }
    return marked
  }

  /// The graph without its outputs and what only they need.
  var withoutOutputs: StepGraph {
    StepGraph(nodes: nodes, outputs: [], states: states, reductions: reductions, constants: constants)
  }

  /// For each node, the nodes that read it.
  package var users: [[Int]] {
    var users = [[Int]](repeating: [], count: nodes.count)
    for (i, node) in nodes.enumerated() {
      for operand in Set(node.operands) { users[operand].append(i) }
    }
    return users
  }

  /// Builds the graph anew, node by node: `rule` may put another expression in place of a node, `result` in place of an
  /// output or a state's part.
  package func rewritten(
    rule: (_ node: Int, _ operands: [Tensor]) -> Tensor?,
    result: (_ tensor: Tensor, _ isState: Bool) -> Tensor = { tensor, _ in tensor }
  ) -> StepGraph {
    rewritten(
      rule: rule,
      results: { tensors in
        (outputs.map { result(tensors[$0], false) }, states.map { result(tensors[$0], true) })
      })
  }

  /// The same, where `results` makes outputs and states from what the nodes became.
  func rewritten(
    rule: (_ node: Int, _ operands: [Tensor]) -> Tensor?,
    results: (_ tensors: [Tensor]) -> (outputs: [Tensor], states: [Tensor])
  ) -> StepGraph {
    let trace = Trace()
    var tensors: [Tensor] = []
    for (i, node) in nodes.enumerated() {
      switch node.source {
      case .leaf(.constant(let index)): tensors.append(trace.tensor(trace.number(constants[index])))
      case .leaf(let leaf): tensors.append(trace.leaf(leaf, shape: node.shape))
      case .operation(let operation, let operands):
        let inputs = operands.map { tensors[$0] }
        tensors.append(rule(i, inputs) ?? Tensor.apply(operation, inputs))
      }
    }
    let (outputs, states) = results(tensors)
    return StepGraph(
      trace, outputs: outputs, states: states, reductions: reductions.map { ($0.weight, tensors[$0.node]) })
  }
}

extension Tensor {
  /// The operation that a symbolic tensor comes from, with its operands.
  package var origin: (operation: Operation, operands: [Tensor])? {
    guard case .symbol(let symbol) = content,
      case .operation(let operation, let operands) = symbol.trace.nodes[symbol.node].source
    else { return nil }
    return (operation, operands.map(symbol.trace.tensor))
  }

  /// The leaf that a symbolic tensor is.
  var leaf: Leaf? {
    guard case .symbol(let symbol) = content, case .leaf(let leaf) = symbol.trace.nodes[symbol.node].source else {
      return nil
    }
    return leaf
  }

  /// A leaf of the trace that this symbolic tensor is in.
  func beside(_ leaf: Leaf, shape: Shape) -> Tensor {
    guard case .symbol(let symbol) = content else { mistake("\(leaf.name) beside a tensor outside the trace") }
    return symbol.trace.leaf(leaf, shape: shape)
  }

  /// The number of a symbolic tensor's node.
  package var node: Int? {
    guard case .symbol(let symbol) = content else { return nil }
    return symbol.node
  }
}
