import Foundation
import Interchange

/// The form of `vocabulary.json`:
///
///     { "version": 1, "kind": "characters", "characters": ["\n", " ", "a", "b"] }
///
/// Each entry is one Unicode scalar, and its place is its token.
extension CharacterVocabulary {
  private struct File: Codable {
    var version = VocabularyFile.version
    var kind = TokenUnit.characters.rawValue
    var characters: [String]
  }

  /// Reads a vocabulary that ``write(to:)`` wrote.
  ///
  /// - Throws: `.missing` and `.inputOutput` when the file cannot be read; `.unsupportedVersion` for a version that is
  ///   not known; `.invalidData` for another kind of vocabulary, for one without characters, with one that is there
  ///   twice, or with an entry that is not exactly one Unicode scalar.
  public init(contentsOf path: String) throws(UnrollError) {
    try self.init(json: FileAccess.read(from: path, limit: 16 << 20), path: path)
  }

  /// The vocabulary in some JSON text; `path` is what errors call it.
  package init(json data: Data, path: String) throws(UnrollError) {
    try VocabularyFile.check(data, is: .characters, path: path)
    try self.init(entries: StrictJSON.decode(File.self, from: data, path: path).characters, path: path)
  }

  /// The characters of a file's entries.
  init(entries: [String], path: String) throws(UnrollError) {
    guard !entries.isEmpty else { throw VocabularyFile.invalid("the vocabulary has no characters", path) }
    var tokens: [Unicode.Scalar: Int] = [:]
    var characters: [Unicode.Scalar] = []
    for (token, entry) in entries.enumerated() {
      guard let character = entry.unicodeScalars.first, entry.unicodeScalars.count == 1 else {
        throw VocabularyFile.invalid(
          "characters[\(token)] should be one Unicode scalar, and has \(entry.unicodeScalars.count)", path)
      }
      if let other = tokens.updateValue(token, forKey: character) {
        throw VocabularyFile.invalid(
          "\(character.shown) is there twice, as characters[\(other)] and characters[\(token)]", path)
      }
      characters.append(character)
    }
    self.init(characters)
  }

  /// Writes the vocabulary as JSON, atomically.
  ///
  /// - Throws: `.missing` or `.inputOutput` when the file cannot be written; then the old one, if any, is still there.
  public func write(to path: String) throws(UnrollError) {
    try StrictJSON.write(File(characters: characters.map(String.init)), to: path)
  }
}
