/// Where a diagram's nodes stand: rows by longest paths, the order in a row by barycentres, places by least squares.
///
/// Every column is laid out by itself and by the same rules, so copies of a time step look alike. Widths and places are
/// in the renderer's unit, counted from the left.
struct DiagramLayout {
  struct Metrics {
    /// A node's width.
    var width: (Diagram.Node) -> Double
    /// Between neighbours in a row.
    var gap: Double
    /// Of a line that passes a row.
    var lineWidth: Double
    /// From a column to the next, with `lanes` lines that go up or down there.
    var columnGap: (_ lanes: Int) -> Double
    /// Whether places are whole numbers.
    var isSnapped: Bool
  }

  /// A place that a line goes through: the end at a node, or a row that it passes between nodes.
  struct Waypoint: Hashable {
    /// The node or line in its row: two edges out of one node share their source.
    var item: Int
    var x: Double
    var row: Int
    var node: Int?
  }

  /// Rows and centres of the nodes.
  private(set) var row: [Int]
  private(set) var x: [Double]
  /// For each edge of kind flow, the way from its source to its target; empty for others.
  private(set) var paths: [[Waypoint]]
  /// Left and right end of each column.
  private(set) var columns: [ClosedRange<Double>] = []
  private(set) var rowCount: Int
  private(set) var loops: [Loop] = []

  /// The way of an edge that leaves its column: above the rows, down a lane right of the column, and below the rows.
  /// Smaller numbers are nearer to the column.
  struct Loop: Hashable {
    var edge: Int
    var column: Int
    var lane: Int
    var above: Int
    var below: Int
  }

  init(_ diagram: Diagram, _ metrics: Metrics) {
    row = Self.rows(diagram)
    rowCount = (row.max() ?? 0) + 1
    x = [Double](repeating: 0, count: diagram.nodes.count)
    paths = [[Waypoint]](repeating: [], count: diagram.edges.count)
    var left = 0.0
    var itemCount = 0
    for column in diagram.columns.indices {
      let nodes = diagram.nodes.indices.filter { diagram.nodes[$0].column == column }
      var layout = ColumnLayout(diagram, nodes: nodes, rows: row, metrics)
      layout.arrange()
      let shift = left - layout.left
      for item in layout.items {
        if let node = item.node { x[node] = item.x + shift }
      }
      for (edge, items) in layout.routes {
        paths[edge] = items.map { number in
          let item = layout.items[number]
          return Waypoint(item: itemCount + number, x: item.x + shift, row: item.row, node: item.node)
        }
      }
      itemCount += layout.items.count
      let right = left + layout.right - layout.left
      columns.append(left...right)
      let lanes = addLoops(diagram, after: column)
      left = right + metrics.columnGap(lanes)
    }
  }

  /// Gives every edge that leaves a column and changes rows its lane, and returns how many there are.
  private mutating func addLoops(_ diagram: Diagram, after column: Int) -> Int {
    let edges = diagram.edges.indices.filter {
      let edge = diagram.edges[$0]
      return edge.kind != .flow && diagram.nodes[edge.from].column == column && row[edge.from] != row[edge.to]
    }
    let inward = edges.sorted { (-x[diagram.edges[$0].from], $0) < (-x[diagram.edges[$1].from], $1) }
    for (lane, edge) in inward.enumerated() {
      // A cycle turns back below the column that it left, around those inside it; a line to the next column turns away.
      let below = diagram.edges[edge].kind == .delay ? lane : edges.count - 1 - lane
      loops.append(Loop(edge: edge, column: column, lane: lane, above: lane, below: below))
    }
    return edges.count
  }

  /// At least how wide a layout will be: the nodes of each column's fullest row beside each other.
  static func leastWidth(_ diagram: Diagram, _ metrics: Metrics) -> Double {
    let rows = rows(diagram)
    var widths: [[Int]: Double] = [:]
    for (node, row) in zip(diagram.nodes, rows) {
      let place = [node.column, row]
      widths[place] = widths[place].map { $0 + metrics.gap + metrics.width(node) } ?? metrics.width(node)
    }
    return diagram.columns.indices.reduce(0) { sum, column in
      sum + (widths.filter { $0.key[0] == column }.map(\.value).max() ?? 0)
    }
  }

