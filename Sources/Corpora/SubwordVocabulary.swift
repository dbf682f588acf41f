import Interchange
import Tensors

/// The characters that a model reads and writes, and pieces of words made of them by byte pair encoding, each with a
/// number, its token: frequent words are one token, rare ones several, and there are no unknown words.
///
///     let vocabulary = SubwordVocabulary(of: [PlainText("low lower lowest\n")], merges: 6)
///     try vocabulary.encode(PlainText(" lowest low\n")).map { vocabulary.text(of: $0) }   // [" lowe", "s", "t", …]
///
/// A text is cut into runs of letters, of digits and of other characters; a single space before a run belongs to it.
/// All other white space, and every further space, is a token of its own. Nothing is folded, added or dropped: the
/// tokens' texts one after the other are the text, scalar by scalar. Pieces never reach beyond a run, nor beyond
/// ``longest`` characters of it.
public struct SubwordVocabulary: Sendable, Equatable {
  /// The most merges that there may be.
  public static let mostMerges = 500_000
  /// The most characters of a run that are looked at together, without the space before it.
  public static let longest = 64

  /// The characters: the first tokens.
  public let characters: CharacterVocabulary
  /// The pairs of tokens that become one, in the order in which they were learnt: the tokens behind the characters.
  let merges: [PairMerges.Pair]
  private let ranks: [PairMerges.Pair: Int]
  /// The tokens' texts, one after the other, where each ends, and their numbers of characters.
  private let text: [UInt8]
  private let ends: [Int]
  private let lengths: [Int]

  /// The characters of some texts, and up to `merges` merges that the first of them teaches; a pair has to occur twice
  /// at least. The same texts always give the same tokens.
  ///
  /// - Parameter first: How many runs of the first text are learnt from; nil for all.
  public init(of texts: [PlainText], merges count: Int, first: Int? = nil) {
    let characters = CharacterVocabulary(of: texts)
    var runs = WordTable([])
    var counts: [Int] = []
    var rest = first ?? .max
    texts.first?.withBytes { bytes in
      RunScan.forEach(in: bytes) { range in
        guard rest > 0 else { return false }
        rest -= 1
        let run = runs.insert(UnsafeBufferPointer(rebasing: bytes[range]))
        if run == counts.count { counts.append(0) }
        counts[run] += 1
        return true
      }
    }
    var learner = PairMerges(
      names: characters.characters.map { String($0) },
      words: counts.indices.map { (Self.tokens(of: runs.bytes(of: $0), characters), counts[$0]) })
    var merges: [PairMerges.Pair] = []
    while merges.count < count, let pair = learner.merge() { merges.append(pair) }
    self.init(characters, merges)
  }

