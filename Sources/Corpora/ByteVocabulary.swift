import Foundation
import Interchange
import Tensors

/// The bytes of UTF-8 as tokens: 256 of them, for any text of any language, and never an unknown one.
///
///     let vocabulary = ByteVocabulary()
///     Array(vocabulary.encode(PlainText("né")))     // [110, 195, 169]
///     TextVocabulary.bytes(vocabulary).decode([110, 195, 169])   // "né"
///
/// A model of bytes may write what is no text: see ``TokenDecoder`` for what becomes of it.
public struct ByteVocabulary: Sendable, Equatable {
  /// The vocabulary; there is one.
  public init() {}

  /// 256.
  public var count: Int { 256 }

  /// A text's bytes.
  public func encode(_ text: PlainText) -> Tokens { text.withBytes { Tokens(bytes: Array($0)) } }

  /// How a byte is shown by itself: as the ASCII character that it is, else as its number, `0xC3`. Traps on a number
  /// outside 0..<256.
  public func label(of token: Int32) -> String {
    demand(token >= 0 && token < count, "token \(token) of a vocabulary of \(count)")
    let byte = UInt8(token)
    guard byte >= 0x80 else { return String(Unicode.Scalar(byte)) }
    return "0x" + String(byte, radix: 16, uppercase: true)
  }
}

/// The form of `vocabulary.json`:
///
///     { "version": 1, "kind": "bytes" }
extension ByteVocabulary {
  private struct File: Codable {
    var version = VocabularyFile.version
    var kind = TokenUnit.bytes.rawValue
  }

  /// Reads a vocabulary that ``write(to:)`` wrote. Throws as ``CharacterVocabulary/init(contentsOf:)``.
  public init(contentsOf path: String) throws(UnrollError) {
    let data = try FileAccess.read(from: path, limit: 1 << 10)
    try VocabularyFile.check(data, is: .bytes, path: path)
    _ = try StrictJSON.decode(File.self, from: data, path: path)
  }

  /// Writes the vocabulary as JSON, atomically. Throws when the file cannot be written; then the old one, if any, is
  /// still there.
  public func write(to path: String) throws(UnrollError) { try StrictJSON.write(File(), to: path) }
}
