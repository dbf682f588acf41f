import Interchange

/// Sentences in two languages, line by line.
public struct ParallelTexts: Sendable {
  /// A sentence and its translation.
  public struct Pair: Sendable, Hashable {
    /// What is read.
    public let source: String
    /// What is written.
    public let target: String

    /// Creates a pair.
    public init(source: String, target: String) {
      self.source = source
      self.target = target
    }
  }

  /// The pairs in order.
  public let pairs: [Pair]
  /// Checksum of the files' content.
  public let checksum: String

  /// Reads two files whose lines belong together, compressed by gzip or not; a line of which one side is empty is a
  /// bad line. Throws when one has more lines than the other.
  public init(source: String, target: String, _ bad: inout BadLines) throws(UnrollError) {
    let (a, b) = (try TextLines(contentsOf: source), try TextLines(contentsOf: target))
    guard a.lines.count == b.lines.count else {
      throw UnrollError(
        .invalidData, "\(source) has \(a.lines.count) lines, and \(target) \(b.lines.count)", at: target,
        hint: "line N of one has to be the translation of line N of the other")
    }
    var pairs: [Pair] = []
    for (left, right) in zip(a.lines, b.lines) {
      guard left.text.contains(where: { !$0.isWhitespace }), right.text.contains(where: { !$0.isWhitespace }) else {
        try bad.found(Self.empty(at: a.place(left.number)))
        continue
      }
      pairs.append(Pair(source: left.text, target: right.text))
    }
    self.pairs = pairs
    checksum = a.checksum + b.checksum
  }

  /// Reads a file of lines `source TAB target`.
  public init(contentsOf path: String, _ bad: inout BadLines) throws(UnrollError) {
    let text = try TextLines(contentsOf: path)
    var pairs: [Pair] = []
    for line in text.lines {
      let columns = line.text.split(separator: "\t", omittingEmptySubsequences: false)
      guard columns.count == 2 else {
        try bad.found(
          UnrollError(
            .invalidData, "a line has two columns, source and target, not \(columns.count)",
            at: text.place(line.number),
            hint: "set them apart by one tabulator; or skip such lines: --skip-bad-lines"))
        continue
      }
      guard columns.allSatisfy({ $0.contains { !$0.isWhitespace } }) else {
        try bad.found(Self.empty(at: text.place(line.number)))
        continue
      }
      pairs.append(Pair(source: String(columns[0]), target: String(columns[1])))
    }
    self.pairs = pairs
    checksum = text.checksum
  }

  private static func empty(at place: String) -> UnrollError {
    UnrollError(
      .invalidData, "one side of a pair is empty", at: place,
      hint: "remove the line in both languages; or skip such lines: --skip-bad-lines")
  }
}

/// A text's words and marks, as translation is usually measured: lower-cased if wished, marks of punctuation by
/// themselves.
///
///     PlainTokens.split("Two men, outside.")   // ["Two", "men", ",", "outside", "."]
public enum PlainTokens {
  /// The tokens of a line: runs of letters, numbers and what joins them (an apostrophe or hyphen between letters), and
  /// every other mark by itself. White space only separates.
  public static func split(_ line: String, lowercasing: Bool = false) -> [String] {
    let scalars = Array((lowercasing ? line.lowercased() : line).unicodeScalars)
    var tokens: [String] = []
    var current = String.UnicodeScalarView()
    func isWord(_ scalar: Unicode.Scalar) -> Bool {
      scalar.properties.isAlphabetic || scalar.properties.numericType != nil
        || scalar.properties.generalCategory == .nonspacingMark
    }
    func close() {
      if !current.isEmpty { tokens.append(String(current)) }
      current = String.UnicodeScalarView()
    }
    for (i, scalar) in scalars.enumerated() {
      let joins =
        "'’-".unicodeScalars.contains(scalar) && !current.isEmpty && i + 1 < scalars.count
        && isWord(scalars[i + 1])
      if isWord(scalar) || joins {
        current.append(scalar)
      } else {
        close()
        if !scalar.properties.isWhitespace { tokens.append(String(scalar)) }
      }
    }
    close()
    return tokens
  }

  /// Tokens as a line of text: marks of punctuation stand at the word before them.
  public static func joined(_ tokens: some Sequence<String>) -> String {
    var text = ""
    for token in tokens {
      let hugs = token.count == 1 && ".,!?;:)]}%".contains(token)
      if !text.isEmpty, !hugs, !"([{".contains(text.last ?? " ") { text += " " }
      text += token
    }
    return text
  }
}
