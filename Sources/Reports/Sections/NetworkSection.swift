import Foundation
import Recurrence
import Training

extension TrainingReport {
  /// The network folded and unrolled, its boxes filled by gradients.
  var networkSection: Page.Section? {
    guard let last = watched.last, !model.layers.isEmpty else { return nil }
    let norms = model.layers.map { Self.parameterNorm(of: $0.name, in: last) }
    let folded = Fill(norms.compactMap { $0 })
    let flows = model.layers.map { layer in Self.flow(of: layer, in: last) }
    let unrolled = Fill(flows.flatMap { $0 })
    let steps = flows.map(\.count).max() ?? 0
    let times = HeatMap.spread(steps, most: 4).map { $0 + 1 }
    var content = [
      picture(
        "Gradients of parameters", "each box: the norm of the gradient of its parameters, \(folded.words)",
        Diagram.network(model.layers, at: nil) { layer, _ in norms[layer].map(folded.shade) })
    ]
    if steps > 0 {
      content.append(
        picture(
          "Gradients of states", "recurrent layers: ‖∂L/∂h‖ of their state at the time step, \(unrolled.words)",
          Diagram.network(model.layers, at: times) { layer, time in
            time.flatMap { $0 <= flows[layer].count ? unrolled.shade(flows[layer][$0 - 1]) : nil }
          }))
    }
    return Page.Section(
      name: "network", title: "The network",
      content: [
        .note(
          "Of update \(Figures.whole(last.updatesDone)). The number in a box is the one that its colour stands for.")
      ] + content)
  }

  /// As an image, so that its style stays its own.
  private func picture(_ title: String, _ note: String, _ diagram: Diagram) -> Markup {
    var diagram = diagram
    // Colours are for gradients here; which boxes share weights their letters say.
    for node in diagram.nodes.indices { diagram.nodes[node].tie = nil }
    let data = Data(diagram.svg.utf8).base64EncodedString()
    let alternative = "\(diagram.title): \(note)"
    return .figure(
      title, note, .tag("img", ["src": "data:image/svg+xml;base64,\(data)", "alt": alternative]))
  }

  /// The norm of the gradient of a layer's parameters; nil where it has none that were watched.
  private static func parameterNorm(of layer: String, in seen: WatchReport) -> Double? {
    let own = seen.parameters.filter { $0.path.hasPrefix(layer + ".") }
    return own.isEmpty ? nil : own.reduce(0) { $0 + $1.gradientNorm * $1.gradientNorm }.squareRoot()
  }

  /// ‖∂L/∂state‖ of a layer at each time step, all parts together; empty for a layer that was not watched.
  private static func flow(of layer: Diagram.Layer, in seen: WatchReport) -> [Double] {
    // A cell with a single layer of weights is named by these.
    let own = seen.layers.first { $0.name == layer.name || $0.name.hasPrefix(layer.name + ".") }
    guard let states = own?.states, let first = states.first else { return [] }
    let norms = first.gradientNorms.indices.map { step in
      states.reduce(0.0) { sum, state in
        step < state.gradientNorms.count ? sum + state.gradientNorms[step] * state.gradientNorms[step] : sum
      }.squareRoot()
    }
    // They stand in the order in which the layer walks.
    return layer.direction == .backward ? norms.reversed() : norms
  }
}

/// Colours for norms, by their logarithm.
private struct Fill {
  private let low, high: Double

  init(_ norms: [Double]) {
    let known = norms.filter { $0.isFinite && $0 > 0 }.map(log10)
    high = known.max() ?? 0
    // A power of ten at least: what is nearly the same should look so.
    low = min(high - 1, known.min() ?? high)
  }

  func shade(_ norm: Double) -> Diagram.Shade {
    let share = norm > 0 ? (log10(norm) - low) / (high - low) : 0
    return Diagram.Shade(ColourScale.viridis(share), number: Figures.short(norm))
  }

  var words: String {
    "from \(Figures.short(pow(10, low))) (dark violet) to \(Figures.short(pow(10, high))) (yellow)"
  }
}
