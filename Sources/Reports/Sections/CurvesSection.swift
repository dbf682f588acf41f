import Training

extension TrainingReport {
  /// Losses by epoch, and what was measured by update.
  var curvesSection: Page.Section? {
    var content: [Markup] = []
    let charts = [lossChart] + updateCharts
    if charts.contains(where: { $0 != nil }) {
      content.append(.grid("pair", charts.compactMap { $0?.markup }))
    } else {
      content.append(.paragraph("There are no curves yet: no epoch is complete, and no update was watched."))
    }
    if !history.isEmpty { content.append(epochTable.folded("The epochs as a table")) }
    return Page.Section(name: "curves", title: "Curves", content: content)
  }

  private var lossChart: LineChart? {
    guard !history.isEmpty else { return nil }
    let training = history.map { (x: Double($0.epoch), y: $0.trainingLoss) }
    let validation = history.compactMap { epoch in epoch.validationLoss.map { (x: Double(epoch.epoch), y: $0) } }
    var series = [LineChart.Series("training", training)]
    if !validation.isEmpty { series.append(LineChart.Series(measure == "loss" ? "validation" : measure, validation)) }
    var chart = LineChart(
      title: "Loss by epoch",
      note: "training: mean while the epoch ran; \(series.count > 1 ? series[1].name : "validation"): after it",
      x: "epoch",
      y: measure == "loss" ? "mean loss, nats" : "mean loss, nats; \(measure)", series: series)
    if let best, let loss = best.validationLoss {
      chart.marks = [LineChart.Mark(x: Double(best.epoch), y: loss, label: "best: \(Figures.fixed(loss, 3))")]
    }
    return chart
  }

  /// By watched update, or by epoch where none was watched.
  private var updateCharts: [LineChart?] {
    func watched(
      _ title: String, _ note: String, _ y: String, _ scale: Axis.Scale, shows: [Double] = [],
      _ value: (WatchReport) -> Double?
    ) -> LineChart? {
      let points = self.watched.compactMap { seen in value(seen).map { (x: Double(seen.updatesDone), y: $0) } }
      guard !points.isEmpty else { return nil }
      return LineChart(
        title: title, note: note, x: "update", y: y, series: [LineChart.Series(title.lowercased(), points)],
        scale: scale, shows: shows)
    }
    guard !self.watched.isEmpty else {
      guard !history.isEmpty else { return [] }
      let norms = history.map { (x: Double($0.updatesDone), y: $0.gradientNorm) }
      let rates = history.map { (x: Double($0.updatesDone), y: Double($0.learningRate)) }
      return [
        LineChart(
          title: "Gradient norm", note: "mean over each epoch, before clipping", x: "update", y: "‖∂L/∂θ‖",
          series: [LineChart.Series("gradient norm", norms)], scale: .logarithmic),
        LineChart(
          title: "Learning rate", note: "of each epoch's last update", x: "update", y: "learning rate",
          series: [LineChart.Series("learning rate", rates)], shows: [0]),
      ]
    }
    return [
      watched("Loss of the minibatch", "of single updates, so it is noisy", "loss, nats", .linear, \.loss),
      watched("Gradient norm", "of all parameters together, before clipping", "‖∂L/∂θ‖", .logarithmic, \.gradientNorm),
      watched("Learning rate", "of single updates", "learning rate", .linear, shows: [0]) { Double($0.learningRate) },
      watched(
        "Clipped share", "of the updates since the last look", "share", .linear, shows: [0, 1], \.clippedShare),
      watched(
        "Gradient noise scale", "tr Σ / |G|² in minibatches, averaged (McCandlish et al. 2018)",
        "minibatches", .logarithmic, \.noiseScale),
    ]
  }

  private var epochTable: Table {
    var table = Table(columns: [
      .number("epoch"), .number("updates"), .number("training loss"), .number("validation \(measure)"),
      .number("gradient norm"), .number("learning rate"), .number("time"), .number("units a second"),
    ])
    table.rows = history.map { epoch in
      let isBest = best.map { $0.epoch == epoch.epoch && $0.validationLoss != nil } ?? false
      return [
        Markup("\(epoch.epoch)"), Markup(Figures.whole(epoch.updatesDone)),
        Markup(Figures.fixed(epoch.trainingLoss, 4)),
        Markup((epoch.validationLoss.map { Figures.fixed($0, 4) } ?? "none") + (isBest ? " (best)" : "")),
        Markup(Figures.short(epoch.gradientNorm)), Markup(Figures.short(Double(epoch.learningRate))),
        Markup(Figures.duration(epoch.seconds)), Markup(Figures.short(epoch.unitsPerSecond)),
      ]
    }
    return table
  }
}
