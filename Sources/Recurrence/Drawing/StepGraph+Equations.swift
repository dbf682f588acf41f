import Tensors

extension StepGraph {
  /// The step as equations a person reads, one a line, in the order of computation, under a heading for each phase when
  /// a pass has made several:
  ///
  ///     forget = σ(forget.weight·[h, x] + forget.bias)
  ///     …
  ///     h′ = output × tanh(c′)
  ///     y = h′
  ///
  /// A value has an equation of its own when it is a result (`h′` is the state part after the step), when several
  /// others read it, or when it is a gate: a function of a product with weights, named like them. Other names are the
  /// numbers of ``description``. Longer lines than `width` are broken.
  package func equations(names: StepNames, width: Int = 100) -> String {
    var notation = StepNotation(graph: self, names: names)
    notation.known = equationNames(names)
    var lines: [(phase: Phase, text: String)] = []
    for node in nodes.indices where nodes[node].leaf == nil {
      guard let name = notation.known[node] else { continue }
      lines.append((nodes[node].phase, "\(name) = \(notation.expression(node))" + fusionMark(node)))
    }
    for (index, node) in states.enumerated() where notation.known[node] != names.symbol(index) + "′" {
      lines.append((nodes[node].phase, "\(names.symbol(index))′ = \(notation.name(node))"))
    }
    for (index, node) in outputs.enumerated() where notation.known[node] != names.output(index) {
      lines.append((nodes[node].phase, "\(names.output(index)) = \(notation.name(node))"))
    }
    for reduction in reductions {
      lines.append((.after, "cotangent of weight \(reduction.weight) = \(notation.name(reduction.node))"))
    }
    let phases = Phase.allCases.filter { phase in lines.contains { $0.phase == phase } }
    let hasHeadings = phases != [.loop]
    return phases.flatMap { phase in
      (hasHeadings ? [phase.heading] : [])
        + lines.filter { $0.phase == phase }.map { broken((hasHeadings ? "  " : "") + $0.text, width) }
    }.joined(separator: "\n")
  }

  /// Nodes that get an equation.
  private func equationNames(_ names: StepNames) -> [Int: String] {
    var known: [Int: String] = [:]
    var taken: Set<String> = []
    func name(_ node: Int, _ name: String) {
      guard nodes[node].leaf == nil, known[node] == nil else { return }
      known[node] = taken.insert(name).inserted ? name : "%\(node)"
    }
    for (index, node) in states.enumerated() { name(node, names.symbol(index) + "′") }
    for (index, node) in outputs.enumerated() { name(node, names.output(index)) }
    let users = users
    for node in nodes.indices where nodes[node].leaf == nil {
      if let gate = gateName(node, names) {
        name(node, gate)
      } else if isWorthNaming(node, users[node]) {
        name(node, "%\(node)")
      }
    }
    return known
  }

  /// Nodes that are gates, with the names of their layers.
  func gateNames(_ names: StepNames) -> [Int: String] {
    var known: [Int: String] = [:]
    for node in nodes.indices { known[node] = gateName(node, names) }
    return known
  }

  /// `forget` for a function of `forget.weight·…`, also when that is a part of a stacked product; nil for other nodes.
  private func gateName(_ node: Int, _ names: StepNames) -> String? {
    guard nodes[node].pointwise?.isFunction == true else { return nil }
    let operand = nodes[node].operands[0]
    let gates = Set(weights(under: operand, columns: 0..<nodes[operand].width).map { layerName($0, names) })
    return gates.count == 1 ? gates.first ?? nil : nil
  }

  /// The weights whose products add up to the given columns of a node.
  private func weights(under node: Int, columns: Range<Int>) -> [Int] {
    guard case .operation(let operation, let operands) = nodes[node].source else { return [] }
    switch operation {
    case .pointwise(.add):
      return operands.flatMap { hasRows[$0] ? weights(under: $0, columns: columns) : [] }
    case .slice(.features, let from, _):
      return weights(under: operands[0], columns: columns.lowerBound + from..<columns.upperBound + from)
    case .product where hasRows[operands[0]] && !hasRows[operands[1]]:
      return [part(of: operands[1], at: columns)]
    default: return []
    }
  }

  /// The one of several stacked weights that makes the given columns of their product.
  private func part(of weight: Int, at columns: Range<Int>) -> Int {
    guard case .operation(.concatenate(let along), let parts) = nodes[weight].source else { return weight }
    var end = 0
    for part in parts {
      let start = end
      end += along == .rows ? nodes[part].shape[0] : nodes[part].width
      if start == columns.lowerBound, end == columns.upperBound { return part }
    }
    return weight
  }

  /// `forget` for a parameter `forget.weight` or a slice of it, and the whole path where several layers of the step
  /// have that name: `highways.1.transform`. nil for other nodes.
  func layerName(_ weight: Int, _ names: StepNames) -> String? {
    guard let path = layerPath(sliced(weight), names), let name = path.last else { return nil }
    let namesakes = Set(nodes.indices.compactMap { layerPath($0, names) }.filter { $0.last == name })
    return namesakes.count > 1 ? path.joined(separator: ".") : String(name)
  }

  /// The components of a parameter's path, without its own name; nil for other nodes.
  private func layerPath(_ node: Int, _ names: StepNames) -> [Substring]? {
    guard case .parameter(let reference)? = nodes[node].leaf else { return nil }
    return names.parameter(reference).split(separator: ".").dropLast()
  }

  /// What a slice is a slice of.
  func sliced(_ node: Int) -> Int {
    if case .operation(.slice, let operands) = nodes[node].source { return sliced(operands[0]) }
    return node
  }

  private func isWorthNaming(_ node: Int, _ users: [Int]) -> Bool {
    switch nodes[node].operation {
    case .slice?: return false
    case .concatenate(let along)?: return !hasRows[node] || (along == .features && users.count > 4)
    default: break
    }
    // A value that crosses from one phase into another is stored, so it deserves a line.
    return users.count > 1 || users.contains { nodes[$0].phase != nodes[node].phase } && hasRows[node]
  }

  private func fusionMark(_ node: Int) -> String {
    switch nodes[node].fusion {
    case .alone: ""
    case .group(let group): "   (tile \(group))"
    case .epilogue(let product): "   (into the product %\(product))"
    case .scan: "   (scan)"
    }
  }

  private func broken(_ line: String, _ width: Int) -> String {
    let indentation = String(line.prefix { $0 == " " })
    var lines: [String] = []
    var current = indentation
    for word in line.dropFirst(indentation.count).split(separator: " ", omittingEmptySubsequences: false) {
      let isFirst = current.allSatisfy { $0 == " " }
      if !isFirst, current.count + 1 + word.count > width {
        lines.append(current)
        current = indentation + "    " + word
      } else {
        current += (isFirst ? "" : " ") + word
      }
    }
    return (lines + [current]).joined(separator: "\n")
  }
}

extension StepGraph.Phase {
  /// The heading of its equations.
  fileprivate var heading: String {
    switch self {
    case .once: "once a run:"
    case .before: "before the loop, for all time steps at once:"
    case .loop: "at every time step:"
    case .after: "after the loop, for all time steps at once:"
    }
  }
}
