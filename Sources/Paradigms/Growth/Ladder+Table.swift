import Foundation

/// A table about a ladder: headings, and rows of words.
package struct LadderTable {
  package let header: [String]
  package let rows: [[String]]

  /// With columns as wide as they need.
  fileprivate var text: String {
    let all = [header] + rows
    let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
    return all.map { row in
      zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
        .replacing(#/ +$/#, with: "")
    }.joined(separator: "\n")
  }
}

/// Ladders for people.
extension ClimbedLadder {
  /// The rungs as a table, the kept one marked; and what cross-validation compared, where it did.
  public func table(judgedBy measure: String) -> String {
    [rungTable(judgedBy: measure), contenderTable(judgedBy: measure)].compactMap { $0?.text }
      .joined(separator: "\n\n")
  }

  /// The rungs, the kept one marked; nil without any.
  package func rungTable(judgedBy measure: String) -> LadderTable? {
    guard let best, let kept else { return nil }
    let rows = rungs.enumerated().map { place, rung in
      let begun = rung.beginning
      return [
        "\(begun.number)",
        begun.step.rawValue + (begun.isGrown || begun.step.isAfresh ? "" : " (afresh)"),
        begun.sizes, "\(begun.parameters)", String(format: "%.2g", begun.learningRate), "\(rung.epochs)",
        String(format: "%.4f", rung.trainingLoss),
        Self.measured(rung.validation, rung.judgement), Self.behind(rung.judgement, rungs[best].judgement),
        String(format: "%.0f s", rung.seconds), place == kept ? "kept" : "",
      ]
    }
    return LadderTable(
      header: [
        "rung", "step", "network", "parameters", "rate", "epochs", "training loss", "validation \(measure)", "behind",
        "time", "",
      ], rows: rows)
  }

  /// What cross-validation compared, what is kept marked; nil where it compared nothing.
  package func contenderTable(judgedBy measure: String) -> LadderTable? {
    guard let finale, let best = finale.best, let chosen = finale.chosen(among: rungs) else { return nil }
    let rows = finale.contenders.map { contender in
      let begun = rungs[contender.rung - 1].beginning
      return [
        "\(contender.rung)", begun.sizes, "\(begun.parameters)", "\(contender.epochs)",
        Self.measured(contender.judgement.mean, contender.judgement),
        Self.behind(contender.judgement, finale.contenders[best].judgement), contender == chosen ? "kept" : "",
      ]
    }
    return LadderTable(
      header: ["rung", "network", "parameters", "epochs", "held-out \(measure), \(finale.folds) parts", "behind", ""],
      rows: rows)
  }

  private static func measured(_ value: Double, _ judgement: Judgement) -> String {
    String(format: "%.4f ± %.4f", value, judgement.standardError ?? 0)
  }

  private static func behind(_ judgement: Judgement, _ best: Judgement) -> String {
    guard judgement != best else { return "the best" }
    let (difference, error) = judgement.behind(best)
    return String(format: "%.4f ± %.4f", difference, error ?? 0)
  }
}
