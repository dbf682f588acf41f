import Foundation

/// Curves over a common axis. Each has a colour, a pattern and, where there are several, its name at its end.
///
///     LineChart(title: "Loss", x: "epoch", y: "nats", series: [.init("training", points), .init("test", others)])
struct LineChart {
  /// One curve. Points that are no numbers leave a gap.
  struct Series {
    let name: String
    let points: [(x: Double, y: Double)]

    init(_ name: String, _ points: [(x: Double, y: Double)]) {
      self.name = name
      self.points = points
    }
  }

  /// A point that is circled and named.
  struct Mark {
    let x, y: Double
    let label: String
  }

  let title: String
  var note = ""
  let x: String
  let y: String
  let series: [Series]
  var marks: [Mark] = []
  var scale = Axis.Scale.linear
  /// Values that the vertical axis shows whatever the curves do.
  var shows: [Double] = []

  /// Width and height: half of the page's width by default.
  var size = (width: 540.0, height: 258.0)

  /// Points that a curve has at most; of more, neighbours are averaged.
  static let mostPoints = 400

  private var frame: (left: Double, top: Double, right: Double, bottom: Double) {
    // Room for the names at the ends, at about 7.5 a letter.
    let names = series.count > 1 ? 18 + 7.5 * Double(series.map(\.name.count).max() ?? 0) : 14
    return (68, 12, size.width - names, size.height - 44)
  }

  var markup: Markup {
    let thinned = series.map { Series($0.name, Self.thinned($0.points, scale)) }
    let horizontal = Axis(thinned.flatMap { $0.points.map(\.x) }, .whole)
    let vertical = Axis(thinned.flatMap { $0.points.map(\.y) } + shows, scale)
    let places = thinned.map { $0.points.map { place($0, horizontal, vertical) } }
    var parts = axes(horizontal, vertical)
    for (number, own) in places.enumerated() { parts.append(Self.curve(own, number)) }
    for (number, line) in thinned.enumerated() { parts += dots(line, places[number], number) }
    if series.count > 1 { parts += names(places) }
    parts += marks.flatMap { mark -> [Markup] in
      guard let point = place((mark.x, mark.y), horizontal, vertical) else { return [] }
      let isLate = point.x > (frame.left + frame.right) / 2
      // Above the point, unless that is outside.
      let y = point.y < frame.top + 26 ? point.y + 24 : point.y - 13
      return [
        .tag("circle", ["class": "mark", "cx": Figures.place(point.x), "cy": Figures.place(point.y), "r": "6.5"]),
        .words(mark.label, isLate ? "halo end" : "halo", point.x + (isLate ? 6 : -6), y),
      ]
    }
    let label = "\(title): " + series.map(Self.summary).joined(separator: "; ")
    return .figure(title, note, .drawing(size.width, size.height, label: label, parts))
  }

  private func place(_ point: (x: Double, y: Double), _ horizontal: Axis, _ vertical: Axis) -> (x: Double, y: Double)? {
    guard let x = horizontal.place(point.x), let y = vertical.place(point.y) else { return nil }
    return (
      frame.left + x * (frame.right - frame.left), frame.bottom - y * (frame.bottom - frame.top)
    )
  }

  private func axes(_ horizontal: Axis, _ vertical: Axis) -> [Markup] {
    let frame = frame
    var parts: [Markup] = []
    for tick in vertical.ticks {
      let y = frame.bottom - tick.place * (frame.bottom - frame.top)
      parts.append(.line("grid", frame.left, y, frame.right, y))
      parts.append(.words(tick.label, "tick end", frame.left - 8, y + 4))
    }
    for tick in horizontal.ticks {
      let x = frame.left + tick.place * (frame.right - frame.left)
      parts.append(.line("base", x, frame.bottom, x, frame.bottom + 4))
      parts.append(.words(tick.label, "tick middle", x, frame.bottom + 18))
    }
    parts.append(.line("base", frame.left, frame.bottom, frame.right, frame.bottom))
    parts.append(.words(x, "axis middle", (frame.left + frame.right) / 2, frame.bottom + 38))
    let middle = (frame.top + frame.bottom) / 2
    parts.append(
      .tag(
        "text", ["class": "axis middle", "transform": "translate(11 \(Figures.place(middle))) rotate(-90)"], Markup(y)))
    return parts
  }

  /// A curve through points, with gaps where there are none.
  private static func curve(_ points: [(x: Double, y: Double)?], _ number: Int) -> Markup {
    var way = ""
    var isDown = false
    for point in points {
      guard let point else {
        isDown = false
        continue
      }
      way += "\(isDown ? "L" : "M")\(Figures.place(point.x)) \(Figures.place(point.y))"
      isDown = true
    }
    return .tag("path", ["class": "curve line\(number % StyleSheet.lines.count)", "d": way])
  }

  /// Points with their numbers, seen where there are few and when pointed at.
  private func dots(_ line: Series, _ places: [(x: Double, y: Double)?], _ number: Int) -> [Markup] {
    let isSparse = line.points.count <= 16
    return zip(line.points, places).compactMap { point, place in
      place.map { place in
        .tag(
          "circle",
          [
            "class": "dot dot\(number % StyleSheet.lines.count)\(isSparse ? "" : " faint")",
            "cx": Figures.place(place.x), "cy": Figures.place(place.y), "r": isSparse ? "3.5" : "5",
          ],
          .tag(
            "title", [:],
            "\(line.name), \(x) \(Self.whole(point.x)): \(Figures.short(point.y))"))
      }
    }
  }

  private static func whole(_ x: Double) -> String {
    Int(exactly: x.rounded()).map(Figures.whole) ?? Figures.short(x)
  }

  /// Names at the ends of curves, moved apart where they would stand on each other.
  private func names(_ places: [[(x: Double, y: Double)?]]) -> [Markup] {
    let ends = places.enumerated().compactMap { number, points in
      points.last { $0 != nil }.flatMap { $0 }.map { (number: number, x: $0.x, y: $0.y) }
    }.sorted { $0.y < $1.y }
    var lowest = frame.top - 10
    return ends.map { end in
      lowest = max(end.y + 4, lowest + 15)
      return .words(series[end.number].name, "halo name name\(end.number % StyleSheet.lines.count)", end.x + 11, lowest)
    }
  }

  private static func summary(_ series: Series) -> String {
    guard let first = series.points.first, let last = series.points.last else { return "\(series.name): no values" }
    return "\(series.name) from \(Figures.short(first.y)) to \(Figures.short(last.y))"
  }

  /// At most ``mostPoints`` points: means of neighbours, geometric on a logarithmic axis.
  static func thinned(_ points: [(x: Double, y: Double)], _ scale: Axis.Scale) -> [(x: Double, y: Double)] {
    guard points.count > mostPoints else { return points }
    let isLogarithmic = scale == .logarithmic
    return (0..<mostPoints).compactMap { bin in
      let part = points[bin * points.count / mostPoints..<(bin + 1) * points.count / mostPoints]
        .filter { $0.y.isFinite && (!isLogarithmic || $0.y > 0) }
      guard !part.isEmpty else { return nil }
      let count = Double(part.count)
      let mean = part.reduce(0.0) { $0 + (isLogarithmic ? log($1.y) : $1.y) } / count
      return (part.reduce(0.0) { $0 + $1.x } / count, isLogarithmic ? exp(mean) : mean)
    }
  }
}
