extension Diagram {
  /// The picture for a terminal: boxes and lines of Unicode, at most `width` columns wide.
  ///
  /// Names are shortened until the picture fits; if that does not help, only the first time steps are drawn, and the
  /// last line says how many.
  package func text(width: Int = 100) -> String { text(width: width, missing: 0) }

  private func text(width: Int, missing: Int) -> String {
    for style in TextPicture.styles {
      guard let picture = TextPicture(self, style, width: width) else { continue }
      let note = missing == 0 ? [] : ["  (\(missing) more in a picture wider than \(width) columns)"]
      return (picture.lines + note).joined(separator: "\n")
    }
    let shown = columns.count - 1
    guard shown > 0 else { return title + "\n  (wider than \(width) columns: see the DOT or SVG form)" }
    var part = Diagram(title: title)
    part.columns = Array(columns.prefix(shown))
    // Columns are added in order, so the nodes that stay keep their numbers unless a later column's stand between them.
    let kept = nodes.indices.filter { nodes[$0].column < shown }
    let number = Dictionary(uniqueKeysWithValues: kept.enumerated().map { ($1, $0) })
    part.nodes = kept.map { nodes[$0] }
    part.edges = edges.compactMap { edge in
      guard let from = number[edge.from], let to = number[edge.to] else { return nil }
      return Edge(from: from, to: to, kind: edge.kind, label: edge.label)
    }
    part.legend = legend
    return part.text(width: width, missing: missing + 1)
  }
}

/// A diagram on a grid of characters.
private struct TextPicture {
  private let diagram: Diagram
  private let style: Style
  private let layout: DiagramLayout
  private var canvas: TextCanvas
  /// The canvas row where a row of nodes begins, and its height.
  private var tops: [Int] = []
  private var heights: [Int] = []
  private var wires: [[Wire]] = []
  private let laneSpacing: Int

  struct Style {
    /// The longest label.
    var limit: Int
    /// Spaces at either side of a label in its box, and between boxes.
    var padding: Int
  }

  /// From the widest to the narrowest.
  static let styles =
    [Style(limit: 40, padding: 1), Style(limit: 40, padding: 0)]
    + [24, 20, 16, 14, 12, 10, 8, 6].map { Style(limit: $0, padding: 0) }

  /// All lines from one source to the row above it.
  private struct Wire {
    var source: Int
    var targets: [(column: Int, node: Int?)]
    var track: Int?
    var span: ClosedRange<Int> {
      let columns = targets.map(\.column) + [source]
      return (columns.min() ?? source)...(columns.max() ?? source)
    }
    var isStraight: Bool { span.count == 1 }
  }

  /// Nil when the picture is wider than `width`.
  init?(_ diagram: Diagram, _ style: Style, width: Int) {
    self.diagram = diagram
    self.style = style
    let isFolded = diagram.edges.contains { $0.kind == .delay }
    let spacing = isFolded ? 5 : 2
    laneSpacing = spacing
    let metrics = DiagramLayout.Metrics(
      width: { Double(Self.width($0, style)) }, gap: Double(1 + style.padding), lineWidth: 1,
      columnGap: { $0 == 0 ? Double(4 + style.padding) : Double(3 + spacing * $0) }, isSnapped: true)
    guard Int(DiagramLayout.leastWidth(diagram, metrics)) <= width else { return nil }
    layout = DiagramLayout(diagram, metrics)
    canvas = TextCanvas(width: 0, height: 0)
    let loopLabels = diagram.edges.filter { $0.from == $0.to }.map { 6 + Diagram.delaySign.count + $0.label.count }
    let lanes = layout.loops.filter { $0.column == diagram.columns.count - 1 }.count
    let right =
      Int(layout.columns.last?.upperBound ?? 0) + (loopLabels.max() ?? 0) + (lanes == 0 ? 0 : 3 + spacing * lanes)
    guard right + Self.margin <= width else { return nil }
    wires = (0..<max(0, layout.rowCount - 1)).map(wires(above:))
    let height = arrangeRows()
    canvas = TextCanvas(width: right + Self.margin + 1, height: height)
    draw()
  }

  private static let margin = 2

  var lines: [String] {
    [diagram.title.printable, ""] + canvas.lines + [""] + diagram.legend.map { "  " + $0.printable }
  }

  // MARK: Sizes

  private static func texts(_ node: Diagram.Node, _ style: Style) -> [String] {
    let texts = node.detail.isEmpty ? [node.label] : [node.label, node.detail]
    return texts.map { $0.printable.shortened(to: style.limit) }
  }

  private static func isBox(_ node: Diagram.Node) -> Bool {
    node.role == .weights || node.role == .layer || node.role == .state
  }

  private static func isRound(_ node: Diagram.Node) -> Bool { node.role == .function || node.role == .arithmetic }

