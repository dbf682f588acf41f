import Foundation

/// How well words are tagged.
public struct TaggerScore: ModelScore, Hashable {
  /// Number of sentences, and of their words.
  public let sentences, words: Int
  /// Share of the words with the right tag.
  public let accuracy: Double
  /// Words that the training sentences do not have, in any case (upper or lower).
  public let unknownWords: Int
  /// Share of these with the right tag; 0 when there are none.
  public let unknownAccuracy: Double
  /// Share of the sentences without a wrong tag.
  public let sentenceAccuracy: Double
  /// The spans that the tags mark; nil when they mark none, as parts of speech do not.
  public let spans: SpanScore?

  /// The share of wrong tags.
  public var judged: Double { 1 - accuracy }
  /// The words.
  public var judgedUnits: Int { words }
  /// `error rate`.
  public static let judgedBy = "error rate"
  /// Shares that are right, and F1 of spans where there are any.
  public var measures: [(name: String, value: Double)] {
    [("accuracy", accuracy), ("unknownAccuracy", unknownAccuracy), ("sentenceAccuracy", sentenceAccuracy)]
      + (spans.map { [("spans.f1", $0.f1)] } ?? [])
  }

  /// On a line, spans on a second one.
  public var text: String {
    func percent(_ share: Double) -> String { String(format: "%.2f %%", 100 * share) }
    let unknown = unknownWords > 0 ? "of unknown words \(percent(unknownAccuracy)) (\(unknownWords)), " : ""
    let line =
      "accuracy \(percent(accuracy)) (\(words) words), \(unknown)of whole sentences \(percent(sentenceAccuracy)) "
      + "(\(sentences))"
    guard let spans else { return line }
    return line + "\nspans: F1 \(percent(spans.f1)), precision \(percent(spans.precision)), "
      + "recall \(percent(spans.recall)) (\(spans.truth) spans, \(spans.given) given)"
  }

  /// Counts tagged sentences.
  struct Count {
    private let tags: [String]
    private let hasSpans: Bool
    private var sentences = 0, wholeSentences = 0, words = 0, right = 0, unknown = 0, unknownRight = 0
    private var truth = 0, given = 0, both = 0

    init(tags: [String]) {
      self.tags = tags
      hasSpans = Spans.areMarked(by: tags)
    }

    mutating func count(_ answer: [Int32], truth own: [Int32], isKnown: [Bool]) {
      var hits = 0
      for (i, tag) in own.enumerated() {
        let isRight = tag == answer[i]
        hits += isRight ? 1 : 0
        if !isKnown[i] { unknown += 1 }
        if !isKnown[i], isRight { unknownRight += 1 }
      }
      sentences += 1
      words += own.count
      right += hits
      wholeSentences += hits == own.count ? 1 : 0
      guard hasSpans else { return }
      let (a, b) = (Spans.found(in: own.map { tags[Int($0)] }), Spans.found(in: answer.map { tags[Int($0)] }))
      truth += a.count
      given += b.count
      both += Set(a).intersection(b).count
    }

    var score: TaggerScore {
      func share(_ part: Int, _ whole: Int) -> Double { whole == 0 ? 0 : Double(part) / Double(whole) }
      return TaggerScore(
        sentences: sentences, words: words, accuracy: share(right, words), unknownWords: unknown,
        unknownAccuracy: share(unknownRight, unknown), sentenceAccuracy: share(wholeSentences, sentences),
        spans: hasSpans
          ? SpanScore(
            truth: truth, given: given, precision: share(both, given), recall: share(both, truth),
            f1: share(2 * both, truth + given)) : nil)
    }
  }
}

/// How well spans are found: one is right when its beginning, its end and its kind are.
public struct SpanScore: Hashable, Sendable, Encodable {
  /// Spans that there are, and that were given.
  public let truth, given: Int
  /// Share of the given ones that are right.
  public let precision: Double
  /// Share of those that there are that were given.
  public let recall: Double
  /// The harmonic mean of both.
  public let f1: Double
}

/// Spans of words that tags mark: `B-PER` begins a name, `I-PER` goes on with it, `O` is outside of any.
///
///     Spans.found(in: ["B-PER", "I-PER", "O", "B-LOC"])   // words 0..<2 as PER, 3..<4 as LOC
public enum Spans {
  /// Some words, and what they are.
  public struct Span: Hashable, Sendable {
    /// The words' numbers.
    public let words: Range<Int>
    /// What they are: `PER`.
    public let kind: String
  }

  /// Whether tags mark spans: each is `O`, or begins with `B-`, `I-`, `E-` (end) or `S-` (single), and one does at
  /// least.
  public static func areMarked(by tags: [String]) -> Bool {
    tags.contains { $0 != "O" } && tags.allSatisfy { $0 == "O" || parts(of: $0) != nil }
  }

  /// The spans in a sentence's tags, by the rules of the CoNLL evaluation: a span begins with `B-` or `S-`, and with
  /// `I-` or `E-` after `O`, after another kind, or after the end of a span.
  public static func found(in tags: [String]) -> [Span] {
    var spans: [Span] = []
    var open: (start: Int, kind: Substring)?
    func close(_ end: Int) {
      if let open { spans.append(Span(words: open.start..<end, kind: String(open.kind))) }
      open = nil
    }
    for (i, tag) in tags.enumerated() {
      guard let (mark, kind) = parts(of: tag) else {
        close(i)
        continue
      }
      if mark == "B" || mark == "S" || open?.kind != kind { close(i) }
      if open == nil { open = (i, kind) }
      if mark == "E" || mark == "S" { close(i + 1) }
    }
    close(tags.count)
    return spans
  }

  private static func parts(of tag: String) -> (mark: Character, kind: Substring)? {
    guard let mark = tag.first, "BIES".contains(mark), tag.dropFirst().first == "-" else { return nil }
    return (mark, tag.dropFirst(2))
  }
}
