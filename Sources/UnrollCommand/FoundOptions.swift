import ArgumentParser
import Foundation
import Unroll

/// What `unroll predict` shows of answers that were looked for, as flags.
struct FoundOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: """
      Of translations and captions: the best so many, each on a line of its own with its rank and score before it, \
      between tabs; of JSON so many.
      """)
  var nBest: Int?
  @Flag(help: "Of translations: where the model looked, in lines below, and an empty one behind them.")
  var attention = false

  /// The width of a search for so many; `beam` is the one that was asked for. Throws when it finds too few.
  func width(_ beam: Int?) throws(UnrollError) -> Int? {
    guard let nBest else { return beam }
    guard (1...1000).contains(nBest) else {
      throw UnrollError(.usage, "--n-best is \(nBest), and must be in 1...1000", hint: "5 is usual")
    }
    if let beam, beam < nBest {
      throw UnrollError(
        .usage, "--n-best is \(nBest), and --beam \(beam) finds fewer", hint: "make --beam \(nBest), or leave it out")
    }
    return beam ?? max(5, nBest)
  }

  /// The model, saying where it looks when that was asked for. Throws when it does not look for answers, or anywhere.
  func applied(to model: any StoredModel) throws(UnrollError) -> any StoredModel {
    guard nBest == nil || model is any SearchingModel else {
      throw UnrollError(
        .usage,
        "--n-best is for models that look for their answers; one of `\(type(of: model).paradigm)` has one answer",
        hint: "leave it out")
    }
    guard attention else { return model }
    guard var attending = model as? any AttendingModel else {
      throw UnrollError(
        .usage,
        "--attention is for models that look at what they read; one of `\(type(of: model).paradigm)` does not",
        hint: "leave it out")
    }
    attending.showsAttention = true
    return attending
  }

  /// An answer's best as many as were asked for.
  func best(_ answer: any Prediction) -> any Prediction {
    guard let nBest, let found = answer as? any SearchedPrediction else { return answer }
    return found.best(nBest)
  }

  /// An answer as these flags show it; nil when it is one line.
  func text(of answer: any Prediction) -> String? {
    guard nBest != nil || attention, let found = answer as? any SearchedPrediction else { return nil }
    func oneLine(_ text: String) -> String { text.replacing(/[\t\r\n]+/, with: " ") }
    var lines = [oneLine(found.text)]
    if nBest != nil {
      lines = found.ranked.enumerated().map { rank, own in
        "\(rank + 1)\t\(String(format: "%.4f", own.score))\t\(oneLine(own.text))"
      }
    }
    if let table = found.attention {
      if !table.source.isEmpty { lines.append(table.text) }
      lines.append("")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
