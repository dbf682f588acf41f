import Tensors

/// Fuses chains of elementwise operations of one width, and sums into the products they follow:
///
///     tanh(f * c + i * g)            ->   one pass over tiles that stay in the cache
///     product(h, U) + w, used once   ->   a product that starts from w, also of the rows' own vectors
enum FusePointwise {
  @Sendable static func run(_ graph: StepGraph) -> StepGraph {
    var result = graph
    let users = graph.users
    for (i, node) in graph.nodes.enumerated() where node.pointwise == .add && node.fusion == .alone {
      if let product = epilogue(i, graph, users) { result.nodes[i].fusion = .epilogue(product: product) }
    }
    let stages = Stages(result)
    var groups: [GroupKey: Int] = [:]
    for (i, node) in result.nodes.enumerated()
    where node.pointwise != nil && result.hasRows[i] && node.fusion == .alone {
      let key = GroupKey(phase: node.phase, stage: stages[i], width: node.width)
      let group = groups[key] ?? groups.count
      groups[key] = group
      result.nodes[i].fusion = .group(group)
    }
    return result
  }

  private struct GroupKey: Hashable {
    let phase: StepGraph.Phase
    let stage: Int
    let width: Int
  }

  /// The product that sum `i` can start: read by nothing else, in the same phase, with a term of the same width that is
  /// known before it runs.
  private static func epilogue(_ i: Int, _ graph: StepGraph, _ users: [[Int]]) -> Int? {
    let node = graph.nodes[i]
    for (product, term) in [(node.operands[0], node.operands[1]), (node.operands[1], node.operands[0])] {
      guard graph.nodes[product].canAddToTerm, graph.hasRows[product],
        users[product].count == 1, product != term, graph.nodes[product].phase == node.phase,
        graph.nodes[product].width == node.width, graph.nodes[term].width == node.width,
        !graph.outputs.contains(product), !graph.states.contains(product)
      else { continue }
      let inLoop = graph.nodes[term].phase == .loop && graph.nodes[term].leaf == nil
      guard !graph.hasRows[term] || !inLoop || term < product else { continue }
      guard graph.nodes[term].pointwise == nil || !inLoop else { continue }
      return product
    }
    return nil
  }
}

extension StepGraph.Node {
  /// Whether it is computed as a sum that can start from something else than zero.
  fileprivate var canAddToTerm: Bool {
    switch operation {
    case .product(transposeA: false, _)?, .rowMatrices(.outer)?: true
    default: false
    }
  }
}

/// The order of the work inside one phase: nodes of a stage read only earlier stages, and elementwise nodes of the same
/// stage and width. Products of a stage run before its elementwise nodes.
package struct Stages {
  private var stages: [Int]
  package subscript(node: Int) -> Int { stages[node] }

  package init(_ graph: StepGraph) {
    stages = [Int](repeating: 0, count: graph.nodes.count)
    for (i, node) in graph.nodes.enumerated() where graph.hasRows[i] {
      guard case .operation(let operation, let operands) = node.source else { continue }
      let inputs = operands.filter { graph.hasRows[$0] && graph.nodes[$0].phase == node.phase }
      switch operation {
      case .slice(.features, _, _):
        stages[i] = inputs.map { stages[$0] }.max() ?? 0
      case .pointwise:
        if case .epilogue(let product) = node.fusion {
          // The sum is what the product computes: it stands where the product does.
          let others = inputs.filter { $0 != product }.map { stages[$0] + 1 }
          stages[i] = max(stages[product], others.max() ?? 0)
          stages[product] = stages[i]
        } else {
          stages[i] = inputs.map { stages[$0] + (sharesTile($0, i, graph) ? 0 : 1) }.max() ?? 0
        }
      default:
        stages[i] = (inputs.map { stages[$0] }.max() ?? 0) + 1
      }
    }
  }

  /// Whether an elementwise node may read `operand` in its own stage.
  private func sharesTile(_ operand: Int, _ node: Int, _ graph: StepGraph) -> Bool {
    var source = operand
    while case .operation(.slice(.features, _, _), let operands) = graph.nodes[source].source { source = operands[0] }
    if case .product? = graph.nodes[source].operation { return true }
    if graph.nodes[source].leaf != nil { return true }
    if case .epilogue = graph.nodes[source].fusion { return true }
    return source == operand && graph.nodes[source].pointwise != nil
      && graph.nodes[source].width == graph.nodes[node].width
  }
}
