extension Diagram {
  /// The picture as an SVG document of its own, readable on light and dark pages.
  package var svg: String { SVGPicture(self).document }
}

/// A diagram in pixels.
private struct SVGPicture {
  private let diagram: Diagram
  private let layout: DiagramLayout
  /// The y of the middle of each row, and its height.
  private var middles: [Double] = []
  private var heights: [Double] = []
  private var elements: [String] = []
  private var width = 0.0
  private var height = 0.0

  private static let margin = 28.0
  private var top: Double { diagram.columns.contains { !$0.isEmpty } ? 84 : 62 }
  private static let rowGap = 34.0
  private static let laneGap = 30.0
  private static let portGap = 13.0

  init(_ diagram: Diagram) {
    self.diagram = diagram
    let labels = diagram.edges.filter { $0.kind == .time && $0.from != $0.to }.map { Self.textWidth($0.label, 7) }
    let levelGap = 56 + (labels.max() ?? 0)
    layout = DiagramLayout(
      diagram,
      DiagramLayout.Metrics(
        width: { Self.size($0).width }, gap: 20, lineWidth: 8,
        columnGap: { $0 == 0 ? levelGap : 40 + Self.laneGap * Double($0) }, isSnapped: false))
    arrangeRows()
    draw()
  }

  // MARK: Sizes

  private static func textWidth(_ text: String, _ each: Double) -> Double { Double(text.count) * each }

  /// Labels in pictures end somewhere; the whole text is in the tooltip.
  private static func texts(_ node: Diagram.Node) -> (label: String, detail: String) {
    (node.label.printable.shortened(to: 40), node.detail.printable.shortened(to: 44))
  }

  private static func size(_ node: Diagram.Node) -> (width: Double, height: Double) {
    let (label, detail) = texts(node)
    let text = max(textWidth(label, 8.2), textWidth(detail, 6.9))
    switch node.role {
    case .input, .output: return (text + 12, 26)
    case .state: return (max(48, text + 24), 32)
    case .weights, .layer: return (max(56, text + 22), detail.isEmpty ? 34 : 46)
    case .function: return (max(44, text + 22), 30)
    case .arithmetic: return label.count < 3 ? (30, 30) : (text + 20, 30)
    case .arrangement: return (text + 16, 26)
    }
  }

  private var loopCount: Int { layout.loops.map { max($0.above, $0.below) + 1 }.max() ?? 0 }

  private mutating func arrangeRows() {
    heights = (0..<layout.rowCount).map { row in
      diagram.nodes.indices.filter { layout.row[$0] == row }.map { Self.size(diagram.nodes[$0]).height }.max() ?? 30
    }
    middles = [Double](repeating: 0, count: layout.rowCount)
    var y = top + Double(loopCount) * Self.laneGap
    for row in (0..<layout.rowCount).reversed() {
      middles[row] = y + heights[row] / 2
      y += heights[row] + Self.rowGap
    }
    bottom = y - Self.rowGap
    let loopLabels = diagram.edges.filter { $0.from == $0.to }.map { 60 + Self.textWidth($0.label, 7.5) }
    let lanes = layout.loops.filter { $0.column == diagram.columns.count - 1 }.count
    let right = (layout.columns.last?.upperBound ?? 0) + max(loopLabels.max() ?? 0, Double(lanes) * Self.laneGap + 30)
    let words = ([diagram.title] + diagram.legend).map { Self.textWidth($0, 8) + Self.margin }
    width = max(right + 2 * Self.margin, words.max() ?? 0)
    legendTop = bottom + Double(loopCount) * Self.laneGap + 44
    height = legendTop + Double(diagram.legend.count) * 18 + 6
  }

  private var bottom = 0.0
  private var legendTop = 0.0

  private func x(_ node: Int) -> Double { layout.x[node] + Self.margin }
  private func y(_ node: Int) -> Double { middles[layout.row[node]] }
  private func size(_ node: Int) -> (width: Double, height: Double) { Self.size(diagram.nodes[node]) }

  // MARK: Drawing

  var document: String {
    let description = diagram.nodes.isEmpty ? "An empty picture." : Self.describe(diagram)
    let size = "\(number(width)) \(number(height))"
    return """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(size)" width="\(number(width))" \
      height="\(number(height))" role="img">
      <title>\(diagram.title.escaped)</title>
      <desc>\(description.escaped)</desc>
      <style>
      \(Palette.sheet)
      </style>
      <defs>
      \(Self.tip("tip"))
      \(Self.tip("timetip"))
      </defs>
      <rect class="paper" width="100%" height="100%" rx="10"/>
      \(elements.joined(separator: "\n"))
      </svg>

      """
  }

  private static func describe(_ diagram: Diagram) -> String {
    let steps = diagram.columns.filter { !$0.isEmpty }.count
    let cycles = diagram.edges.filter { $0.kind == .delay }.count
    let form =
      steps > 0 ? "\(steps) time steps side by side" : "one time step with \(cycles) edges back through a delay"
    return "\(diagram.nodes.count) nodes, \(diagram.edges.count) edges: \(form). "
      + diagram.legend.joined(separator: "; ")
  }

