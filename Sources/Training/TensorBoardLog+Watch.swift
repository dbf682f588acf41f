import Foundation
import Interchange

/// A gradient watch for TensorBoard: numbers of each layer, histograms of its gates, and a picture that grows with the
/// training, a column for each report and a row for each time step: the brighter, the larger ‖∂L/∂h_t‖.
struct WatchSummaries {
  /// Columns and rows of a picture at most.
  private static let most = 200
  private var columns: [String: [[Double]]] = [:]

  /// The summaries of one more report.
  mutating func next(_ report: WatchReport) -> [EventSummary] {
    var all: [EventSummary] = [.scalar("watch/clipped_share", report.clippedShare)]
    if let scale = report.noiseScale { all.append(.scalar("watch/noise_scale", scale)) }
    for parameter in report.parameters {
      all.append(.scalar("update_ratio/\(parameter.path)", parameter.updateRatio))
    }
    for layer in report.layers {
      if let exponent = layer.lyapunovExponent { all.append(.scalar("\(layer.name)/lyapunov_exponent", exponent)) }
      all.append(.scalar("\(layer.name)/dead_units", layer.deadUnits))
      all += layer.recurrentWeights.map { .scalar("\(layer.name)/spectral_radius/\($0.name)", $0.spectralRadius) }
      all += layer.gates.map { .histogram("\(layer.name)/gate/\($0.name)", $0.typicalValues) }
      for state in layer.states {
        let name = "\(layer.name)/gradient_through_time/\(state.name)"
        columns[name, default: []].append(state.gradientNorms)
        all.append(.image(name, Self.picture(columns[name] ?? [])))
      }
    }
    return all
  }

  /// Norms as grey values, four powers of ten from black to white; the last time step is the lowest row.
  private static func picture(_ columns: [[Double]]) -> PNGImage {
    let shown = columns.suffix(most)
    let height = max(1, min(most, shown.map(\.count).max() ?? 1))
    let largest = max(shown.joined().max() ?? 0, .leastNormalMagnitude)
    var pixels: [UInt8] = []
    for row in 0..<height {
      for column in shown {
        let step = column.count * row / height
        let norm = column.indices.contains(step) ? column[step] : 0
        let share = norm > 0 ? max(0, 1 + log10(norm / largest) / 4) : 0
        pixels += [UInt8](repeating: UInt8(255 * share), count: 3)
      }
    }
    return PNGImage(width: max(1, shown.count), height: height, pixels: pixels)
  }
}

extension GateWatch {
  /// Values that are spread like the gate's: the middles of the histogram's intervals, at most about a thousand.
  fileprivate var typicalValues: [Float] {
    let total = max(1, histogram.reduce(0, +))
    let width = (histogramRange[1] - histogramRange[0]) / Double(histogram.count)
    return histogram.enumerated().flatMap { interval, count in
      let value = Float(histogramRange[0] + (Double(interval) + 0.5) * width)
      return [Float](repeating: value, count: (count * min(total, 1000) + total - 1) / total)
    }
  }
}