  /// Odd, so that there is a middle.
  private static func width(_ node: Diagram.Node, _ style: Style) -> Int {
    let text = texts(node, style).map(\.count).max() ?? 0
    if isBox(node) { return (text + 2 + 2 * style.padding) | 1 }
    return (text + (isRound(node) ? 4 : 2)) | 1
  }

  private static func height(_ node: Diagram.Node) -> Int {
    isBox(node) ? (node.detail.isEmpty ? 3 : 4) : 1
  }

  private func column(_ x: Double) -> Int { Int(x.rounded(.down)) + Self.margin }

  /// Rows from the top: headings, loops above, then each row of nodes with the wires below it, loops below.
  private mutating func arrangeRows() -> Int {
    heights = (0..<layout.rowCount).map { row in
      diagram.nodes.indices.filter { layout.row[$0] == row }.map { Self.height(diagram.nodes[$0]) }.max() ?? 1
    }
    tops = [Int](repeating: 0, count: layout.rowCount)
    var y = (diagram.columns.contains { !$0.isEmpty } ? 2 : 0) + loopHeight
    for row in (0..<layout.rowCount).reversed() {
      tops[row] = y
      y += heights[row]
      if row > 0 { y += max(2, trackCount(wires[row - 1]) + 1) }
    }
    return y + (loopHeight == 0 ? 0 : loopHeight + 1)
  }

  private var loopHeight: Int { layout.loops.map { max($0.above, $0.below) + 1 }.max() ?? 0 }

  private func trackCount(_ wires: [Wire]) -> Int { (wires.compactMap(\.track).max() ?? -1) + 1 }

  // MARK: Wires

  /// The columns at which edges enter a node, by edge.
  private func entries(_ node: Int) -> [Int: Int] {
    let incoming = layout.paths.indices.filter { layout.paths[$0].last?.node == node }
      .sorted { (source($0), $0) < (source($1), $1) }
    let half = Double(Self.width(diagram.nodes[node], style) / 2)
    let places = DiagramLayout.entries(
      center: layout.x[node].rounded(.down), half: half, spacing: 2, sources: incoming.map { source($0).rounded(.down) }
    )
    return Dictionary(
      uniqueKeysWithValues: zip(incoming, places).map { ($0, Int($1.rounded(.down)) + Self.margin) })
  }

  private func source(_ edge: Int) -> Double { layout.paths[edge].dropLast().last?.x ?? 0 }

  private func wires(above row: Int) -> [Wire] {
    var entry: [Int: Int] = [:]
    for node in diagram.nodes.indices where layout.row[node] == row + 1 {
      entry.merge(entries(node)) { first, _ in first }
    }
    var wires: [Int: Wire] = [:]
    var order: [Int] = []
    for (edge, path) in layout.paths.enumerated() {
      guard let index = path.firstIndex(where: { $0.row == row }), index + 1 < path.count else { continue }
      let (from, to) = (path[index], path[index + 1])
      let target = to.node == nil ? column(to.x) : entry[edge] ?? column(to.x)
      if wires[from.item] == nil { order.append(from.item) }
      wires[from.item, default: Wire(source: column(from.x), targets: [])].targets.append((target, to.node))
    }
    return assignTracks(order.compactMap { wires[$0] })
  }

  /// Gives the horizontal parts rows of their own where they would overlap; track 0 is the lowest.
  private func assignTracks(_ wires: [Wire]) -> [Wire] {
    var wires = wires
    var open = wires.indices.filter { !wires[$0].isStraight }.sorted {
      (wires[$0].span.count, wires[$0].span.lowerBound) < (wires[$1].span.count, wires[$1].span.lowerBound)
    }
    while !open.isEmpty {
      // A wire that rises where another comes down from its track has to turn below that one.
      let ready = open.firstIndex { candidate in
        open.allSatisfy { $0 == candidate || !mustLie(wires[$0], below: wires[candidate]) }
      }
      let next = open.remove(at: ready ?? 0)
      let done = wires.indices.filter { wires[$0].track != nil }
      let lowest = done.filter { mustLie(wires[$0], below: wires[next]) }.compactMap { wires[$0].track }.max() ?? -1
      let taken = Set(done.filter { wires[$0].span.overlaps(wires[next].span) }.compactMap { wires[$0].track })
      wires[next].track = ((lowest + 1)...(lowest + 1 + done.count)).first { !taken.contains($0) }
    }
    return wires
  }

  private func mustLie(_ a: Wire, below b: Wire) -> Bool { b.targets.contains { $0.column == a.source } }

  // MARK: Drawing

  private mutating func draw() {
    drawHeadings()
    for node in diagram.nodes.indices { draw(node) }
    for row in wires.indices {
      let bottom = tops[row]
      let top = tops[row + 1] + heights[row + 1] - 1
      for wire in wires[row] { draw(wire, row, from: bottom, to: top) }
    }
    passRows()
    for loop in layout.loops { draw(loop) }
    for edge in diagram.edges where edge.kind != .flow && layout.row[edge.from] == layout.row[edge.to] {
      drawLevel(edge)
    }
  }

