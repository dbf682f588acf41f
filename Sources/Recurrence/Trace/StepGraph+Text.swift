import Tensors

extension StepGraph: CustomStringConvertible {
  /// One line a node: number, shape, phase, fusion, what it is, operands; then the results.
  ///
  ///     %3 [1, 8] loop = product··(%1, %2)
  package var description: String {
    var lines = nodes.indices.map(line)
    lines.append("outputs" + list(outputs))
    lines.append("states" + list(states))
    for reduction in reductions { lines.append("cotangent of weight \(reduction.weight): %\(reduction.node)") }
    return lines.joined(separator: "\n")
  }

  private func list(_ nodes: [Int]) -> String { nodes.map { " %\($0)" }.joined() }

  private func line(_ i: Int) -> String {
    let node = nodes[i]
    var line = "%\(i) \(node.shape) \(node.phase.rawValue)"
    switch node.fusion {
    case .alone: break
    case .group(let group): line += " group \(group)"
    case .epilogue(let product): line += " into %\(product)"
    case .scan: line += " scan"
    }
    switch node.source {
    case .leaf(let leaf): line += " = \(leaf.name)"
    case .operation(let operation, let operands): line += " = \(operation.name)\(list(operands))"
    }
    return line
  }

  /// What is wrong with the graph's form; empty when nothing is. Run after every pass in tests.
  package func faults() -> [String] {
    var faults: [String] = []
    for (i, node) in nodes.enumerated() {
      if node.operands.contains(where: { $0 >= i || $0 < 0 }) { faults.append("%\(i) reads a later node") }
      guard let operation = node.operation else { continue }
      let shape = operation.shape(node.operands.map { nodes[$0].shape })
      if shape != node.shape { faults.append("%\(i) has shape \(node.shape), its operation gives \(shape)") }
      for operand in node.operands
      where isFixed(operand) && order(nodes[operand].phase) > order(node.phase) && hasRows[i] {
        faults.append("%\(i) (\(node.phase)) reads %\(operand) of a later phase (\(nodes[operand].phase))")
      }
    }
    for state in states where hasRows[state] && nodes[state].phase == .after {
      faults.append("state %\(state) is computed after the loop")
    }
    return faults
  }

  /// Whether a node is there in its phase alone: what was computed, and the running state. Other leaves are always
  /// there.
  private func isFixed(_ node: Int) -> Bool {
    switch nodes[node].leaf {
    case nil, .state?, .stateCotangent?: true
    default: false
    }
  }

  private func order(_ phase: Phase) -> Int { Phase.allCases.firstIndex(of: phase)! }
}

extension Leaf {
  /// The name in printed graphs.
  package var name: String {
    switch self {
    case .input(let index): "input \(index)"
    case .state(let index): "state \(index)"
    case .context(let index): "context \(index)"
    case .parameter: "parameter"
    case .constant(let index): "constant \(index)"
    case .given(let index): "given \(index)"
    case .weight(let index): "weight \(index)"
    case .saved(let node): "saved %\(node)"
    case .outputCotangent(let index): "cotangent of output \(index)"
    case .stateCotangent(let index): "cotangent of state \(index)"
    }
  }
}