  /// The longest path from the leaves; results stand together at the top.
  private static func rows(_ diagram: Diagram) -> [Int] {
    var rows = diagram.nodes.map { $0.row ?? 0 }
    var hasInputs = [Bool](repeating: false, count: rows.count)
    // Edges are in the order of their targets, which come after their sources: one walk finds all longest paths.
    for edge in diagram.edges where edge.kind == .flow {
      hasInputs[edge.to] = true
      if diagram.nodes[edge.to].row == nil { rows[edge.to] = max(rows[edge.to], rows[edge.from] + 1) }
    }
    let top = rows.max() ?? 0
    for (i, node) in diagram.nodes.enumerated() where node.row == nil && hasInputs[i] {
      if node.role == .state || node.role == .output { rows[i] = top }
    }
    return rows
  }
}

/// The layout of one column: its nodes, and a stand-in for every row that an edge passes.
private struct ColumnLayout {
  struct Item {
    var node: Int?
    var row: Int
    var width: Double
    var below: [Int] = []
    var above: [Int] = []
    var x = 0.0
  }

  private(set) var items: [Item] = []
  private(set) var routes: [(edge: Int, items: [Int])] = []
  private var rows: [[Int]]
  private let metrics: DiagramLayout.Metrics

  init(_ diagram: Diagram, nodes: [Int], rows: [Int], _ metrics: DiagramLayout.Metrics) {
    self.metrics = metrics
    self.rows = [[Int]](repeating: [], count: (rows.max() ?? 0) + 1)
    var itemOf: [Int: Int] = [:]
    for node in nodes {
      itemOf[node] = items.count
      self.rows[rows[node]].append(items.count)
      items.append(Item(node: node, row: rows[node], width: metrics.width(diagram.nodes[node])))
    }
    for (number, edge) in diagram.edges.enumerated() where edge.kind == .flow {
      guard let from = itemOf[edge.from], let to = itemOf[edge.to] else { continue }
      routes.append((number, addRoute(from, to)))
    }
  }

  private mutating func addRoute(_ from: Int, _ to: Int) -> [Int] {
    var route = [from]
    for row in items[from].row + 1..<max(items[from].row + 1, items[to].row) {
      // A line that leads a value upwards already is shared by all that read the value higher up.
      if let shared = items[route[route.count - 1]].above.first(where: { items[$0].node == nil }) {
        route.append(shared)
        continue
      }
      rows[row].append(items.count)
      items.append(Item(row: row, width: metrics.lineWidth))
      connect(route[route.count - 1], items.count - 1)
      route.append(items.count - 1)
    }
    connect(route[route.count - 1], to)
    return route + [to]
  }

  private mutating func connect(_ lower: Int, _ upper: Int) {
    items[lower].above.append(upper)
    items[upper].below.append(lower)
  }

  var left: Double { items.map { $0.x - $0.width / 2 }.min() ?? 0 }
  var right: Double { items.map { $0.x + $0.width / 2 }.max() ?? 0 }

  mutating func arrange() {
    order()
    place()
  }

  // MARK: Order

  /// Sweeps up and down, each row ordered by the mean position of its neighbours; the order with the fewest crossings
  /// stays.
  private mutating func order() {
    var best = rows
    var fewest = crossings()
    for sweep in 0..<16 where fewest > 0 {
      let isUpward = sweep % 2 == 0
      let sequence = isUpward ? Array(rows.indices) : rows.indices.reversed()
      for row in sequence { sort(row, byLower: isUpward) }
      let count = crossings()
      if count < fewest { (best, fewest) = (rows, count) }
    }
    rows = best
  }

