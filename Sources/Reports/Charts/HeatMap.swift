import Foundation
import Recurrence

/// A grid of norms as colours, with axes and a bar that says which colour is which number.
struct HeatMap {
  let title: String
  let note: String
  let grid: FlowGrid
  /// What a column's number is, what a row's is, and what the colours are.
  let x, y, z: String

  private static let size = (width: 640.0, height: 330.0)
  private static let frame = (left: 56.0, top: 10.0, right: 532.0, bottom: 286.0)
  private static let levels = 64

  var markup: Markup {
    .figure(
      title, note,
      .drawing(
        Self.size.width, Self.size.height,
        label: "\(title): \(z) from \(Self.power(grid.range.lowerBound)) to \(Self.power(grid.range.upperBound))",
        cells + axes + bar))
  }

  private static func power(_ exponent: Double) -> String { Figures.short(pow(10, exponent)) }

  /// One path for each colour, of horizontal runs of cells.
  private var cells: [Markup] {
    var ways = [String](repeating: "", count: Self.levels)
    for (row, values) in grid.cells.enumerated() {
      let y = grid.cells.count - 1 - row
      let own = values.map { $0.map { Int((grid.share($0) * Double(Self.levels - 1)).rounded()) } }
      var start = 0
      while start < own.count {
        let end = own[start...].firstIndex { $0 != own[start] } ?? own.count
        if let level = own[start] { ways[level] += "M\(start) \(y)h\(end - start)v1h\(start - end)z" }
        start = end
      }
    }
    let paths = ways.enumerated().filter { !$0.element.isEmpty }.map { level, way in
      Markup.tag("path", ["fill": Self.colour(level).hex, "d": way])
    }
    let (width, height) = (Self.frame.right - Self.frame.left, Self.frame.bottom - Self.frame.top)
    let scale = (x: width / Double(max(1, grid.updates.count)), y: height / Double(max(1, grid.steps.count)))
    return [
      .box("track", Self.frame.left, Self.frame.top, width, height),
      .tag(
        "g",
        [
          "shape-rendering": "crispEdges",
          "transform": "translate(\(Self.frame.left) \(Self.frame.top)) scale(\(scale.x) \(scale.y))",
        ], .group(paths)),
    ]
  }

  private static func colour(_ level: Int) -> ColourScale.Colour {
    ColourScale.viridis(Double(level) / Double(levels - 1))
  }

  private var axes: [Markup] {
    let frame = Self.frame
    var parts: [Markup] = []
    for index in Self.spread(grid.updates.count, most: 6) {
      let x = frame.left + (Double(index) + 0.5) / Double(grid.updates.count) * (frame.right - frame.left)
      parts.append(.line("base", x, frame.bottom, x, frame.bottom + 4))
      parts.append(.words(Figures.whole(grid.updates[index]), "tick middle", x, frame.bottom + 18))
    }
    for index in Self.spread(grid.steps.count, most: 6) {
      let y = frame.bottom - (Double(index) + 0.5) / Double(grid.steps.count) * (frame.bottom - frame.top)
      parts.append(.words(Figures.whole(grid.steps[index]), "tick end", frame.left - 7, y + 4))
    }
    parts.append(.words(x, "axis middle", (frame.left + frame.right) / 2, frame.bottom + 37))
    let middle = Figures.place((frame.top + frame.bottom) / 2)
    parts.append(
      .tag("text", ["class": "axis middle", "transform": "translate(12 \(middle)) rotate(-90)"], Markup(y)))
    return parts
  }

  private var bar: [Markup] {
    let frame = Self.frame
    let left = frame.right + 26
    let height = (frame.bottom - frame.top - 22) / Double(Self.levels)
    let bottom = frame.bottom
    var parts = (0..<Self.levels).map { level in
      Markup.tag(
        "rect",
        [
          "x": Figures.place(left), "y": Figures.place(bottom - height * Double(level + 1)), "width": "16",
          "height": Figures.place(height + 0.4), "fill": Self.colour(level).hex,
        ])
    }
    for tick in Axis.logarithmicTicks(grid.range.lowerBound, grid.range.upperBound)
    where grid.range.contains(log10(tick.value)) {
      let y = bottom - grid.share(log10(tick.value)) * height * Double(Self.levels)
      parts.append(.line("base", left + 16, y, left + 20, y))
      parts.append(.words(tick.label, "tick", left + 24, y + 4))
    }
    return parts + [.words(z, "axis middle", left + 14, frame.top + 10)]
  }

  /// Evenly spread indices, the first and the last among them.
  static func spread(_ count: Int, most: Int) -> [Int] {
    guard count > most else { return Array(0..<count) }
    return (0..<most).map { $0 * (count - 1) / (most - 1) }
  }
}
