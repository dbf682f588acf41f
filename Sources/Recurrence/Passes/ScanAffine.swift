import Tensors

/// Runs a recurrence that is linear in its state as a scan. Where every part of the state becomes
///
///     state' = a * state + b        and neither a nor b needs the state
///
/// this is all that has to go step by step: what a and b are made of is computed before the loop, and whatever reads
/// the state after it, for all time steps at once. An adjoint is such a recurrence too, backwards in time:
///
///     g = a * (g + cotangent of the output)
enum ScanAffine {
  @Sendable static func run(_ graph: StepGraph) -> StepGraph {
    guard let result = inNormalForm(graph), let updates = updates(result) else { return graph }
    return placed(result, updates)
  }

  private struct Update {
    let sum, product: Int
    let coefficient, rest: Int
  }

  /// The graph with the new states written as a * state + b; nil where one cannot be.
  private static func inNormalForm(_ graph: StepGraph) -> StepGraph? {
    guard !graph.states.isEmpty else { return nil }
    var found = 0
    let result = graph.rewritten { node, operands in
      guard let part = graph.states.firstIndex(of: node), let operation = graph.nodes[node].operation else {
        return nil
      }
      let form = AffineInState(of: Tensor.apply(operation, operands))
      guard form.terms.count == 1, form.terms[0].part == part, case .value(let a) = form.terms[0].coefficient,
        case .value(let b) = form.rest, !form.needsState
      else { return nil }
      found += 1
      return a * form.terms[0].state + b
    }
    // What is made of weights alone has been cut out already, and there is no place left to compute more of it.
    let isComplete = result.nodes.indices.allSatisfy { result.hasRows[$0] || result.nodes[$0].leaf != nil }
    return found == graph.states.count && isComplete ? result : nil
  }

  private static func updates(_ graph: StepGraph) -> [Update]? {
    let users = graph.users
    let updates = graph.states.map { sum in
      let (product, rest) = (graph.nodes[sum].operands[0], graph.nodes[sum].operands[1])
      return Update(sum: sum, product: product, coefficient: graph.nodes[product].operands[0], rest: rest)
    }
    let fits = updates.allSatisfy { update in
      let width = graph.nodes[update.sum].width
      return users[update.product] == [update.sum] && !graph.outputs.contains(update.product)
        && [update.coefficient, update.rest].allSatisfy { graph.nodes[$0].width == width && !isContext($0, graph) }
    }
    return fits ? updates : nil
  }

  /// Whether a value is a context itself, or a part of one: it has one row for all time steps.
  private static func isContext(_ node: Int, _ graph: StepGraph) -> Bool {
    switch graph.nodes[node].source {
    case .leaf(.context): true
    case .operation(.slice, let operands): isContext(operands[0], graph)
    default: false
    }
  }

  private static func placed(_ graph: StepGraph, _ updates: [Update]) -> StepGraph {
    var result = graph
    let early = graph.ancestors(of: updates.flatMap { [$0.coefficient, $0.rest] })
    for node in graph.nodes.indices where graph.hasRows[node] && graph.nodes[node].leaf == nil {
      result.nodes[node].phase = early[node] ? .before : .after
    }
    for node in updates.flatMap({ [$0.sum, $0.product] }) {
      result.nodes[node].phase = .loop
      result.nodes[node].fusion = .scan
    }
    return result
  }
}
