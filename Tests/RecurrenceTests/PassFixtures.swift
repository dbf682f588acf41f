import Recurrence
import Tensors

/// A small step for a test of a pass: leaves on symbols, results as a graph.
struct SmallStep {
  private let trace = Trace()

  /// Input `index`, [1, width].
  func input(_ index: Int, width: Int) -> Tensor { trace.leaf(.input(index), shape: [1, width]) }
  /// Part `index` of the state before the step, [1, width].
  func state(_ index: Int, width: Int) -> Tensor { trace.leaf(.state(index), shape: [1, width]) }
  /// A weight of the plan.
  func weight(_ index: Int, _ shape: Shape) -> Tensor { trace.leaf(.weight(index), shape: shape) }
  /// The graph of the results.
  func graph(outputs: [Tensor] = [], states: [Tensor] = []) -> StepGraph {
    StepGraph(trace, outputs: outputs, states: states)
  }
}

extension StepGraph {
  /// The graph after passes, each named as in the pipeline, in the order given.
  func after(_ names: String...) -> StepGraph {
    names.reduce(self) { graph, name in PassSet.inOrder.first { $0.pass.name == name }!.pass.run(graph) }
  }

  /// The work of one run: products with weights (not those that are a weight's cotangent) before the loop, in it and
  /// after it, and how often the loop sweeps over memory for elementwise work.
  var work: String {
    let counts = [Phase.before, .loop, .after].map { "\($0) \(products(in: $0))" }
    return (counts + ["sweeps \(sweepsInLoop)"]).joined(separator: ", ")
  }

  private func products(in phase: Phase) -> Int {
    nodes.indices.count {
      guard case .product(transposeA: false, _)? = nodes[$0].operation else { return false }
      return hasRows[$0] && nodes[$0].phase == phase
    }
  }

  private var sweepsInLoop: Int {
    var groups: Set<Int> = []
    var alone = 0
    for (i, node) in nodes.enumerated() where node.pointwise != nil && hasRows[i] && node.phase == .loop {
      switch node.fusion {
      case .group(let group): groups.insert(group)
      case .alone: alone += 1
      case .epilogue, .scan: break
      }
    }
    return groups.count + alone
  }
}
