import Foundation

/// How well labels are told.
public struct ClassifierScore: ModelScore, Hashable {
  /// How well one label is told.
  public struct Label: Hashable, Sendable, Encodable {
    /// Its name.
    public let label: String
    /// Examples that have it.
    public let examples: Int
    /// Share of those that were given the label that have it; 0 when it was never given.
    public let precision: Double
    /// Share of those that have it that were given it; 0 when none has it.
    public let recall: Double
    /// The harmonic mean of both.
    public let f1: Double
  }

  /// Number of examples.
  public let examples: Int
  /// Share of them that were given the right label.
  public let accuracy: Double
  /// The mean of the labels' F1, of those that occur.
  public let macroF1: Double
  /// Mean loss in nats.
  public let nats: Double
  /// Each label.
  public let labels: [Label]
  /// How many examples of each label (rows) were given which (columns), in the order of ``labels``.
  public let confusion: [[Int]]

  /// The share of wrong labels.
  public var judged: Double { 1 - accuracy }
  /// The examples.
  public var judgedUnits: Int { examples }
  /// `error rate`.
  public static let judgedBy = "error rate"
  /// Accuracy, macro F1 and loss.
  public var measures: [(name: String, value: Double)] {
    [("accuracy", accuracy), ("macroF1", macroF1), ("nats", nats)]
  }

  /// Accuracy on the first line, then a table of labels, then what is confused.
  public var text: String {
    func percent(_ share: Double) -> String { String(format: "%6.2f %%", 100 * share) }
    let right = labels.indices.reduce(0) { $0 + confusion[$1][$1] }
    var lines = [
      "accuracy \(percent(accuracy).drop { $0 == " " }) (\(right) of \(examples)), "
        + String(format: "macro F1 %.4f, loss %.4f nats", macroF1, nats)
    ]
    let width = max(5, labels.map { min($0.label.count, 24) }.max() ?? 0)
    func padded(_ name: String) -> String {
      String(name.prefix(24)).padding(toLength: width, withPad: " ", startingAt: 0)
    }
    lines.append("  \(padded("label"))  examples  precision     recall         F1")
    for label in labels where label.examples > 0 || label.precision > 0 {
      let count = String(label.examples)
      let values = [label.precision, label.recall, label.f1].map { "   " + percent($0) }.joined()
      lines.append(
        "  \(padded(label.label))  " + String(repeating: " ", count: max(0, 8 - count.count)) + count + values)
    }
    let wrong = labels.indices.flatMap { truth in
      labels.indices.filter { $0 != truth && confusion[truth][$0] > 0 }.map { (truth, $0, confusion[truth][$0]) }
    }.sorted { ($1.2, $0.0, $0.1) < ($0.2, $1.0, $1.1) }
    for (truth, given, count) in wrong.prefix(8) {
      lines.append("  \(count) × \(labels[truth].label.prefix(24)) taken for \(labels[given].label.prefix(24))")
    }
    return lines.joined(separator: "\n")
  }
}

/// Counts answers, and makes a score of them.
package struct ClassifierScoreCount {
  private let labels: [String]
  private var confusion: [[Int]]
  private var nats = 0.0

  /// Nothing counted yet.
  package init(labels: [String]) {
    self.labels = labels
    confusion = [[Int]](repeating: [Int](repeating: 0, count: labels.count), count: labels.count)
  }

  /// Counts an answer: probabilities of all labels, and the right one.
  package mutating func count(_ probabilities: [Float], truth: Int) {
    let given = probabilities.indices.max { probabilities[$0] < probabilities[$1] } ?? 0
    confusion[truth][given] += 1
    nats -= log(max(Double(probabilities[truth]), 1e-30))
  }

  /// The score of what was counted.
  package var score: ClassifierScore {
    let all = confusion.reduce(0) { $0 + $1.reduce(0, +) }
    let right = labels.indices.reduce(0) { $0 + confusion[$1][$1] }
    func share(_ part: Int, _ whole: Int) -> Double { whole == 0 ? 0 : Double(part) / Double(whole) }
    let each = labels.indices.map { label in
      let hits = confusion[label][label]
      let (own, given) = (confusion[label].reduce(0, +), confusion.reduce(0) { $0 + $1[label] })
      return ClassifierScore.Label(
        label: labels[label], examples: own, precision: share(hits, given), recall: share(hits, own),
        f1: share(2 * hits, own + given))
    }
    let occurring = each.filter { $0.examples > 0 }
    return ClassifierScore(
      examples: all, accuracy: share(right, all),
      macroF1: occurring.isEmpty ? 0 : occurring.reduce(0) { $0 + $1.f1 } / Double(occurring.count),
      nats: all == 0 ? 0 : nats / Double(all), labels: each, confusion: confusion)
  }
}

/// The label of a text.
public struct ClassPrediction: Prediction, Hashable {
  /// The likeliest label.
  public let label: String
  /// Its probability.
  public let probability: Float
  /// The probability of each label.
  public let probabilities: [String: Float]

  init(labels: [String], probabilities: [Float]) {
    let best = probabilities.indices.max { probabilities[$0] < probabilities[$1] } ?? 0
    label = labels[best]
    probability = probabilities[best]
    self.probabilities = Dictionary(zip(labels, probabilities)) { first, _ in first }
  }

  private init(label: String, probability: Float, probabilities: [String: Float]) {
    (self.label, self.probability, self.probabilities) = (label, probability, probabilities)
  }

  /// With the probabilities of so many of the likeliest labels only.
  func best(_ count: Int) -> ClassPrediction {
    // By name where two are equal, so that the answer is the same each time.
    let best = probabilities.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(count)
    return ClassPrediction(
      label: label, probability: probability,
      probabilities: Dictionary(uniqueKeysWithValues: best.map { ($0.key, $0.value) }))
  }

  /// The label and its probability, with a tab between them.
  public var text: String { "\(label)\t" + String(format: "%.4f", probability) }
}
