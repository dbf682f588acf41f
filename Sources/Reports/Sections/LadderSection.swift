import Paradigms

extension TrainingReport {
  /// The rungs that the model grew over; nil of a model that did not grow.
  var ladderSection: Page.Section? {
    guard let ladder, let rungs = ladder.rungTable(judgedBy: ladderMeasure) else { return nil }
    var content: [Markup] = [
      .note(
        "Each rung was trained by itself. Kept is the smallest that is no more than a standard error behind the best."),
      Self.markup(rungs),
    ]
    if let contenders = ladder.contenderTable(judgedBy: ladderMeasure) {
      content += [
        .note(
          "The validation data could not tell these apart: each was trained on all data but one part after the other, "
            + "and judged by that part."), Self.markup(contenders),
      ]
    }
    if let refit = ladder.finale?.refit {
      content.append(
        .note(
          "The model has the sizes of rung \(refit.rung), trained on all data, those for validation too: the curves "
            + "are this training's."))
    }
    return Page.Section(name: "ladder", title: "The ladder", content: content)
  }

  private var ladderMeasure: String { measure == "loss" ? "nats" : measure }

  private static func markup(_ table: LadderTable) -> Markup {
    var markup = Table(columns: table.header.map { $0 == "step" || $0 == "network" ? .words($0) : .number($0) })
    markup.rows = table.rows.map { $0.map { Markup($0) } }
    return markup.markup
  }
}
