import Foundation
import Training

extension TrainingReport {
  /// What gates and units do.
  var gatesSection: Page.Section? {
    guard let last = watched.last, !last.layers.isEmpty else { return nil }
    let content = last.layers.flatMap { layer -> [Markup] in
      let histograms = layer.gates.compactMap { gate in
        GateHistogram(
          moments: moments.compactMap { seen in
            seen.layers.first { $0.name == layer.name }?.gates.first { $0.name == gate.name }
          }
        ).markup
      }
      return [.heading(layer.name)] + (histograms.isEmpty ? [] : [.grid("many", histograms)]) + [unitTable(of: layer)]
    }
    return Page.Section(
      name: "gates", title: "Gates and units",
      content: [
        .note(
          "How often a gate has which value, over units, time steps and sequences of a minibatch. A sigmoid is called "
            + "flat below 0.05 and above 0.95, a tanh beyond ±0.95: little gradient goes through there."), legend,
      ] + content)
  }

  /// Which outline is which moment.
  private var legend: Markup {
    let entries = moments.enumerated().flatMap { moment, seen -> [Markup] in
      let left = Double(moment) * 170
      return [
        .tag(
          "path",
          [
            "class": "curve line\(GateHistogram.line(moment, of: moments.count))",
            "d": "M\(Figures.place(left)) 10h34",
          ]),
        .words("update \(Figures.whole(seen.updatesDone))", "", left + 42, 14),
      ]
    }
    return .tag(
      "svg",
      [
        "viewBox": "0 0 520 20", "width": "520", "height": "20", "style": "max-width: 100%", "role": "img",
        "aria-label": "Lines of the histograms",
      ], .group(entries))
  }

  /// What is measured of a layer as a whole, at each moment.
  private func unitTable(of layer: LayerWatch) -> Markup {
    let seen = moments.map { report in report.layers.first { $0.name == layer.name } }
    func row(_ name: String, _ value: (LayerWatch) -> String?) -> [Markup] {
      [Markup(name)] + seen.map { Markup($0.flatMap(value) ?? "none") }
    }
    var table = Table(
      columns: [.words("")] + moments.map { .number("update \(Figures.whole($0.updatesDone))") })
    table.rows = layer.gates.map { gate in
      row(gate.function == "relu" ? "\(gate.name): at 0" : "\(gate.name): flat, low + high") { layer in
        layer.gates.first { $0.name == gate.name }.map {
          gate.function == "relu"
            ? Figures.percent($0.saturatedLow)
            : "\(Figures.percent($0.saturatedLow)) + \(Figures.percent($0.saturatedHigh))"
        }
      }
    }
    table.rows.append(row("units that hardly change (dead)") { Figures.percent($0.deadUnits) })
    table.rows += layer.recurrentWeights.map { weight in
      row("\(weight.name): spectral radius of its recurrent weights") { layer in
        layer.recurrentWeights.first { $0.name == weight.name }.map { Figures.short($0.spectralRadius) }
      }
    }
    table.rows.append(row("Lyapunov exponent, a step") { $0.lyapunovExponent.map(Figures.short) })
    return table.markup
  }

  /// Every parameter, in the last watched update.
  var parametersSection: Page.Section? {
    guard let last = watched.last, !last.parameters.isEmpty else { return nil }
    var table = Table(columns: [
      .words("parameter"), .number("gradient norm"), .number("weight norm"), .number("update ratio"),
      .words("the same, from 10⁻⁶ to 1"),
    ])
    table.rows = last.parameters.map { parameter in
      [
        .tag("code", [:], Markup(parameter.path)), Markup(Figures.short(parameter.gradientNorm)),
        Markup(Figures.short(parameter.weightNorm)), Markup(Figures.short(parameter.updateRatio)),
        Self.bar(parameter.updateRatio),
      ]
    }
    return Page.Section(
      name: "parameters", title: "Parameters",
      content: [
        .note(
          "Of update \(Figures.whole(last.updatesDone)). The update ratio is the norm of the change divided by the "
            + "norm of the weights. About 10⁻³, the dashed line, is healthy with Adam; parameters that begin at 0 "
            + "are far above it at first."), table.markup,
      ])
  }

  /// A ratio on a logarithmic bar from 10⁻⁶ to 1.
  private static func bar(_ ratio: Double) -> Markup {
    let width = 180.0
    let share = ratio > 0 && ratio.isFinite ? min(1, max(0, (log10(ratio) + 6) / 6)) : 0
    return .tag(
      "svg", ["viewBox": "0 0 180 14", "width": "180", "height": "14", "aria-hidden": "true"],
      [
        .box("track", 0, 3, width, 8), .box("bar", 0, 3, width * share, 8), .line("goal", width / 2, 0, width / 2, 14),
      ])
  }
}
