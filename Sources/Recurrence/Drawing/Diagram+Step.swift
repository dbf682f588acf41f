import Tensors

extension Diagram {
  /// One time step's equations with their cycle: the state after the step goes back, through a delay, to where the
  /// state before the step enters.
  package static func folded(_ graph: StepGraph, names: StepNames, title: String = "One time step, folded") -> Diagram {
    var diagram = Diagram(title: title)
    let step = StepParts(graph, names)
    let ends = diagram.add(step, column: 0) { name, isBefore in isBefore ? name + "ₜ₋₁" : name + "ₜ" }
    for (index, (leaf, result)) in zip(ends.before, ends.after).enumerated() {
      guard let leaf else { continue }
      diagram.edges.append(Edge(from: result, to: leaf, kind: .delay, label: names.symbol(index)))
    }
    diagram.legend = step.legend + ["\(delaySign): arrives one time step later"]
    return diagram
  }

  /// The same equations, a copy a time step, without a cycle: the state after a step enters the next. Products with the
  /// same weights have the same name and colour in every copy.
  package static func unrolled(
    _ graph: StepGraph, names: StepNames, steps: Int = 2, title: String = "Unrolled over time"
  ) -> Diagram {
    var diagram = Diagram(title: title)
    let step = StepParts(graph, names)
    var previous: [Int] = []
    diagram.columns = (0..<max(1, steps)).map { "t = \($0 + 1)" }
    for time in diagram.columns.indices {
      let ends = diagram.add(step, column: time) { name, isBefore in name.subscripted(isBefore ? time : time + 1) }
      for (index, (leaf, result)) in zip(ends.before, previous).enumerated() {
        guard let leaf else { continue }
        diagram.edges.append(Edge(from: result, to: leaf, kind: .time, label: names.symbol(index)))
      }
      previous = ends.after
    }
    diagram.legend = step.legend + ["the same name in every step: the same weights"]
    return diagram
  }

  /// Adds a copy of a step; gives the nodes of the state before it (nil where it is not read) and after it.
  private mutating func add(
    _ step: StepParts, column: Int, _ timed: (_ name: String, _ isBefore: Bool) -> String
  ) -> (before: [Int?], after: [Int]) {
    let first = nodes.count
    for part in step.parts {
      var node = part.node
      node.column = column
      if part.isTimed { node.label = timed(node.label, part.isBefore) }
      let number = add(node)
      edges += part.inputs.map { Edge(from: first + $0, to: number) }
    }
    return (step.before.map { $0.map { first + $0 } }, step.after.map { first + $0 })
  }
}

/// What is drawn of a step's graph: its operations on values with rows. Weights and biases are written into the box of
/// their product, numbers into the sign of their operation.
private struct StepParts {
  struct Part {
    var node: Diagram.Node
    var inputs: [Int] = []
    /// Whether the label gets the time as a subscript; for a state, whether it is the one before the step.
    var isTimed = false
    var isBefore = false
  }

  private(set) var parts: [Part] = []
  private(set) var before: [Int?] = []
  private(set) var after: [Int] = []
  private(set) var legend: [String] = []
  private let graph: StepGraph
  private let names: StepNames
  private let notation: StepNotation
  /// The part that stands for a node of the graph.
  private var partOf: [Int: Int] = [:]
  private var ties: [Int: Int] = [:]

  init(_ graph: StepGraph, _ names: StepNames) {
    self.graph = graph
    self.names = names
    notation = StepNotation(graph: graph, names: names, known: graph.gateNames(names))
    before = [Int?](repeating: nil, count: graph.states.count)
    let biased = Self.biasedProducts(graph)
    for node in graph.nodes.indices where graph.hasRows[node] && biased[node] == nil {
      addPart(for: node, bias: biased.first { $0.value.product == node }?.value.bias)
      for (sum, pair) in biased where pair.product == node { partOf[sum] = partOf[node] }
    }
    for (index, node) in graph.states.enumerated() {
      after.append(
        add(Part(node: state(index), inputs: [part(showing: node)], isTimed: true)))
    }
    for (index, node) in graph.outputs.enumerated() {
      let output = Diagram.Node(role: .output, label: names.output(index), tooltip: "output \(names.output(index))")
      _ = add(Part(node: output, inputs: [part(showing: node)], isTimed: true))
    }
    legend = [names.symbolLegend(count: graph.states.count)].compactMap { $0 }
  }

  private mutating func add(_ part: Part) -> Int {
    parts.append(part)
    return parts.count - 1
  }

