import Foundation
import Paradigms
import Recurrence
import Training

extension TrainingReport {
  /// The network folded and unrolled, its boxes filled by gradients.
  var networkSection: Page.Section? {
    guard let last = watched.last, !model.layers.isEmpty else { return nil }
    let norms = model.layers.map { Self.parameterNorm(of: $0.name, in: last) }
    let folded = Fill(norms.compactMap { $0 })
    let content =
      [
        picture(
          "Gradients of parameters", "each box: the norm of the gradient of its parameters, \(folded.words)",
          Diagram.network(model.layers, at: nil) { layer, _ in norms[layer].map(folded.shade) })
      ] + model.walks.compactMap { unrolled($0, last) }
    return Page.Section(
      name: "network", title: "The network",
      content: [
        .note(
          "Of update \(Figures.whole(last.updatesDone)). The number in a box is the one that its colour stands for.")
      ] + content)
  }

  /// Layers that walk through time together, at some of their time steps; nil where none was watched.
  private func unrolled(_ walk: DrawnWalk, _ last: WatchReport) -> Markup? {
    let flows = walk.layers.map { Self.flow(of: $0, in: last) }
    let steps = flows.map(\.count).max() ?? 0
    guard steps > 0 else { return nil }
    let fill = Fill(flows.flatMap { $0 })
    let times = HeatMap.spread(steps, most: 4).map { $0 + 1 }
    return picture(
      "Gradients of states: a step is a \(walk.step)",
      "recurrent layers: ‖∂L/∂h‖ of their state at the time step, \(fill.words)",
      Diagram.network(walk.layers, at: times) { layer, time in
        time.flatMap { $0 <= flows[layer].count ? fill.shade(flows[layer][$0 - 1]) : nil }
      })
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

  /// ‖∂L/∂state‖ of a layer at each time step, all parts and both directions together; empty for a layer that was not
  /// watched.
  private static func flow(of layer: Diagram.Layer, in seen: WatchReport) -> [Double] {
    var squares: [Double] = []
    for own in seen.layers where own.name == layer.name || own.name.hasPrefix(layer.name + ".") {
      let isBackward = layer.direction == .backward || own.name.hasSuffix(".backward")
      for state in own.states {
        // They stand in the order in which the layer walks.
        let norms = isBackward ? state.gradientNorms.reversed() : state.gradientNorms
        squares += [Double](repeating: 0, count: max(0, norms.count - squares.count))
        for (step, norm) in norms.enumerated() { squares[step] += norm * norm }
      }
    }
    return squares.map { $0.squareRoot() }
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
