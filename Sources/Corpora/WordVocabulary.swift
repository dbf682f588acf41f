import Interchange
import Tensors

/// The words that a model reads and writes, each with a number, its token.
///
///     let vocabulary = WordVocabulary(of: PlainText("the cat\nthe dog\n"))
///     vocabulary.words                          // ["<unk>", "<eos>", "the", "cat", "dog"]
///     Array(vocabulary.encode(PlainText("the bird\n")))  // [2, 0, 1]
///
/// A word is what stands between white space, byte by byte as it stands: nothing is folded, split off or cut. A line's
/// end is the token `<eos>`, and comes back as one; all other white space comes back as single spaces. `<unk>` stands
/// for every word that is not known. Texts in which these two are written out already, as those of language modelling
/// are, mean the same.
public struct WordVocabulary: Sendable, Equatable {
  /// What stands for unknown words; its token is 0.
  public static let unknown = "<unk>"
  /// What a line's end is called; its token is 1.
  public static let lineEnd = "<eos>"
  /// The most words that there may be.
  public static let most = 1_000_000

  static let unknownToken: Int32 = 0
  static let lineEndToken: Int32 = 1

  private let table: WordTable

  /// The most frequent words of a text, the most frequent first; equally frequent ones in the order of their bytes.
  ///
  /// - Parameters:
  ///   - count: How many tokens of the text are looked at; nil for all.
  ///   - most: The largest number of words, `<unk>` and `<eos>` among them; nil for ``most``. Traps below 3.
  public init(of text: PlainText, first count: Int? = nil, most: Int? = nil) {
    let most = min(Self.most, most ?? Self.most)
    demand(most >= 3, "a vocabulary of \(most) words")
    var seen = WordTable([Self.unknown, Self.lineEnd])
    var counts = [0, 0]
    var rest = count ?? .max
    text.withBytes { bytes in
      WordScan.forEach(in: bytes) { piece in
        guard rest > 0 else { return false }
        rest -= 1
        guard case .word(let range) = piece else { return true }
        let word = seen.insert(UnsafeBufferPointer(rebasing: bytes[range]))
        if word == counts.count { counts.append(0) }
        counts[word] += 1
        return true
      }
    }
    let ranked = (2..<counts.count).sorted {
      counts[$0] != counts[$1]
        ? counts[$0] > counts[$1] : seen.bytes(of: $0).lexicographicallyPrecedes(seen.bytes(of: $1))
    }
    var table = WordTable([Self.unknown, Self.lineEnd])
    for word in ranked.prefix(most - 2) {
      seen.bytes(of: word).withUnsafeBufferPointer { _ = table.insert($0) }
    }
    self.table = table
  }

  /// A vocabulary of given words, in the order of their tokens. Traps unless the first are `<unk>` and `<eos>`, none
  /// holds white space or is empty, and none is there twice.
  public init(_ words: [String]) {
    table = WordTable(words)
    demand(
      words.prefix(2) == [Self.unknown, Self.lineEnd] && table.count == words.count
        && !words.contains { WordScan.fault(in: $0) != nil },
      "a vocabulary begins with <unk> and <eos>, and holds words without white space once each")
  }

  /// The words, each at the place of its token.
  public var words: [String] { (0..<count).map { word($0) } }

  /// Number of words: what an embedding needs as its size, and a softmax as its width.
  public var count: Int { table.count }

  /// The token of a word; that of `<unk>` when it is not known.
  public func token(of word: String) -> Int32 {
    var word = word
    return word.withUTF8 { token(of: $0) }
  }

  private func token(of word: UnsafeBufferPointer<UInt8>) -> Int32 {
    table.find(word).map { Int32($0) } ?? Self.unknownToken
  }

  /// The tokens of a text.
  public func encode(_ text: PlainText) -> Tokens {
    var tokens: [Int32] = []
    text.withBytes { bytes in
      WordScan.forEach(in: bytes) { piece in
        switch piece {
        case .lineEnd: tokens.append(Self.lineEndToken)
        case .word(let range): tokens.append(token(of: UnsafeBufferPointer(rebasing: bytes[range])))
        }
        return true
      }
    }
    return Tokens(tokens, kinds: count)
  }

  /// What a token adds to a text whose last token is `last`: a word, with a space before it inside a line, or a line's
  /// end. Traps on a number outside 0..<count.
  public func text(of token: Int32, after last: Int32?) -> String {
    demand(token >= 0 && token < count, "token \(token) of a vocabulary of \(count)")
    if token == Self.lineEndToken { return "\n" }
    return (last == nil || last == Self.lineEndToken ? "" : " ") + word(Int(token))
  }

  private func word(_ index: Int) -> String { String(decoding: table.bytes(of: index), as: UTF8.self) }
}