  /// Sums of a product that nobody else reads and a bias: one box.
  private static func biasedProducts(_ graph: StepGraph) -> [Int: (product: Int, bias: Int)] {
    let users = graph.users
    let results = Set(graph.outputs + graph.states)
    var found: [Int: (product: Int, bias: Int)] = [:]
    for node in graph.nodes.indices where graph.nodes[node].pointwise == .add {
      let operands = graph.nodes[node].operands
      guard let bias = operands.first(where: { !graph.hasRows[$0] }),
        let product = operands.first(where: { $0 != bias }),
        case .product? = graph.nodes[product].operation, users[product] == [node], !results.contains(product),
        graph.nodes[product].operands.contains(where: { !graph.hasRows[$0] })
      else { continue }
      found[node] = (product, bias)
    }
    return found
  }

  private func state(_ index: Int) -> Diagram.Node {
    Diagram.Node(role: .state, label: names.symbol(index), tooltip: "state part \(names.state(index))")
  }

  /// The part of a result; one computed from weights alone gets a box here.
  private mutating func part(showing node: Int) -> Int {
    if let part = partOf[node] { return part }
    let text = notation.expression(node)
    let part = add(Part(node: Diagram.Node(role: .weights, label: text, tooltip: text, tie: tie(node))))
    partOf[node] = part
    return part
  }

  private mutating func tie(_ weights: Int) -> Int {
    if let known = ties[weights] { return known }
    ties[weights] = ties.count
    return ties.count - 1
  }

  private mutating func addPart(for node: Int, bias: Int?) {
    var part: Part
    switch graph.nodes[node].source {
    case .leaf(let leaf): part = self.part(of: leaf)
    case .operation(let operation, let operands):
      let drawn = operands.filter { graph.hasRows[$0] }
      let weights = operands.filter { !graph.hasRows[$0] }
      part = Part(node: self.node(operation, drawn, weights, bias), inputs: drawn.map { self.part(showing: $0) })
      part.node.tooltip = notation.expression(node) + (bias.map { " + " + notation.expression($0) } ?? "")
      if case .product = operation, let weight = weights.first { part.node.tie = tie(weight) }
    }
    let number = add(part)
    partOf[node] = number
    if case .state(let index)? = graph.nodes[node].leaf, before.indices.contains(index) { before[index] = number }
  }

  private func part(of leaf: Leaf) -> Part {
    switch leaf {
    case .input(let index):
      let name = names.input(index)
      return Part(node: Diagram.Node(role: .input, label: name, tooltip: "input \(name)"), isTimed: true)
    case .state(let index): return Part(node: state(index), isTimed: true, isBefore: true)
    default: return Part(node: Diagram.Node(role: .input, label: leaf.name, tooltip: leaf.name))
    }
  }

  private func node(_ operation: Operation, _ drawn: [Int], _ weights: [Int], _ bias: Int?) -> Diagram.Node {
    switch operation {
    case .pointwise(let pointwise):
      let label = ([pointwise.symbol] + weights.map { shortName($0) }).joined(separator: " ")
      return Diagram.Node(role: pointwise.isFunction ? .function : .arithmetic, label: label)
    case .product:
      guard let weight = weights.first else { return Diagram.Node(role: .arithmetic, label: "·") }
      return product(weight, bias)
    case .concatenate:
      let items = drawn.map { notation.name($0) }.map { $0.count > 16 ? "·" : $0 }
      return Diagram.Node(role: .arrangement, label: "[" + items.joined(separator: ", ") + "]")
    case .slice(let along, let from, let to):
      return Diagram.Node(role: .arrangement, label: notation.slice(along, from, to, of: drawn[0]))
    default:
      let name = operation.name.prefix { $0 != "(" }
      return Diagram.Node(role: .arrangement, label: String(name))
    }
  }

  /// `forget` above `W· + b` for a linear layer's weights, all names for stacked ones; what is taken of the weights
  /// otherwise.
  private func product(_ weight: Int, _ bias: Int?) -> Diagram.Node {
    var stacked = [weight]
    if case .operation(.concatenate, let parts) = graph.nodes[weight].source { stacked = parts }
    let layers = stacked.compactMap { graph.layerName($0, names) }
    let text = notation.expression(graph.sliced(weight))
    var node = Diagram.Node(
      role: .weights, label: layers.count == stacked.count ? layers.joined(separator: ", ") : text)
    let taken = Set(stacked.map { notation.expression($0).dropFirst(notation.expression(graph.sliced($0)).count) })
    node.detail = "W" + (taken.count == 1 ? String(taken.first ?? "") : "") + "·" + (bias == nil ? "" : " + b")
    return node
  }

  private func shortName(_ weight: Int) -> String {
    let text = notation.expression(weight)
    return graph.nodes[weight].leaf == nil ? text : text.split(separator: ".").last.map(String.init) ?? text
  }
}
