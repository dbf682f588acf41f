import Corpora
import Foundation
import Interchange
import Training

/// What is wrong with the data of a training: examples that are trained on and judged by, and classes that hide others.
///
///     DataDoctor.diagnoses(training: texts, heldOut: others, content: { ($0.text, $0.label) })
public enum DataDoctor {
  /// Diagnoses of examples.
  ///
  /// - Parameters:
  ///   - training: What is trained on.
  ///   - heldOut: What judges or measures the model.
  ///   - content: What is read of an example, and its class, nil where there are none.
  public static func diagnoses<Sample, Input: Hashable>(
    training: [Sample], heldOut: [Sample], content: (Sample) -> (input: Input, label: String?)
  ) -> [Diagnosis] {
    // With its label: the same name in the lists of two languages is no copy.
    func whole(_ sample: Sample) -> Whole<Input> {
      let (input, label) = content(sample)
      return Whole(input: input, label: label)
    }
    return leak(Set(training.map(whole)), heldOut.map(whole)) + imbalance(training.compactMap { content($0).label })
  }

  private struct Whole<Input: Hashable>: Hashable {
    let input: Input
    let label: String?
  }

  /// A twentieth of the held-out examples is more than chance in most data: then a part was copied.
  private static func leak<Example: Hashable>(_ known: Set<Example>, _ heldOut: [Example]) -> [Diagnosis] {
    let count = heldOut.count { known.contains($0) }
    guard count * 20 > heldOut.count else { return [] }
    return [
      leaked("\(count) of \(heldOut.count) held-out examples (\(percent(count, heldOut.count))) are trained on too")
    ]
  }

  private static func imbalance(_ labels: [String]) -> [Diagnosis] {
    let counts = labels.reduce(into: [String: Int]()) { $0[$1, default: 0] += 1 }
    // The larger name where two are equal, so that the answer is the same each time.
    guard let most = counts.max(by: { ($0.value, $0.key) < ($1.value, $1.key) }), counts.count > 1,
      most.value * 5 > labels.count * 4
    else { return [] }
    return [
      Diagnosis(
        .classImbalance, at: "class \(most.key)",
        evidence: "\(percent(most.value, labels.count)) of the examples are of this one of \(counts.count) classes: a "
          + "model that always says it is as often right",
        advice: [
          "judge by F1 per class, not by accuracy: unroll evaluate shows it",
          "find more examples of the other classes, or repeat theirs in the file",
        ])
    ]
  }

  /// Windows of a text that must be equal for a part of it to count as copied, in tokens.
  private static let window = 50

  /// Diagnoses of a language model's text: whether held-out parts stand in the part that is trained on.
  public static func diagnoses(training: Tokens, heldOut: [Tokens]) -> [Diagnosis] {
    // Every eighth window, chosen by what is in it, so that the same ones are chosen on both sides.
    func windows(_ tokens: Tokens) -> [UInt64] { rollingHashes(of: tokens).filter { $0 % 8 == 0 } }
    let known = Set(windows(training))
    let asked = heldOut.flatMap(windows)
    let count = asked.count { known.contains($0) }
    guard count * 20 > asked.count else { return [] }
    return [leaked("\(percent(count, asked.count)) of the held-out text stands in the text that is trained on too")]
  }

  private static func leaked(_ evidence: String) -> Diagnosis {
    Diagnosis(
      .leakedData, evidence: evidence,
      advice: [
        "take them out of one of the files: what was trained on judges nothing",
        "split by author, speaker or document, not by line",
      ])
  }

  /// A hash of each window of the tokens (Karp & Rabin 1987), mixed so that its low bits are even.
  private static func rollingHashes(of tokens: Tokens) -> [UInt64] {
    guard tokens.count >= window else { return [] }
    let base: UInt64 = 0x9E37_79B9_7F4A_7C15
    let leaving = (1..<window).reduce(UInt64(1)) { power, _ in power &* base }
    var hash: UInt64 = 0
    var hashes: [UInt64] = []
    hashes.reserveCapacity(tokens.count - window + 1)
    for (position, token) in tokens.enumerated() {
      if position >= window { hash &-= UInt64(tokens[position - window] + 1) &* leaving }
      hash = hash &* base &+ UInt64(token + 1)
      if position >= window - 1 { hashes.append((hash ^ hash >> 29) &* 0xBF58_476D_1CE4_E5B9 >> 7) }
    }
    return hashes
  }

  private static func percent(_ part: Int, _ whole: Int) -> String {
    String(format: "%.0f %%", 100 * Double(part) / Double(max(1, whole)))
  }
}
