import Foundation
import Training

/// A few lines of text that show what a gradient watch saw lately.
///
///     loss     2.31 ▇▆▅▄▃▂▂▁   gradient 0.84 ▂▃▂▁▂▁▁▁   clipped 12 %   noise scale 3.1 batches
///     recurrent.0  hidden  ░░░▒▒▒▓▓▓███  × 0.93 a step back   saturated: forget 12 %, input 3 %   dead 0 %
///
/// The strip is ‖∂L/∂h_t‖ from the first time step to the last: each shade is a tenth of the next. No colour is used.
struct WatchPanel {
  /// Columns of a curve and of a strip.
  private static let (curve, strip) = (16, 24)
  private static let blocks = Array("▁▂▃▄▅▆▇█")
  /// Below 10⁻⁴ of the largest norm, to 10⁻³, … to the largest itself.
  private static let shades = Array(" ·░▒▓█")

  private var reports: [WatchReport] = []

  /// Takes one more report.
  mutating func add(_ report: WatchReport) {
    reports.append(report)
    if reports.count > Self.curve { reports.removeFirst() }
  }

  /// The lines; none before the first report.
  var lines: [String] {
    guard let last = reports.last else { return [] }
    var first =
      "loss \(decimals(last.loss)) \(Self.sparkline(reports.map(\.loss)))   gradient \(decimals(last.gradientNorm)) "
      + "\(Self.sparkline(reports.map(\.gradientNorm)))   clipped \(percent(last.clippedShare))"
    if let scale = last.noiseScale { first += "   noise scale \(decimals(scale)) batches" }
    return [first] + last.layers.flatMap(lines)
  }

  private func lines(of layer: LayerWatch) -> [String] {
    layer.states.enumerated().map { index, state in
      var text = "\(layer.name)  \(state.name)  |\(Self.heatStrip(state.gradientNorms))|"
      guard index == 0 else { return text }
      if let exponent = layer.lyapunovExponent { text += "  × \(decimals(exp(exponent))) a step back" }
      let saturated = layer.gates.filter { $0.function != "relu" && $0.saturatedLow + $0.saturatedHigh >= 0.01 }
        .map { "\($0.name) \(percent($0.saturatedLow + $0.saturatedHigh))" }
      if !saturated.isEmpty { text += "  saturated: \(saturated.joined(separator: ", "))" }
      if layer.deadUnits > 0 { text += "  dead \(percent(layer.deadUnits))" }
      return text
    }
  }

  /// A curve of blocks, from the least value to the largest; a constant one is flat at the bottom.
  static func sparkline(_ values: [Double]) -> String {
    let known = values.filter(\.isFinite)
    guard let low = known.min(), let high = known.max() else { return "" }
    return String(
      values.map { value in
        guard value.isFinite else { return " " }
        let share = high > low ? (value - low) / (high - low) : 0
        return blocks[min(blocks.count - 1, Int(share * Double(blocks.count)))]
      })
  }

  /// Norms over time as shades, each a factor of ten, relative to the largest; neighbours share a column where there
  /// are more than columns.
  static func heatStrip(_ norms: [Double]) -> String {
    guard let largest = norms.max(), largest > 0 else { return "" }
    let columns = min(strip, norms.count)
    return String(
      (0..<columns).map { column in
        let own = norms[norms.count * column / columns..<norms.count * (column + 1) / columns]
        let share = (own.max() ?? 0) / largest
        guard share > 0 else { return shades[0] }
        return shades[max(0, min(shades.count - 1, shades.count - 1 + Int(log10(share).rounded(.down))))]
      })
  }

  private func decimals(_ value: Double) -> String { String(format: "%.3g", value) }
  private func percent(_ share: Double) -> String { String(format: "%.0f %%", 100 * share) }
}
