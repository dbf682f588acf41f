import Foundation
import Interchange
import Tensors

/// The characters that a reader sees (extended grapheme clusters, Unicode Annex 29), each with a number, its token: a
/// letter with all its accents, a flag, a family of emoji, "\r\n" are one each.
///
///     let vocabulary = GraphemeVocabulary(of: PlainText("año 👩‍👧"))
///     vocabulary.count                           // 5: space, a, o, ñ, 👩‍👧
///     try vocabulary.encode(PlainText("ño"))     // [3, 2]
///
/// Clusters are compared scalar by scalar, so that any text comes back exactly as it was: "é" and "e" with an accent
/// behind it are two. Where a cluster ends is for the Unicode version of Swift's library to say.
public struct GraphemeVocabulary: Sendable, Equatable {
  /// The most clusters that there may be.
  public static let most = 1_000_000

  private let table: WordTable
  /// Scalars of each.
  private let lengths: [Int]

  /// The clusters of some texts, sorted by their bytes: the same texts always give the same tokens. Traps when there
  /// are more than ``most``.
  public init(of texts: PlainText...) { self.init(of: texts) }

  init(of texts: [PlainText]) {
    var seen = WordTable([])
    for text in texts {
      for character in text.string { _ = Self.withBytes(of: character) { seen.insert($0) } }
    }
    demand(seen.count <= Self.most, "\(seen.count) clusters in a text; \(Self.most) are the most")
    let order = (0..<seen.count).sorted { seen.bytes(of: $0).lexicographicallyPrecedes(seen.bytes(of: $1)) }
    self.init(order.map { String(decoding: seen.bytes(of: $0), as: UTF8.self) })
  }

  /// A vocabulary of given clusters, in the order of their tokens. Traps when one is empty, or stands there twice.
  public init(_ clusters: [String]) {
    table = WordTable(clusters)
    lengths = clusters.map(\.unicodeScalars.count)
    demand(table.count == clusters.count && !lengths.contains(0), "a vocabulary holds a cluster twice, or an empty one")
  }

  /// The clusters, each at the place of its token.
  public var clusters: [String] { (0..<count).map { text(of: Int32($0)) } }

  /// Number of clusters: what an embedding needs as its size, and a softmax as its width.
  public var count: Int { table.count }

  /// The token of a cluster, or nil when the vocabulary lacks it.
  public func token(of cluster: Character) -> Int32? {
    Self.withBytes(of: cluster) { table.find($0) }.map { Int32($0) }
  }

  /// The tokens of a text. Throws `.invalidData` for a cluster that the vocabulary lacks, with path, line and column.
  public func encode(_ text: PlainText) throws(UnrollError) -> Tokens {
    var tokens: [Int32] = []
    var offset = 0
    for character in text.string {
      guard let token = token(of: character) else {
        throw UnrollError(
          .invalidData, "the vocabulary has no `\(character)` (\(Self.numbers(of: character)))",
          at: text.character(atByte: offset).place,
          hint: "the model was trained on a text of \(count) different characters without it; leave it out, or train "
            + "with --tokens bytes, which knows all")
      }
      tokens.append(token)
      offset += character.utf8.count
    }
    return Tokens(tokens, kinds: count)
  }

  /// A cluster. Traps on a number outside 0..<count.
  public func text(of token: Int32) -> String {
    demand(token >= 0 && token < count, "token \(token) of a vocabulary of \(count)")
    return String(decoding: table.bytes(of: Int(token)), as: UTF8.self)
  }

  /// Unicode scalars of a cluster. Traps on a number outside 0..<count.
  public func length(of token: Int32) -> Int {
    demand(token >= 0 && token < count, "token \(token) of a vocabulary of \(count)")
    return lengths[Int(token)]
  }

  private static func withBytes<Result>(
    of character: Character, _ body: (UnsafeBufferPointer<UInt8>) -> Result
  ) -> Result {
    var text = String(character)
    return text.withUTF8(body)
  }

  private static func numbers(of character: Character) -> String {
    character.unicodeScalars.map { scalar in
      let digits = String(scalar.value, radix: 16, uppercase: true)
      return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }.joined(separator: " ")
  }
}

/// The form of `vocabulary.json`:
///
///     { "version": 1, "kind": "graphemes", "graphemes": ["\n", " ", "a", "ñ"] }
///
/// Each entry's place is its token.
extension GraphemeVocabulary {
  private struct File: Codable {
    var version = VocabularyFile.version
    var kind = TokenUnit.graphemes.rawValue
    var graphemes: [String]
  }

  /// Reads a vocabulary that ``write(to:)`` wrote.
  ///
  /// - Throws: As ``CharacterVocabulary/init(contentsOf:)``; `.invalidData` for a vocabulary without clusters, or with
  ///   one that is empty or is there twice.
  public init(contentsOf path: String) throws(UnrollError) {
    let data = try FileAccess.read(from: path, limit: 64 << 20)
    try VocabularyFile.check(data, is: .graphemes, path: path)
    let clusters = try StrictJSON.decode(File.self, from: data, path: path).graphemes
    guard !clusters.isEmpty, clusters.count <= Self.most else {
      throw VocabularyFile.invalid("the vocabulary has \(clusters.count) graphemes, not 1 to \(Self.most)", path)
    }
    if let place = clusters.firstIndex(of: "") {
      throw VocabularyFile.invalid("graphemes[\(place)] is empty", path)
    }
    if let (first, second) = VocabularyFile.twins(in: clusters) {
      throw VocabularyFile.invalid(
        "`\(clusters[first])` is there twice, as graphemes[\(first)] and graphemes[\(second)]", path)
    }
    self.init(clusters)
  }

  /// Writes the vocabulary as JSON, atomically.
  ///
  /// - Throws: `.missing` or `.inputOutput` when the file cannot be written; then the old one, if any, is still there.
  public func write(to path: String) throws(UnrollError) {
    try StrictJSON.write(File(graphemes: clusters), to: path)
  }
}
