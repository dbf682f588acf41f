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

  /// A stack of layers, the first at the bottom. Folded (`steps` nil), a recurrent layer's state goes back to it
  /// through a delay; unrolled, it goes on to the copy of the layer in the next time step. Boxes with the same letter
  /// share weights.
  ///
  ///     Diagram.network([Diagram.Layer(name: "rnn", kind: "LSTM", states: ["hidden", "cell"], inputs: 3, outputs: 5)])
  package static func network(_ layers: [Layer], unrolled steps: Int? = nil) -> Diagram {
    network(layers, at: steps.map { Array(1...max(1, $0)) }) { _, _ in nil }
  }

  /// The same with boxes filled by a number, and unrolled at some time steps only.
  ///
  /// - Parameters:
  ///   - layers: The layers, the first at the bottom.
  ///   - times: The time steps to draw, ascending, from 1; nil: folded.
  ///   - shade: The fill of a layer, by its index, at a time step; nil of a folded picture.
  package static func network(
    _ layers: [Layer], at times: [Int]?, shade: (_ layer: Int, _ time: Int?) -> Shade?
  ) -> Diagram {
    var diagram = Diagram(title: times == nil ? "The network, folded" : "The network, unrolled over time")
    if let times {
      diagram.addUnrolled(layers, times: times, shade)
    } else {
      let boxes = diagram.addColumn(layers, column: 0, time: nil, shade)
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

  private mutating func addUnrolled(_ layers: [Layer], times: [Int], _ shade: (Int, Int?) -> Shade?) {
    let isForward = layers.map { !$0.states.isEmpty && $0.direction != .backward }
    let isBackward = layers.map { !$0.states.isEmpty && $0.direction != .forward }
    // A walk starts from a column of its own: left of the first step, or right of the last one.
    let first = isForward.contains(true) ? 1 : 0
    columns = [String](repeating: "", count: first) + times.map { "t = \($0)" }
    let starts = layers.indices.map { isForward[$0] ? add(start(layers[$0], row: $0 + 1, column: 0)) : nil }
    var before: [Int] = []
    for (place, time) in times.enumerated() {
      let boxes = addColumn(layers, column: first + place, time: time, shade)
      for (index, layer) in layers.enumerated() {
        let label = layer.states.joined(separator: ", ")
        if isForward[index], let earlier = before.isEmpty ? starts[index] : before[index] {
          edges.append(Edge(from: earlier, to: boxes[index], kind: .time, label: before.isEmpty ? "" : label))
        }
        if isBackward[index], !before.isEmpty {
          edges.append(Edge(from: boxes[index], to: before[index], kind: .time, label: label))
        }
      }
      before = boxes
    }
    if isBackward.contains(true) { columns.append("") }
    for (index, layer) in layers.enumerated() where isBackward[index] {
      let start = add(start(layer, row: index + 1, column: columns.count - 1))
      edges.append(Edge(from: start, to: before[index], kind: .time))
    }
    legend = ["the same letter: the same weights"]
    if layers.contains(where: { !$0.states.isEmpty }) { legend.append("0: the state before a walk begins") }
    if zip(times, times.dropFirst()).contains(where: { $1 > $0 + 1 }) {
      legend.append("between the time steps that are drawn there are others")
    }
  }

  private func start(_ layer: Layer, row: Int, column: Int) -> Node {
    Node(
      role: .state, label: "0",
      tooltip: "\(layer.states.joined(separator: ", ")) before the first step of \(layer.name)",
      column: column, row: row)
  }

  /// Input, layers, output; gives the layers' boxes.
  private mutating func addColumn(
    _ layers: [Layer], column: Int, time: Int?, _ shade: (Int, Int?) -> Shade?
  ) -> [Int] {
    func timed(_ name: String) -> String { time.map { name.subscripted($0) } ?? name + "ₜ" }
    var below = add(Node(role: .input, label: timed("x"), tooltip: "input", column: column, row: 0))
    let boxes = layers.enumerated().map { index, layer in
      let shade = shade(index, time)
      // Unrolled, a box that has a number is too narrow for its name as well.
      let name = shade == nil || time == nil ? [layer.name] : []
      let words = name + [Self.letter(index)] + (shade.map { [$0.number] } ?? [])
      let box = add(
        Node(
          role: .layer, label: "\(layer.kind) \(layer.inputs)→\(layer.outputs)", detail: words.joined(separator: " · "),
          tooltip: "\(layer.name): \(layer.kind)", column: column, row: index + 1, tie: index, shade: shade))
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
