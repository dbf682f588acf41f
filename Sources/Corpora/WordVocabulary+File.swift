import Foundation
import Interchange

/// The form of `vocabulary.json`:
///
///     { "version": 1, "kind": "words", "words": ["<unk>", "<eos>", "the", "cat"] }
///
/// Each entry is a word without white space, and its place is its token.
extension WordVocabulary {
  private struct File: Codable {
    var version = VocabularyFile.version
    var kind = TokenUnit.words.rawValue
    var words: [String]
  }

  /// Reads a vocabulary that ``write(to:)`` wrote.
  ///
  /// - Throws: `.missing` and `.inputOutput` when the file cannot be read; `.unsupportedVersion` for a version that is
  ///   not known; `.invalidData` for another kind of vocabulary, one that does not begin with `<unk>` and `<eos>`, one
  ///   of more than ``most`` words, with one that is there twice, is empty or holds white space.
  public init(contentsOf path: String) throws(UnrollError) {
    try self.init(json: FileAccess.read(from: path, limit: 64 << 20), path: path)
  }

  /// The vocabulary in some JSON text; `path` is what errors call it.
  package init(json data: Data, path: String) throws(UnrollError) {
    try VocabularyFile.check(data, is: .words, path: path)
    let words = try StrictJSON.decode(File.self, from: data, path: path).words
    guard words.prefix(2) == [Self.unknown, Self.lineEnd] else {
      throw VocabularyFile.invalid("the first words should be \(Self.unknown) and \(Self.lineEnd)", path)
    }
    guard words.count <= Self.most else {
      throw VocabularyFile.invalid("the vocabulary has \(words.count) words, and \(Self.most) are the most", path)
    }
    for (token, word) in words.enumerated() {
      if let fault = WordScan.fault(in: word) { throw VocabularyFile.invalid("words[\(token)] \(fault)", path) }
    }
    if let (first, second) = VocabularyFile.twins(in: words) {
      throw VocabularyFile.invalid(
        "`\(words[first].prefix(40))` is there twice, as words[\(first)] and words[\(second)]", path)
    }
    self.init(words)
  }

  /// Writes the vocabulary as JSON, atomically.
  ///
  /// - Throws: `.missing` or `.inputOutput` when the file cannot be written; then the old one, if any, is still there.
  public func write(to path: String) throws(UnrollError) {
    try StrictJSON.write(File(words: words), to: path)
  }
}