  private mutating func sort(_ row: Int, byLower: Bool) {
    var position: [Int: Int] = [:]
    for row in rows {
      for (place, item) in row.enumerated() { position[item] = place }
    }
    let keys = rows[row].enumerated().map { place, item -> (key: Double, place: Int, item: Int) in
      let neighbours = byLower ? items[item].below : items[item].above
      guard !neighbours.isEmpty else { return (Double(place), place, item) }
      let sum = neighbours.reduce(0) { $0 + (position[$1] ?? 0) }
      return (Double(sum) / Double(neighbours.count), place, item)
    }
    rows[row] = keys.sorted { ($0.key, $0.place) < ($1.key, $1.place) }.map(\.item)
  }

  private func crossings() -> Int {
    rows.indices.dropLast().reduce(0) { count, row in
      var upper: [Int: Int] = [:]
      for (place, item) in rows[row + 1].enumerated() { upper[item] = place }
      let ends = rows[row].enumerated().flatMap { place, item in
        items[item].above.compactMap { above in upper[above].map { (place, $0) } }
      }
      return count
        + ends.indices.reduce(0) { sum, i in
          sum + ends[(i + 1)...].filter { (ends[i].0 - $0.0) * (ends[i].1 - $0.1) < 0 }.count
        }
    }
  }

  // MARK: Places

  private mutating func place() {
    for row in rows {
      var x = 0.0
      for item in row {
        items[item].x = x + items[item].width / 2
        x += items[item].width + metrics.gap
      }
    }
    for sweep in 0..<40 {
      let isUpward = sweep % 2 == 0
      for row in isUpward ? Array(rows.indices) : rows.indices.reversed() {
        place(row, sweep < 30 ? (isUpward ? [\.below] : [\.above]) : [\.below, \.above])
      }
    }
    for _ in 0..<3 { alignLines() }
    guard metrics.isSnapped else { return }
    for item in items.indices { items[item].x = items[item].x.rounded(.down) }
    for _ in 0..<6 {
      for row in rows { straighten(row) }
      for row in rows.reversed() { straighten(row) }
    }
  }

  /// Moves the items of a row by a few whole steps, where there is room, if that makes more of their lines straight.
  private mutating func straighten(_ row: [Int]) {
    for number in row {
      let (lowest, highest) = room(number)
      var best = (bends: bends(number, at: items[number].x), shift: 0.0)
      for shift in [1.0, -1, 2, -2, 3, -3] {
        let x = items[number].x + shift
        guard x >= lowest, x <= highest else { continue }
        let count = bends(number, at: x)
        if count < best.bends { best = (count, shift) }
      }
      items[number].x += best.shift
    }
  }

  /// How strongly an item wants to stand above or below another: a line stays straight before a box stands in its
  /// middle, and what only leads from one node to one other stands in a column with both.
  private func pull(_ a: Int, _ b: Int) -> Double {
    if items[a].node == nil { return items[b].node == nil ? 8 : 2 }
    let isAbove = items[a].row > items[b].row
    let (lower, upper) = isAbove ? (b, a) : (a, b)
    return items[lower].above.count == 1 && items[upper].below.count == 1 ? 5 : 1
  }

  /// Makes lines that pass several rows straight where there is room in all of them.
  private mutating func alignLines() {
    for start in items.indices where items[start].node == nil && items[items[start].below[0]].node != nil {
      var line = [start]
      while let next = items[line[line.count - 1]].above.first(where: { items[$0].node == nil }) { line.append(next) }
      // As long a part as has one place with room in all its rows, then the next part.
      var part: [Int] = []
      var common = (lowest: -Double.infinity, highest: Double.infinity)
      for item in line {
        let own = room(item)
        if max(common.lowest, own.lowest) > min(common.highest, own.highest) {
          align(part, common)
          (part, common) = ([], (-.infinity, .infinity))
        }
        part.append(item)
        common = (max(common.lowest, own.lowest), min(common.highest, own.highest))
      }
      align(part, common)
    }
  }

  private mutating func align(_ line: [Int], _ room: (lowest: Double, highest: Double)) {
    let mean = line.reduce(0) { $0 + items[$1].x } / Double(max(1, line.count))
    for item in line { items[item].x = min(max(mean, room.lowest), max(room.lowest, room.highest)) }
  }

