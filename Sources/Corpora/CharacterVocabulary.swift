import Foundation
import Interchange
import Tensors

/// The characters that a model reads and writes, each with a number, its token.
///
///     let vocabulary = CharacterVocabulary(of: PlainText("abracadabra"))
///     vocabulary.count                 // 5
///     try vocabulary.encode("cab")     // [2, 0, 1]
///     vocabulary.decode([2, 0, 1])     // "cab"
///
/// A character is a Unicode scalar. Bytes would let a model write broken text; what Swift calls a `Character` (a
/// cluster such as "\r\n", or a letter with its accents) has no end of different ones, and clusters that compare as
/// equal differ in their scalars. With scalars any text comes back exactly as it was, and any tokens are text.
public struct CharacterVocabulary: Sendable, Equatable {
  /// The characters, each at the place of its token.
  public let characters: [Unicode.Scalar]
  /// The token of each scalar value, -1 for none; ends with the greatest known one.
  private let table: [Int32]

  /// The characters of some texts, sorted by scalar value: the same texts always give the same tokens.
  public init(of texts: PlainText...) { self.init(of: texts) }

  init(of texts: [PlainText]) {
    var seen = [Bool](repeating: false, count: 0x11_0000)
    var greatest: UInt32 = 0
    seen.withUnsafeMutableBufferPointer { seen in
      for text in texts {
        _ = text.withBytes { bytes in
          UTF8Scan.firstStop(in: bytes) { scalar in
            seen[Int(scalar)] = true
            greatest = max(greatest, scalar)
            return true
          }
        }
      }
    }
    self.init(distinct: (0...greatest).compactMap { seen[Int($0)] ? Unicode.Scalar($0) : nil })
  }

  /// A vocabulary of given characters, in the order of their tokens. Traps when one stands there twice.
  public init(_ characters: [Unicode.Scalar]) {
    demand(Set(characters).count == characters.count, "a vocabulary holds a character twice")
    self.init(distinct: characters)
  }

  private init(distinct characters: [Unicode.Scalar]) {
    self.characters = characters
    var table = [Int32](repeating: -1, count: characters.map { Int($0.value) + 1 }.max() ?? 0)
    for (token, scalar) in characters.enumerated() { table[Int(scalar.value)] = Int32(token) }
    self.table = table
  }

  /// Number of characters: what an embedding needs as its size, and a softmax as its width.
  public var count: Int { characters.count }

  /// The token of a character, or nil when the vocabulary lacks it.
  public func token(of character: Unicode.Scalar) -> Int32? {
    let value = Int(character.value)
    return value < table.count && table[value] >= 0 ? table[value] : nil
  }

  /// The tokens of a string, for example a prompt.
  ///
  /// - Parameter source: What the text is called in a message.
  /// - Throws: `.invalidData` for a character that the vocabulary lacks: which, where, and the nearest known one.
  public func encode(_ string: String, source: String = "text") throws(UnrollError) -> [Int32] {
    try Array(encode(PlainText(string, source: source)))
  }

  /// The tokens of a text.
  ///
  /// - Throws: `.invalidData` for a character that the vocabulary lacks, with path, line and column.
  public func encode(_ text: PlainText) throws(UnrollError) -> Tokens {
    let (tokens, unknown) = text.withBytes { Tokens.encoding($0, table: table, kinds: count) }
    guard let unknown else { return tokens }
    let (character, place) = text.character(atByte: unknown)
    let instead = nearest(to: character).map { "write \($0.shown) instead" } ?? "leave it out"
    throw UnrollError(
      .invalidData, "the vocabulary has no \(character.shown)", at: place,
      hint: "the model was trained on a text of \(count) different characters without it; \(instead)")
  }

  /// The text of tokens. Traps on a number outside 0..<count.
  public func decode(_ tokens: some Sequence<Int32>) -> String {
    var scalars = String.UnicodeScalarView()
    for token in tokens {
      demand(token >= 0 && token < count, "token \(token) of a vocabulary of \(count)")
      scalars.append(characters[Int(token)])
    }
    return String(scalars)
  }

  /// The known character that a reader would put in the place of an unknown one: without its accents, in the other
  /// case, or the plain form of a quotation mark, dash or space.
  private func nearest(to character: Unicode.Scalar) -> Unicode.Scalar? {
    let plain = String(character).decomposedStringWithCompatibilityMapping.unicodeScalars.first ?? character
    let candidates =
      [plain]
      + [character, plain].flatMap { scalar in
        [scalar.properties.lowercaseMapping, scalar.properties.uppercaseMapping].compactMap(\.unicodeScalars.first)
      }
    let typewriter: Unicode.Scalar? =
      switch character.properties.generalCategory {
      case .initialPunctuation, .finalPunctuation: "‘’‚‛‹›".unicodeScalars.contains(character) ? "'" : "\""
      case .dashPunctuation: "-"
      case .spaceSeparator: " "
      case .control: character == "\t" ? " " : nil
      default: nil
      }
    return (candidates + [typewriter].compactMap(\.self)).first { token(of: $0) != nil }
  }
}

extension Unicode.Scalar {
  /// The character for a message: as itself where it can be seen, and always with its number.
  var shown: String {
    let digits = String(value, radix: 16, uppercase: true)
    let number = "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    switch properties.generalCategory {
    case .control, .format, .nonspacingMark, .enclosingMark, .spacingMark, .spaceSeparator, .lineSeparator,
      .paragraphSeparator, .unassigned, .privateUse, .surrogate:
      let names: [Unicode.Scalar: String] = ["\t": "tab", "\n": "line feed", "\r": "carriage return"]
      return (names[self] ?? properties.name?.lowercased()).map { "\(number) (\($0))" } ?? number
    default:
      return "`\(self)` (\(number))"
    }
  }
}
