import Tensors

/// Moves products that no later step needs behind the loop, where they run for all time steps at once:
///
///     loop: y = product(h, V)   ->   after: y = product(h, V)
///
/// with everything computed from them. Readouts sink in the forward graph, the inputs' cotangents in the adjoint.
enum SinkUnneeded {
  @Sendable static func run(_ graph: StepGraph) -> StepGraph {
    var result = graph
    let moves = find(graph)
    for node in graph.nodes.indices where moves[node] { result.nodes[node].phase = .after }
    return result
  }

  /// Nodes that move.
  static func find(_ graph: StepGraph) -> [Bool] {
    let needed = graph.neededByState
    var moves = [Bool](repeating: false, count: graph.nodes.count)
    for (i, node) in graph.nodes.enumerated() where graph.hasRows[i] && node.phase == .loop && !needed[i] {
      if case .product(transposeA: false, _)? = node.operation { moves[i] = true }
      if node.operands.contains(where: { moves[$0] }) { moves[i] = true }
    }
    return moves
  }
}
