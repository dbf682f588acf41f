import Foundation
import Training

/// How a gate's values are spread, at several moments of a training: outlines over each other, the last one filled.
struct GateHistogram {
  /// The gate at each moment, the earliest first; three at most.
  let moments: [GateWatch]

  private static let size = (width: 240.0, height: 122.0)
  private static let frame = (left: 6.0, top: 8.0, right: 234.0, bottom: 100.0)

  /// The line of a moment: the last is always solid, the first dotted, the one between dashed.
  static func line(_ moment: Int, of count: Int) -> Int { moment == count - 1 ? 0 : moment == 0 ? 2 : 1 }

  var markup: Markup? {
    guard let last = moments.last, last.histogramRange.count == 2, !last.histogram.isEmpty else { return nil }
    let shares = moments.map { gate -> [Double] in
      let total = gate.histogram.reduce(0.0) { $0 + Double($1) }
      return gate.histogram.map { Double($0) / max(1, total) }
    }
    let most = max(shares.joined().max() ?? 1, 1e-9)
    var parts: [Markup] = []
    if let own = shares.last {
      parts.append(.tag("path", ["class": "area", "d": way(own, most, isClosed: true)]))
    }
    for (moment, own) in shares.enumerated() {
      let line = Self.line(moment, of: shares.count)
      parts.append(.tag("path", ["class": "curve line\(line)", "d": way(own, most, isClosed: false)]))
    }
    let (frame, range) = (Self.frame, last.histogramRange)
    parts.append(.line("base", frame.left, frame.bottom, frame.right, frame.bottom))
    parts.append(.words(Figures.plain(range[0]), "tick", frame.left, frame.bottom + 16))
    let middle = Figures.plain((range[0] + range[1]) / 2)
    parts.append(.words(middle, "tick middle", (frame.left + frame.right) / 2, frame.bottom + 16))
    parts.append(.words(Figures.plain(range[1]), "tick end", frame.right, frame.bottom + 16))
    let ends =
      last.function == "relu"
      ? "at 0: \(Figures.percent(last.saturatedLow))"
      : "flat: \(Figures.percent(last.saturatedLow)) low, \(Figures.percent(last.saturatedHigh)) high"
    let note = "\(last.function), mean \(Figures.short(last.mean)); \(ends)"
    return .figure(
      last.name, note, .drawing(Self.size.width, Self.size.height, label: "Values of \(last.name): \(note)", parts))
  }

  private func way(_ shares: [Double], _ most: Double, isClosed: Bool) -> String {
    let width = (Self.frame.right - Self.frame.left) / Double(shares.count)
    var way = ""
    for (bin, share) in shares.enumerated() {
      let y = Self.frame.bottom - share / most * (Self.frame.bottom - Self.frame.top)
      let x = Self.frame.left + width * Double(bin)
      way += "\(bin == 0 ? "M" : "L")\(Figures.place(x)) \(Figures.place(y))H\(Figures.place(x + width))"
    }
    return isClosed ? "\(way)V\(Figures.place(Self.frame.bottom))H\(Figures.place(Self.frame.left))Z" : way
  }
}
