import Tensors

/// Moves products that need no state before the loop, where they run for all time steps at once:
///
///     loop: product(x, V)   ->   before: product(x, V)
///
/// with what they are computed from, and what is computed from them without the state (a bias). Elementwise work that
/// no product is connected with stays in the loop: there its values are in the cache, before it they would go through
/// memory.
enum HoistStateless {
  @Sendable static func run(_ graph: StepGraph) -> StepGraph {
    let graph = gatherStatelessTerms(graph)
    let moves = find(graph)
    var result = graph
    for node in graph.nodes.indices where moves[node] { result.nodes[node].phase = .before }
    return result
  }

  /// Nodes that move.
  static func find(_ graph: StepGraph) -> [Bool] {
    let needsState = graph.needsState
    func isFree(_ node: Int) -> Bool { graph.hasRows[node] && !needsState[node] && graph.nodes[node].leaf == nil }
    let reductions = Set(graph.reductions.map(\.node))
    let products = graph.nodes.indices.filter { node in
      guard case .product(transposeA: false, _)? = graph.nodes[node].operation else { return false }
      return isFree(node) && !reductions.contains(node)
    }
    var moves = graph.ancestors(of: products)
    for node in graph.nodes.indices {
      if !isFree(node) || reductions.contains(node) {
        moves[node] = false
      } else if graph.nodes[node].operands.contains(where: { moves[$0] }) {
        moves[node] = true
      }
    }
    // What a moved node reads moves with it.
    for node in graph.nodes.indices.reversed() where moves[node] {
      for operand in graph.nodes[node].operands where isFree(operand) { moves[operand] = true }
    }
    return moves
  }

  /// (s + a) + b  ->  s + (a + b) where only s needs the state: a bias joins the product that can move.
  private static func gatherStatelessTerms(_ graph: StepGraph) -> StepGraph {
    let needsState = graph.needsState
    return graph.rewritten { node, operands in
      guard graph.nodes[node].pointwise == .add, needsState[node] else { return nil }
      let inputs = graph.nodes[node].operands
      guard let sum = inputs.firstIndex(where: { needsState[$0] && graph.nodes[$0].pointwise == .add }),
        !needsState[inputs[1 - sum]],
        let inner = operands[sum].origin, inner.operation == .pointwise(.add)
      else { return nil }
      let old = graph.nodes[inputs[sum]].operands
      guard let state = old.firstIndex(where: { needsState[$0] }), !needsState[old[1 - state]],
        graph.hasRows[old[1 - state]], graph.nodes[inputs[sum]].shape == graph.nodes[node].shape
      else { return nil }
      // If the inner sum was rewritten itself, its operands may have changed places: still the same sum, less of it
      // moves.
      return inner.operands[state] + (inner.operands[1 - state] + operands[1 - sum])
    }
  }
}