  private mutating func drawHeadings() {
    for (range, heading) in zip(layout.columns, diagram.columns) {
      let middle = column((range.lowerBound + range.upperBound) / 2)
      canvas.write(heading.printable, row: 0, column: middle - heading.count / 2)
    }
  }

  /// Lower nodes of a row stand at its bottom.
  private func frame(_ node: Int) -> (row: Int, column: Int, width: Int, height: Int) {
    let width = Self.width(diagram.nodes[node], style)
    let height = Self.height(diagram.nodes[node])
    let row = layout.row[node]
    let slack = (heights[row] - height) / 2
    return (tops[row] + slack, column(layout.x[node]) - width / 2, width, height)
  }

  private mutating func draw(_ number: Int) {
    let node = diagram.nodes[number]
    let frame = frame(number)
    let texts = Self.texts(node, style)
    if Self.isBox(node) {
      canvas.box(
        texts, row: frame.row, column: frame.column, width: frame.width, isRounded: node.role == .state)
      return
    }
    let inner = Self.isRound(node) ? "( \(texts[0]) )" : texts[0]
    canvas.write(inner, row: frame.row, column: frame.column + (frame.width - inner.count) / 2)
  }

  /// From the first canvas row of the lower nodes up to the last one of the upper nodes.
  private mutating func draw(_ wire: Wire, _ row: Int, from bottom: Int, to top: Int) {
    let start = sourceTop(wire, row) ?? bottom
    let turn = bottom - 1 - (wire.track ?? 0)
    canvas.line(column: wire.source, from: start, to: turn)
    for target in wire.targets {
      canvas.line(row: turn, from: wire.source, to: target.column)
      let end = target.node.map { frame($0).row + frame($0).height } ?? top
      canvas.line(column: target.column, from: turn, to: end)
      if target.node != nil { canvas.write("▲", row: end, column: target.column) }
    }
  }

  private func sourceTop(_ wire: Wire, _ row: Int) -> Int? {
    diagram.nodes.indices.first { layout.row[$0] == row && column(layout.x[$0]) == wire.source }.map { frame($0).row }
  }

  /// The lines that pass a row between its nodes.
  private mutating func passRows() {
    for point in Set(layout.paths.flatMap { $0 }) where point.node == nil {
      let top = tops[point.row]
      canvas.line(column: column(point.x), from: top - 1, to: top + heights[point.row])
    }
  }

  private mutating func draw(_ loop: DiagramLayout.Loop) {
    let edge = diagram.edges[loop.edge]
    let (source, target) = (frame(edge.from), frame(edge.to))
    let (from, to) = (column(layout.x[edge.from]), column(layout.x[edge.to]))
    let lane = column(layout.columns[loop.column].upperBound) + 2 + laneSpacing * loop.lane
    let above = (tops.last ?? 0) - 1 - loop.above
    let foot = tops[0] + heights[0]
    let below = foot + 1 + loop.below
    canvas.line(column: from, from: source.row, to: above)
    canvas.line(row: above, from: from, to: lane)
    canvas.line(column: lane, from: above, to: below)
    canvas.line(row: below, from: lane, to: to)
    canvas.line(column: to, from: below, to: target.row + target.height)
    canvas.write("▲", row: target.row + target.height, column: to)
    guard edge.kind == .delay else { return }
    canvas.write(Diagram.delaySign, row: (above + below) / 2, column: lane - Diagram.delaySign.count / 2)
  }

  /// An arrow between neighbours, or from a box around to itself.
  private mutating func drawLevel(_ edge: Diagram.Edge) {
    let (a, b) = (frame(edge.from), frame(edge.to))
    let right = a.column + a.width
    if edge.from == edge.to {
      canvas.line(row: a.row + 1, from: right - 1, to: right + 2)
      canvas.line(column: right + 2, from: a.row + 1, to: a.row + 2)
      canvas.line(row: a.row + 2, from: right, to: right + 2)
      canvas.write("◄", row: a.row + 2, column: right)
      canvas.write(Diagram.delaySign + " " + edge.label.printable, row: a.row + 1, column: right + 4)
    } else if a.column < b.column {
      let row = tops[layout.row[edge.from]] + 1
      canvas.line(row: row, from: Self.isBox(diagram.nodes[edge.from]) ? right - 1 : right, to: b.column - 1)
      canvas.write("►", row: row, column: b.column - 1)
    } else {
      let row = tops[layout.row[edge.from]] + (diagram.nodes[edge.from].role == .state ? 1 : 2)
      canvas.line(row: row, from: a.column, to: b.column + b.width)
      canvas.write("◄", row: row, column: b.column + b.width)
    }
  }
}
