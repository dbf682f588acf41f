import Foundation

/// Ladders for people.
extension Ladder {
  /// The rungs as a table, the kept one marked; and what cross-validation compared, where it did.
  public func table(judgedBy measure: String) -> String {
    [rungTable(measure), contenderTable(measure)].compactMap(\.self).joined(separator: "\n\n")
  }

  private func rungTable(_ measure: String) -> String {
    guard let best, let kept else { return "" }
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
    return Self.aligned(
      [
        "rung", "step", "network", "parameters", "rate", "epochs", "training loss", "validation \(measure)", "behind",
        "time", "",
      ], rows)
  }

  private func contenderTable(_ measure: String) -> String? {
    guard let finale, let best = finale.best, let chosen = finale.chosen(among: rungs) else { return nil }
    let rows = finale.contenders.map { contender in
      let begun = rungs[contender.rung - 1].beginning
      return [
        "\(contender.rung)", begun.sizes, "\(begun.parameters)", "\(contender.epochs)",
        Self.measured(contender.judgement.mean, contender.judgement),
        Self.behind(contender.judgement, finale.contenders[best].judgement), contender == chosen ? "kept" : "",
      ]
    }
    return Self.aligned(
      ["rung", "network", "parameters", "epochs", "held-out \(measure), \(finale.folds) parts", "behind", ""], rows)
  }

  private static func measured(_ value: Double, _ judgement: Judgement) -> String {
    String(format: "%.4f ± %.4f", value, judgement.standardError ?? 0)
  }

  private static func behind(_ judgement: Judgement, _ best: Judgement) -> String {
    guard judgement != best else { return "the best" }
    let (difference, error) = judgement.behind(best)
    return String(format: "%.4f ± %.4f", difference, error ?? 0)
  }

  private static func aligned(_ header: [String], _ rows: [[String]]) -> String {
    let widths = header.indices.map { column in ([header] + rows).map { $0[column].count }.max() ?? 0 }
    return ([header] + rows).map { row in
      zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(separator: "  ")
        .replacing(#/ +$/#, with: "")
    }.joined(separator: "\n")
  }
}