  /// A vocabulary of given merges, each of tokens before it.
  init(_ characters: CharacterVocabulary, _ merges: [PairMerges.Pair]) {
    self.characters = characters
    self.merges = merges
    ranks = Dictionary(merges.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    var text: [UInt8] = []
    var ends: [Int] = []
    var lengths: [Int] = []
    func bytes(_ token: Int32) -> ArraySlice<UInt8> { text[(token == 0 ? 0 : ends[Int(token) - 1])..<ends[Int(token)]] }
    for character in characters.characters {
      text += Array(String(character).utf8)
      ends.append(text.count)
      lengths.append(1)
    }
    for merge in merges {
      text += Array(bytes(merge.first)) + Array(bytes(merge.second))
      ends.append(text.count)
      lengths.append(lengths[Int(merge.first)] + lengths[Int(merge.second)])
    }
    (self.text, self.ends, self.lengths) = (text, ends, lengths)
  }

  /// Whether two read and write the same.
  public static func == (a: SubwordVocabulary, b: SubwordVocabulary) -> Bool {
    a.characters == b.characters && a.merges == b.merges
  }

  /// Number of tokens: what an embedding needs as its size, and a softmax as its width.
  public var count: Int { ends.count }

  private static func tokens(of run: ArraySlice<UInt8>, _ characters: CharacterVocabulary) -> [Int32] {
    String(decoding: run, as: UTF8.self).unicodeScalars.compactMap { characters.token(of: $0) }
  }

  private func tokens(of run: ArraySlice<UInt8>) -> [Int32] {
    var tokens = Self.tokens(of: run, characters)
    while tokens.count > 1 {
      let best = zip(tokens, tokens.dropFirst()).compactMap { ranks[PairMerges.Pair(first: $0, second: $1)] }.min()
      guard let best else { break }
      // All places of the pair at once, from the left, as they were merged when it was learnt.
      tokens = PairMerges.merged(tokens, merges[best], as: Int32(characters.count + best))
    }
    return tokens
  }

  /// The tokens of a text. Throws `.invalidData` for a character that the vocabulary lacks, with path, line and column.
  public func encode(_ text: PlainText) throws(UnrollError) -> Tokens {
    _ = try characters.encode(text)
    // Each different run is cut into pieces once.
    var runs = WordTable([])
    var known: [[Int32]] = []
    var tokens: [Int32] = []
    text.withBytes { bytes in
      RunScan.forEach(in: bytes) { range in
        let run = runs.insert(UnsafeBufferPointer(rebasing: bytes[range]))
        if run == known.count { known.append(self.tokens(of: runs.bytes(of: run))) }
        tokens += known[run]
        return true
      }
    }
    return Tokens(tokens, kinds: count)
  }

  /// The text of a token. Traps on a number outside 0..<count.
  public func text(of token: Int32) -> String {
    demand(token >= 0 && token < count, "token \(token) of a vocabulary of \(count)")
    return String(decoding: text[(token == 0 ? 0 : ends[Int(token) - 1])..<ends[Int(token)]], as: UTF8.self)
  }

  /// Characters (Unicode scalars) of a token's text. Traps on a number outside 0..<count.
  public func length(of token: Int32) -> Int {
    demand(token >= 0 && token < count, "token \(token) of a vocabulary of \(count)")
    return lengths[Int(token)]
  }
}

/// Loops over the runs of well-formed UTF-8 that subwords stay inside.
enum RunScan {
  private enum Kind { case letter, digit, other, alone }

  /// Calls `body` with the bytes of each run in order, until it returns false. The runs one after the other are the
  /// text.
  static func forEach(in bytes: UnsafeBufferPointer<UInt8>, _ body: (Range<Int>) -> Bool) {
    var index = 0
    while index < bytes.count {
      let start = index
      var (kind, end) = character(in: bytes, at: index)
      if bytes[index] == 0x20, end < bytes.count {
        let next = character(in: bytes, at: end)
        if next.kind != .alone { (kind, end) = next }
      }
      var length = 1
      while kind != .alone, end < bytes.count, length < SubwordVocabulary.longest {
        let next = character(in: bytes, at: end)
        guard next.kind == kind else { break }
        end = next.end
        length += 1
      }
      if !body(start..<end) { return }
      index = end
    }
  }

  /// Number of runs of a text.
  static func count(in bytes: UnsafeBufferPointer<UInt8>) -> Int {
    var count = 0
    forEach(in: bytes) { _ in
      count += 1
      return true
    }
    return count
  }

  private static func character(in bytes: UnsafeBufferPointer<UInt8>, at index: Int) -> (kind: Kind, end: Int) {
    let lead = bytes[index]
    guard lead >= 0x80 else {
      switch lead {
      case 0x41...0x5A, 0x61...0x7A: return (.letter, index + 1)
      case 0x30...0x39: return (.digit, index + 1)
      case 0x09...0x0D, 0x20: return (.alone, index + 1)
      default: return (.other, index + 1)
      }
    }
    let end = min(bytes.count, index + (lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4))
    guard let scalar = String(decoding: bytes[index..<end], as: UTF8.self).unicodeScalars.first else {
      return (.other, end)
    }
    if scalar.properties.isWhitespace { return (.alone, end) }
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .nonspacingMark,
      .spacingMark, .enclosingMark:
      return (.letter, end)
    case .decimalNumber, .letterNumber, .otherNumber: return (.digit, end)
    default: return (.other, end)
    }
  }
}