  private static func tip(_ name: String) -> String {
    "<marker id=\"\(name)\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" "
      + "markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path class=\"\(name)\" d=\"M0 0.5 L8 4 L0 7.5 Z\"/></marker>"
  }

  private mutating func draw() {
    text(diagram.title, "title", Self.margin - 8, 32)
    for (range, heading) in zip(layout.columns, diagram.columns) where !heading.isEmpty || diagram.columns.count == 1 {
      drawPanel(range, heading)
    }
    for edge in diagram.edges.indices where diagram.edges[edge].kind == .flow { drawFlow(edge) }
    for edge in diagram.edges where edge.kind != .flow && layout.row[edge.from] == layout.row[edge.to] {
      drawLevel(edge)
    }
    for loop in layout.loops { drawLoop(loop) }
    for node in diagram.nodes.indices { drawNode(node) }
    for (line, sentence) in diagram.legend.enumerated() {
      text(sentence, "legend", Self.margin - 8, legendTop + 18 * Double(line))
    }
  }

  private mutating func drawPanel(_ range: ClosedRange<Double>, _ heading: String) {
    let top = top - 16
    let (left, middle) = (range.lowerBound + Self.margin - 14, (range.lowerBound + range.upperBound) / 2 + Self.margin)
    let wide = range.upperBound - range.lowerBound + 28
    let upper = top + Double(loopCount) * Self.laneGap
    elements.append(
      "<rect class=\"panel\" x=\"\(number(left))\" y=\"\(number(upper))\" width=\"\(number(wide))\" "
        + "height=\"\(number(bottom - upper + 16))\" rx=\"12\"/>")
    text(heading, "heading", middle, top - 8)
  }

  private mutating func text(_ content: String, _ name: String, _ x: Double, _ y: Double, style: String = "") {
    guard !content.isEmpty else { return }
    elements.append(
      "<text class=\"\(name)\" x=\"\(number(x))\" y=\"\(number(y))\"\(style)>\(content.escaped)</text>")
  }

  private mutating func drawNode(_ index: Int) {
    let node = diagram.nodes[index]
    let (width, height) = size(index)
    let (label, detail) = Self.texts(node)
    let tie = node.role == .weights || node.role == .layer ? " tie\((node.tie ?? 0) % Palette.ties.count)" : ""
    let fill = node.shade.map { " style=\"fill: \($0.colour.hex)\"" } ?? ""
    let ink = node.shade.map { " style=\"fill: \($0.colour.ink)\"" } ?? ""
    let isBare = node.role == .input || node.role == .output
    let radius = node.role == .function || node.role == .arithmetic || node.role == .state ? height / 2 : 5
    elements.append("<g class=\"node \(node.role.rawValue)node\"><title>\(node.tooltip.escaped)</title>")
    elements.append(
      "<rect class=\"shape \(isBare ? "bare" : node.role.rawValue)\(tie)\" x=\"\(number(x(index) - width / 2))\" "
        + "y=\"\(number(y(index) - height / 2))\" width=\"\(number(width))\" height=\"\(number(height))\" "
        + "rx=\"\(number(radius))\"\(fill)/>")
    text(label, "label", x(index), y(index) + (detail.isEmpty ? 5 : -3), style: ink)
    text(detail, "detail", x(index), y(index) + 14, style: ink)
    elements.append("</g>")
  }

  // MARK: Lines

  private mutating func drawFlow(_ edge: Int) {
    let path = layout.paths[edge]
    guard let first = path.first, let last = path.last, let from = first.node, let to = last.node else { return }
    var place = (x: x(from), y: y(from) - size(from).height / 2)
    var way = "M\(number(place.x)) \(number(place.y))"
    for point in path.dropFirst().dropLast() {
      let (x, half) = (point.x + Self.margin, heights[point.row] / 2)
      way += curve(place, (x, middles[point.row] + half)) + " L\(number(x)) \(number(middles[point.row] - half))"
      place = (x, middles[point.row] - half)
    }
    way += curve(place, entry(edge, to))
    line(way, "line", tip: "tip")
  }

  /// Where an edge meets a node from below: beside others, and on the node's outline.
  private func entry(_ edge: Int, _ node: Int) -> (x: Double, y: Double) {
    let incoming = layout.paths.indices.filter { layout.paths[$0].last?.node == node }
      .sorted { (source($0), $0) < (source($1), $1) }
    let (width, height) = size(node)
    let places = DiagramLayout.entries(
      center: layout.x[node], half: width / 2 - 6, spacing: Self.portGap, sources: incoming.map(source))
    let x = incoming.firstIndex(of: edge).map { places[$0] } ?? layout.x[node]
    let dx = max(0, abs(x - layout.x[node]) - (width - height) / 2)
    let isRound = diagram.nodes[node].role == .arithmetic || diagram.nodes[node].role == .function
    let rise = isRound ? (max(0, height * height / 4 - dx * dx)).squareRoot() : height / 2
    return (x + Self.margin, y(node) + rise + 1)
  }

