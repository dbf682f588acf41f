import Foundation
import Interchange
import Tensors

/// Words with a tag each: a sentence and its parts of speech, or the names in it.
public struct TaggedSentence: Hashable, Sendable {
  /// The words, in order.
  public var words: [String]
  /// A tag for each word.
  public var tags: [String]
  /// Where it begins, `path:line`, for messages; empty: not in a file.
  public var place: String

  /// A sentence. Traps unless there is a tag for each word.
  public init(words: [String], tags: [String], place: String = "") {
    demand(words.count == tags.count, "TaggedSentence: \(tags.count) tags for \(words.count) words")
    self.words = words
    self.tags = tags
    self.place = place
  }
}

/// The form of a file of tagged sentences. Sentences stand between empty lines, a word a line.
public enum TagFormat: String, Hashable, Sendable, Codable, CaseIterable {
  /// CoNLL-U, the tags of column 4 (UPOS): the parts of speech that all languages share.
  case upos
  /// CoNLL-U, the tags of column 5 (XPOS): those of the language.
  case xpos
  /// Columns between spaces or tabs, the word in the first and the tag in the last, as CoNLL-2003 has them; lines of
  /// `-DOCSTART-` stand between documents.
  case columns
}

/// Reads tagged sentences from files.
///
///     var bad = BadLines(skips: false)
///     let sentences = try TaggedSentences.read("en-dev.conllu", .upos, &bad).sentences
///     sentences[0].words    // ["From", "the", "AP", …]
public enum TaggedSentences {
  /// The sentences of a file, compressed by gzip or not, and the checksum of its content.
  ///
  /// Of CoNLL-U, comments, multiword tokens (`3-4`) and empty nodes (`3.1`) are left out. A sentence with a bad line
  /// (too few columns, a number out of order, no tag) is left out as a whole when `bad` skips, else its first one is
  /// thrown with file and line.
  public static func read(
    _ path: String, _ format: TagFormat, _ bad: inout BadLines
  ) throws(UnrollError) -> (sentences: [TaggedSentence], checksum: String) {
    let lines = try TextLines(contentsOf: path)
    return (try read(lines, format, &bad), lines.checksum)
  }

  /// The sentences of some lines.
  public static func read(
    _ lines: TextLines, _ format: TagFormat, _ bad: inout BadLines
  ) throws(UnrollError) -> [TaggedSentence] {
    var sentences: [TaggedSentence] = []
    var reader = SentenceReader(format: format)
    for line in lines.lines {
      if line.text.utf8.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) {
        if let sentence = reader.end() { sentences.append(sentence) }
      } else {
        try reader.take(line.text, at: lines.place(line.number), &bad)
      }
    }
    if let sentence = reader.end() { sentences.append(sentence) }
    return sentences
  }
}

/// Puts a sentence together, line by line.
private struct SentenceReader {
  let format: TagFormat
  private var words: [String] = []
  private var tags: [String] = []
  private var place = ""
  private var isBad = false
  /// Columns of the first line in a file of columns: all have as many.
  private var columns: Int?

  init(format: TagFormat) { self.format = format }

  /// The sentence so far, if there is one; the next one begins.
  mutating func end() -> TaggedSentence? {
    defer {
      words = []
      tags = []
      isBad = false
    }
    return isBad || words.isEmpty ? nil : TaggedSentence(words: words, tags: tags, place: place)
  }

  mutating func take(_ line: String, at place: String, _ bad: inout BadLines) throws(UnrollError) {
    guard !isBad else { return }
    do throws(UnrollError) {
      guard let (word, tag) = try format == .columns ? columns(of: line, at: place) : treebank(line, at: place) else {
        return
      }
      if words.isEmpty { self.place = place }
      words.append(word)
      tags.append(tag)
    } catch {
      isBad = true
      try bad.found(error)
    }
  }

  /// A word of CoNLL-U and its tag; nil for a line that has none.
  private func treebank(_ line: String, at place: String) throws(UnrollError) -> (String, String)? {
    guard line.utf8.first != UInt8(ascii: "#") else { return nil }
    let parts = line.utf8.split(separator: 0x09, omittingEmptySubsequences: false)
    guard parts.count == 10 else {
      throw UnrollError(
        .invalidData, "a line of CoNLL-U has 10 columns with tabs between them, not \(parts.count)", at: place,
        hint: "is the file of another form? --format columns reads words and tags between spaces")
    }
    let number = String(parts[0]) ?? ""
    if number.wholeMatch(of: /[0-9]+[-.][0-9]+/) != nil { return nil }
    guard Int(number) == words.count + 1 else {
      throw UnrollError(
        .invalidData, "the word has the number `\(number.prefix(20))`, and should have \(words.count + 1)", at: place,
        hint: "words of a sentence are numbered from 1; an empty line ends a sentence")
    }
    let column = format == .upos ? 3 : 4
    let (word, tag) = (String(parts[1]) ?? "", String(parts[column]) ?? "")
    guard !word.isEmpty else { throw UnrollError(.invalidData, "the word in column 2 is empty", at: place) }
    guard !tag.isEmpty, tag != "_" else {
      throw UnrollError(
        .invalidData, "the word `\(word.prefix(40))` has no tag in column \(column + 1)", at: place,
        hint: "choose the other column: --format \(format == .upos ? "xpos" : "upos"); or leave such sentences out: "
          + "--skip-bad-lines")
    }
    return (word, tag)
  }

  /// The first and the last column; nil for the mark between documents.
  private mutating func columns(of line: String, at place: String) throws(UnrollError) -> (String, String)? {
    let parts = line.utf8.split { $0 == 0x20 || $0 == 0x09 }
    guard let first = parts.first.flatMap({ String($0) }), let last = parts.last.flatMap({ String($0) }) else {
      return nil
    }
    if first == "-DOCSTART-" { return nil }
    guard parts.count >= 2 else {
      throw UnrollError(
        .invalidData, "the word `\(first.prefix(40))` has no tag: there is one column", at: place,
        hint: "each line has a word, and its tag in the last column")
    }
    guard parts.count == columns ?? parts.count else {
      throw UnrollError(
        .invalidData, "the line has \(parts.count) columns, those before it \(columns ?? 0)", at: place,
        hint: "all lines have as many columns; mend this one, or leave such sentences out: --skip-bad-lines")
    }
    columns = parts.count
    return (first, last)
  }
}
