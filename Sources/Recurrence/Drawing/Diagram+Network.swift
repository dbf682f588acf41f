extension Diagram {
  /// A layer as a box in the picture of a network.
  package struct Layer: Sendable, Hashable {
    /// Which way a recurrent layer walks through time.
    package enum Direction: Sendable { case forward, backward, both }

    /// Where it stands in the network: `encoder.0`.
    package var name: String
    /// What it is: `LSTM`.
    package var kind: String
    /// Names of the parts of its state; none for a layer without a cycle.
    package var states: [String]
    /// Values in a row of its input and of its output.
    package var inputs: Int
    package var outputs: Int
    package var direction: Direction

    package init(
      name: String, kind: String, states: [String] = [], inputs: Int, outputs: Int, direction: Direction = .forward
    ) {
      self.name = name
      self.kind = kind
      self.states = states
      self.inputs = inputs
      self.outputs = outputs
      self.direction = direction
    }
  }

  /// A stack of layers, the first at the bottom. Folded (`steps` nil), a recurrent layer's state goes back to it through a
  /// delay; unrolled, it goes on to the copy of the layer in the next time step. Boxes with the same letter share weights.
  ///
  ///     Diagram.network([Diagram.Layer(name: "rnn", kind: "LSTM", states: ["hidden", "cell"], inputs: 3, outputs: 5)])
  package static func network(_ layers: [Layer], unrolled steps: Int? = nil) -> Diagram {
    var diagram = Diagram(title: steps == nil ? "The network, folded" : "The network, unrolled over time")
    if let steps {
      diagram.addUnrolled(layers, steps: max(1, steps))
    } else {
      let boxes = diagram.addColumn(layers, column: 0) { $0 + "ₜ" }
      for (layer, box) in zip(layers, boxes) where !layer.states.isEmpty {
        diagram.edges.append(
          Edge(from: box, to: box, kind: .delay, label: layer.states.joined(separator: ", ")))
      }
      if layers.contains(where: { !$0.states.isEmpty }) {
        diagram.legend = ["\(delaySign): arrives one time step later"]
      }
    }
    return diagram
  }

  private mutating func addUnrolled(_ layers: [Layer], steps: Int) {
    columns = [""] + (1...steps).map { "t = \($0)" }
    var previous = layers.indices.map { start(of: layers[$0], row: $0 + 1, column: 0) }
    let last = steps + 1
    for time in 1...steps {
      let boxes = addColumn(layers, column: time) { $0.subscripted(time) }
      for (index, layer) in layers.enumerated() where !layer.states.isEmpty {
        if let before = previous[index], time > 1 || layer.direction != .backward {
          connect(layer, before, boxes[index])
        }
        previous[index] = boxes[index]
      }
    }
    if layers.contains(where: { !$0.states.isEmpty && $0.direction != .forward }) {
      columns.append("")
      for (index, layer) in layers.enumerated() where layer.direction != .forward && !layer.states.isEmpty {
        guard let box = previous[index] else { continue }
        let start = add(startNode(layer, row: index + 1, column: last))
        edges.append(Edge(from: start, to: box, kind: .time))
      }
    }
    legend = ["the same letter: the same weights"]
    if layers.contains(where: { !$0.states.isEmpty }) { legend.append("0: the state before a walk begins") }
  }

  private mutating func connect(_ layer: Layer, _ earlier: Int, _ later: Int) {
    let label = nodes[earlier].role == .state ? "" : layer.states.joined(separator: ", ")
    if layer.direction != .backward { edges.append(Edge(from: earlier, to: later, kind: .time, label: label)) }
    if layer.direction != .forward, nodes[earlier].role != .state {
      edges.append(Edge(from: later, to: earlier, kind: .time, label: label))
    }
  }

  private mutating func start(of layer: Layer, row: Int, column: Int) -> Int? {
    guard !layer.states.isEmpty, layer.direction != .backward else { return nil }
    return add(startNode(layer, row: row, column: column))
  }

  private func startNode(_ layer: Layer, row: Int, column: Int) -> Node {
    Node(
      role: .state, label: "0", tooltip: "\(layer.states.joined(separator: ", ")) before the first step of \(layer.name)",
      column: column, row: row)
  }

  /// Input, layers, output; gives the layers' boxes.
  private mutating func addColumn(_ layers: [Layer], column: Int, _ timed: (String) -> String) -> [Int] {
    var below = add(Node(role: .input, label: timed("x"), tooltip: "input", column: column, row: 0))
    let boxes = layers.enumerated().map { index, layer in
      let box = add(
        Node(
          role: .layer, label: "\(layer.kind) \(layer.inputs)→\(layer.outputs)",
          detail: "\(layer.name) · \(Self.letter(index))", tooltip: "\(layer.name): \(layer.kind)", column: column,
          row: index + 1, tie: index))
      edges.append(Edge(from: below, to: box))
      below = box
      return box
    }
    let output = add(
      Node(role: .output, label: timed("y"), tooltip: "output", column: column, row: layers.count + 1))
    edges.append(Edge(from: below, to: output))
    return boxes
  }

  /// A, B, … Z, A1, …: the name of a layer's weights.
  private static func letter(_ index: Int) -> String {
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return String(letters[index % 26]) + (index < 26 ? "" : "\(index / 26)")
  }
}