  private func source(_ edge: Int) -> Double { layout.paths[edge].dropLast().last?.x ?? 0 }

  private func curve(_ a: (x: Double, y: Double), _ b: (x: Double, y: Double)) -> String {
    if abs(a.x - b.x) < 0.5 { return " L\(number(b.x)) \(number(b.y))" }
    let bend = (a.y - b.y) / 2
    return " C\(number(a.x)) \(number(a.y - bend)) \(number(b.x)) \(number(b.y + bend)) \(number(b.x)) \(number(b.y))"
  }

  private mutating func line(_ way: String, _ name: String, tip: String) {
    elements.append("<path class=\"\(name)\" d=\"\(way)\" marker-end=\"url(#\(tip))\"/>")
  }

  private mutating func drawLoop(_ loop: DiagramLayout.Loop) {
    let edge = diagram.edges[loop.edge]
    let (from, to) = (x(edge.from), x(edge.to))
    let lane = layout.columns[loop.column].upperBound + Self.margin + 32 + Self.laneGap * Double(loop.lane)
    let above = middles[layout.rowCount - 1] - heights[layout.rowCount - 1] / 2 - 26 - Self.laneGap * Double(loop.above)
    let below = middles[0] + heights[0] / 2 + 32 + Self.laneGap * Double(loop.below)
    let end = y(edge.to) + size(edge.to).height / 2 + 1
    let corners = [
      (from, y(edge.from) - size(edge.from).height / 2), (from, above), (lane, above), (lane, below), (to, below),
      (to, end),
    ]
    line(rounded(corners), "line time", tip: "timetip")
    // Signs on neighbouring lanes stand at different heights.
    if edge.kind == .delay { drawDelay(lane, (above + below) / 2 - 32 * Double(loop.lane)) }
  }

  private mutating func drawDelay(_ x: Double, _ y: Double) {
    elements.append(
      "<rect class=\"shape delay\" x=\"\(number(x - 12))\" y=\"\(number(y - 12))\" "
        + "width=\"24\" height=\"24\" rx=\"3\"/>")
    text(Diagram.delaySign, "detail sign", x, y + 4)
  }

  private mutating func drawLevel(_ edge: Diagram.Edge) {
    let (y, half) = (y(edge.from), size(edge.from).width / 2)
    let start = x(edge.from) + half
    if edge.from == edge.to {
      let lane = (layout.columns.last?.upperBound ?? 0) + Self.margin + 38
      line(
        rounded([(start, y - 13), (lane, y - 13), (lane, y + 13), (start + 1, y + 13)]), "line time", tip: "timetip")
      drawDelay(lane, y)
      text(edge.label, "carried", lane + 18, y + 4)
      return
    }
    let isForward = x(edge.from) < x(edge.to)
    let hasReturn = diagram.edges.contains { $0.from == edge.to && $0.to == edge.from }
    let level = hasReturn ? (isForward ? y - 8 : y + 8) : y
    let begin = isForward ? start : x(edge.from) - half
    let end = x(edge.to) + (isForward ? -1 : 1) * (size(edge.to).width / 2 + 1)
    line("M\(number(begin)) \(number(level)) L\(number(end)) \(number(level))", "line time", tip: "timetip")
    guard isForward || !hasReturn else { return }
    text(edge.label, "carried centred", (begin + end) / 2, level - 7)
  }

  /// A line through points, with round corners.
  private func rounded(_ points: [(Double, Double)]) -> String {
    var way = "M\(number(points[0].0)) \(number(points[0].1))"
    for i in points.indices.dropFirst().dropLast() {
      let (corner, before, after) = (points[i], points[i - 1], points[i + 1])
      let a = toward(corner, before)
      let b = toward(corner, after)
      way += " L\(number(a.0)) \(number(a.1)) Q\(number(corner.0)) \(number(corner.1)) \(number(b.0)) \(number(b.1))"
    }
    let last = points[points.count - 1]
    return way + " L\(number(last.0)) \(number(last.1))"
  }

  private func toward(_ a: (Double, Double), _ b: (Double, Double)) -> (Double, Double) {
    let length = max(abs(b.0 - a.0), abs(b.1 - a.1))
    guard length > 0 else { return a }
    let part = min(10, length / 2) / length
    return (a.0 + (b.0 - a.0) * part, a.1 + (b.1 - a.1) * part)
  }

  /// With one digit after the point, which is finer than anyone sees.
  private func number(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return tenths % 10 == 0 ? "\(tenths / 10)" : "\(Double(tenths) / 10)"
  }
}

extension String {
  /// For the text or an attribute of an XML document.
  fileprivate var escaped: String {
    printable.map { character in
      switch character {
      case "&": "&amp;"
      case "<": "&lt;"
      case ">": "&gt;"
      case "\"": "&quot;"
      case "'": "&#39;"
      default: String(character)
      }
    }.joined()
  }
}
