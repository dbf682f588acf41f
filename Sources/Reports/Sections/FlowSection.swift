import Foundation
import Training

extension TrainingReport {
  /// How gradients flow back through time, for each layer and part of its state.
  var flowSection: Page.Section? {
    guard let last = watched.last, !last.layers.isEmpty else { return nil }
    var content: [Markup] = [
      .note(
        "The norm of the loss's gradient with respect to the state at each time step, ‖∂L/∂h‖. Backpropagation goes "
          + "from the last time step, on top, down to the first. Where colours darken on the way down gradients "
          + "vanish; where they brighten they grow.")
    ]
    for layer in last.layers {
      content.append(.heading(layer.name))
      if let fate = Self.fate(of: layer) { content.append(.paragraph(fate)) }
      for state in layer.states { content += flow(of: state, in: layer) }
    }
    return Page.Section(name: "flow", title: "Gradients through time", content: content)
  }

  private func flow(of state: StateWatch, in layer: LayerWatch) -> [Markup] {
    let curves = watched.compactMap { seen -> (update: Int, norms: [Double])? in
      let own = seen.layers.first { $0.name == layer.name }?.states.first { $0.name == state.name }
      return own.map { (seen.updatesDone, $0.gradientNorms) }
    }
    guard curves.contains(where: { !$0.norms.isEmpty }) else { return [] }
    let grid = FlowGrid(curves)
    let hasGaps = grid.cells.contains { $0.contains(nil) }
    let map = HeatMap(
      title: "\(state.name): all watched updates",
      note: "log₁₀ of the norm as colour: darker is smaller\(hasGaps ? "; grey: no sequence was so long" : "")",
      grid: grid, x: "update", y: "time step", z: "‖∂L/∂h‖")
    // The last first: it has the first colour, here and in the histograms of gates.
    let shown = moments.reversed().compactMap { seen in
      curves.first { $0.update == seen.updatesDone }.map { curve in
        LineChart.Series(
          "update \(Figures.whole(curve.update))",
          curve.norms.enumerated().map { (x: Double($0.offset + 1), y: $0.element) })
      }
    }
    let chart = LineChart(
      title: "\(state.name): single updates", note: Self.words(on: state, of: layer.steps), x: "time step",
      y: "‖∂L/∂h‖", series: shown, scale: .logarithmic, size: (440, 330))
    return [
      .grid("pair wide", [map.markup, chart.markup]), Self.table(of: curves).folded("Some of the values as a table"),
    ]
  }

  /// The decay of the last report in words.
  private static func words(on state: StateWatch, of steps: Int) -> String {
    guard let decay = state.decay else { return "the same as curves" }
    let all = pow(decay, max(0, Double(steps) - 1))
    return "in the last, ×\u{A0}\(Figures.factor(decay)) with each step away from the end, "
      + "×\u{A0}\(Figures.factor(all)) over all \(steps); "
      + "values have a root mean square of \(Figures.short(state.magnitude))"
  }

  /// The Lyapunov exponent of the last report in words; nil where there is none.
  private static func fate(of layer: LayerWatch) -> String? {
    guard let exponent = layer.lyapunovExponent else { return nil }
    let steps = Figures.whole(Int((log(100) / max(0.005, abs(exponent))).rounded(.up)))
    let fate =
      abs(exponent) < 0.005
      ? "is carried back nearly unchanged"
      : exponent < 0
        ? "vanishes: a hundredth of it is left after \(steps) steps" : "grows a hundredfold in \(steps) steps"
    return "A gradient that comes from the last time step alone \(fate). It is multiplied by "
      + "\(Figures.factor(exp(exponent))) at each step back (Lyapunov exponent \(Figures.fixed(exponent, 4)) a step)."
  }

  private static func table(of curves: [(update: Int, norms: [Double])]) -> Table {
    let length = curves.map(\.norms.count).max() ?? 0
    let steps = HeatMap.spread(length, most: 5)
    var table = Table(
      columns: [.number("update")] + steps.map { .number("step \(Figures.whole($0 + 1))") })
    table.rows = HeatMap.spread(curves.count, most: 6).map { index in
      [Markup(Figures.whole(curves[index].update))]
        + steps.map { step in
          let norms = curves[index].norms
          return Markup(step < norms.count ? Figures.short(norms[step]) : "none")
        }
    }
    return table
  }
}
