import Foundation
import Interchange

/// Subwords by byte pair encoding (Sennrich, Haddow & Birch 2016): frequent words stay whole, rare ones fall into
/// pieces.
///
///     let encoding = BytePairEncoding(learning: 8_000, from: words)
///     encoding.pieces(of: "lowest")            // ["low@@", "est"]
///     BytePairEncoding.joined(["low@@", "est"])   // "lowest"
///
/// A word is its Unicode scalars, the last of them marked with `</w>`; merges are applied in the order in which they
/// were learnt. Files have the form of the subword-nmt tools: `#version: 0.2`, then a merge a line.
public struct BytePairEncoding: Sendable, Hashable {
  /// A pair of symbols that become one.
  struct Pair: Hashable, Sendable {
    let first, second: String
  }

  /// What a word's last symbol ends with.
  static let end = "</w>"
  /// What a piece ends with when the word goes on.
  public static let continuation = "@@"

  /// The merges, in order.
  let merges: [Pair]
  private let ranks: [Pair: Int]

  init(_ merges: [Pair]) {
    self.merges = merges
    ranks = Dictionary(merges.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// Number of merges.
  public var count: Int { merges.count }

  /// Learns up to `count` merges from words; a pair has to occur twice at least. Of equally frequent pairs the one
  /// whose Unicode scalars come last is taken, as by subword-nmt, so the same words give the same merges.
  public init(learning count: Int, from words: some Sequence<String>) {
    var frequencies: [String: Int] = [:]
    for word in words where !word.isEmpty { frequencies[word, default: 0] += 1 }
    var (names, numbers): ([String], [String: Int32]) = ([], [:])
    let counted = frequencies.sorted { $0.key < $1.key }.map { word, count in
      let symbols = Self.symbols(of: word).map { symbol -> Int32 in
        if let known = numbers[symbol] { return known }
        names.append(symbol)
        numbers[symbol] = Int32(names.count - 1)
        return Int32(names.count - 1)
      }
      return (symbols, count)
    }
    var learner = PairMerges(names: names, words: counted)
    var merges: [Pair] = []
    while merges.count < count, let pair = learner.merge() {
      merges.append(Pair(first: learner.names[Int(pair.first)], second: learner.names[Int(pair.second)]))
    }
    self.init(merges)
  }

  static func symbols(of word: String) -> [String] {
    var symbols = word.unicodeScalars.map { String($0) }
    if let last = symbols.popLast() { symbols.append(last + end) }
    return symbols
  }

  /// The pieces of a word, each but the last ending with ``continuation``; none of an empty word.
  public func pieces(of word: String) -> [String] {
    var symbols = Self.symbols(of: word)
    while symbols.count > 1 {
      var best: (rank: Int, place: Int)?
      for i in 0..<symbols.count - 1 {
        guard let rank = ranks[Pair(first: symbols[i], second: symbols[i + 1])] else { continue }
        if rank < best?.rank ?? .max { best = (rank, i) }
      }
      guard let best else { break }
      // All places of the pair at once, from the left, as they were merged when it was learnt.
      let pair = merges[best.rank]
      symbols = Self.merged(symbols, pair)
    }
    return symbols.enumerated().map { i, symbol in
      i < symbols.count - 1 ? symbol + Self.continuation : String(symbol.dropLast(Self.end.count))
    }
  }

  /// The words of pieces, set apart by single spaces.
  public static func joined(_ pieces: some Sequence<String>) -> String {
    var text = ""
    var goesOn = true
    for piece in pieces {
      if !goesOn { text += " " }
      goesOn = piece.hasSuffix(continuation)
      text += goesOn ? String(piece.dropLast(continuation.count)) : piece
    }
    return text
  }

  private static func merged(_ symbols: [String], _ pair: Pair) -> [String] {
    var result: [String] = []
    var i = 0
    while i < symbols.count {
      if i + 1 < symbols.count, symbols[i] == pair.first, symbols[i + 1] == pair.second {
        result.append(pair.first + pair.second)
        i += 2
      } else {
        result.append(symbols[i])
        i += 1
      }
    }
    return result
  }

  // MARK: Files

  /// Reads a merges file. Throws for a file that is missing, damaged, or of another version, with line.
  public init(contentsOf path: String) throws(UnrollError) {
    var merges: [Pair] = []
    let text = try TextLines(contentsOf: path)
    for line in text.lines where !(line.number == 1 && line.text.hasPrefix("#version:")) {
      let parts = line.text.split(separator: " ", omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
        throw UnrollError(
          .invalidData,
          "a line of a merges file has two symbols with a space between them, not "
            + "`\(line.text.prefix(40))`", at: text.place(line.number), hint: "give the file that learning wrote")
      }
      merges.append(Pair(first: String(parts[0]), second: String(parts[1])))
    }
    self.init(merges)
  }

  /// Writes the merges, atomically.
  public func write(to path: String) throws(UnrollError) {
    let lines = ["#version: 0.2"] + merges.map { "\($0.first) \($0.second)" }
    try AtomicFile.write(Data((lines.joined(separator: "\n") + "\n").utf8), to: path)
  }
}