  /// Where an item can stand while its neighbours in the row stay.
  private func room(_ number: Int) -> (lowest: Double, highest: Double) {
    let row = rows[items[number].row]
    guard let place = row.firstIndex(of: number) else { return (items[number].x, items[number].x) }
    func distance(_ other: Int) -> Double { (items[other].width + items[number].width) / 2 + metrics.gap }
    let lowest = place > 0 ? items[row[place - 1]].x + distance(row[place - 1]) : -.infinity
    let highest = place + 1 < row.count ? items[row[place + 1]].x - distance(row[place + 1]) : .infinity
    return (lowest, highest)
  }

  /// How far an item's lines are from straight: short bends disturb more than long ones, which are ways to somewhere
  /// else.
  private func bends(_ number: Int, at x: Double) -> Double {
    func cost(_ lower: Int, _ upper: Int, _ dx: Double) -> Double {
      // A node with several inputs takes them beside its middle.
      let slack: Double = items[upper].node != nil && items[upper].below.count > 1 ? 1 : 0
      let weight: Double = pull(lower, upper) > 1 ? 2 : 1
      return abs(dx) <= slack ? 0.01 * abs(dx) : weight + 0.01 * abs(dx)
    }
    return items[number].below.reduce(0) { $0 + cost($1, number, x - items[$1].x) }
      + items[number].above.reduce(0) { $0 + cost(number, $1, items[$1].x - x) }
  }

  /// Puts a row as near as possible (least squares) to the means of the neighbours, in its order and without overlaps.
  private mutating func place(_ row: Int, _ sides: [KeyPath<Item, [Int]>]) {
    var offset = 0.0
    var wishes: [(value: Double, weight: Double)] = []
    var offsets: [Double] = []
    for (place, number) in rows[row].enumerated() {
      let item = items[number]
      if place > 0 { offset += (items[rows[row][place - 1]].width + item.width) / 2 + metrics.gap }
      var (sum, weight) = (0.0, 0.0)
      for neighbour in sides.flatMap({ item[keyPath: $0] }) {
        let pull = pull(number, neighbour)
        sum += pull * items[neighbour].x
        weight += pull
      }
      wishes.append(weight > 0 ? (sum / weight - offset, weight) : (item.x - offset, 0.1))
      offsets.append(offset)
    }
    for (place, value) in monotone(wishes).enumerated() { items[rows[row][place]].x = value + offsets[place] }
  }
}

extension DiagramLayout {
  /// Where lines enter a node with room for `half` to either side of its centre: in the order of their sources,
  /// `spacing` apart, and straight for one source that stands below the node.
  static func entries(center: Double, half: Double, spacing: Double, sources: [Double]) -> [Double] {
    let count = Double(sources.count)
    let even = sources.indices.map { center + spacing * (Double($0) - (count - 1) / 2) }
    guard
      let straight = sources.indices.min(by: { abs(sources[$0] - center) < abs(sources[$1] - center) }),
      abs(sources[straight] - center) <= spacing
    else { return even }
    let places = sources.indices.map { sources[straight] + spacing * Double($0 - straight) }
    return places.allSatisfy { abs($0 - center) <= half } ? places : even
  }
}

/// The non-decreasing sequence nearest to the wishes: pools neighbours that are in the wrong order until none is.
func monotone(_ wishes: [(value: Double, weight: Double)]) -> [Double] {
  var pools: [(value: Double, weight: Double, count: Int)] = []
  for wish in wishes {
    pools.append((wish.value, wish.weight, 1))
    while pools.count > 1, pools[pools.count - 2].value > pools[pools.count - 1].value {
      let b = pools.removeLast()
      let a = pools.removeLast()
      let weight = a.weight + b.weight
      pools.append(((a.value * a.weight + b.value * b.weight) / weight, weight, a.count + b.count))
    }
  }
  return pools.flatMap { [Double](repeating: $0.value, count: $0.count) }
}
