import Foundation
import Interchange

/// The form of `vocabulary.json`:
///
///     { "version": 1, "kind": "subwords", "characters": ["\n", " ", "a", "b"], "merges": [[2, 3], [1, 4]] }
///
/// Each character is one Unicode scalar, and its place is its token. Each merge is two tokens; the first makes the
/// token behind the last character (here `ab`, 4), the next the one behind that (` ab`, 5), and so on.
extension SubwordVocabulary {
  private struct File: Codable {
    var version = VocabularyFile.version
    var kind = TokenUnit.subwords.rawValue
    var characters: [String]
    var merges: [[Int32]]
  }

  /// Reads a vocabulary that ``write(to:)`` wrote.
  ///
  /// - Throws: `.missing` and `.inputOutput` when the file cannot be read; `.unsupportedVersion` for a version that is
  ///   not known; `.invalidData` for another kind of vocabulary, for characters that are none or there twice, and for a
  ///   merge that is not of two tokens before it, is there twice, or is longer than any that is learnt.
  public init(contentsOf path: String) throws(UnrollError) {
    try self.init(json: FileAccess.read(from: path, limit: 64 << 20), path: path)
  }

  /// The vocabulary in some JSON text; `path` is what errors call it.
  package init(json data: Data, path: String) throws(UnrollError) {
    try VocabularyFile.check(data, is: .subwords, path: path)
    let file = try StrictJSON.decode(File.self, from: data, path: path)
    let characters = try CharacterVocabulary(entries: file.characters, path: path)
    guard file.merges.count <= Self.mostMerges else {
      throw VocabularyFile.invalid("there are \(file.merges.count) merges, and \(Self.mostMerges) are the most", path)
    }
    var lengths = [Int](repeating: 1, count: characters.count)
    var merges: [PairMerges.Pair] = []
    var seen: Set<PairMerges.Pair> = []
    for (i, merge) in file.merges.enumerated() {
      guard merge.count == 2, merge.allSatisfy({ $0 >= 0 && $0 < lengths.count }) else {
        throw VocabularyFile.invalid("merges[\(i)] should be two tokens under \(lengths.count)", path)
      }
      let pair = PairMerges.Pair(first: merge[0], second: merge[1])
      let length = lengths[Int(pair.first)] + lengths[Int(pair.second)]
      // A run, and the space before it.
      guard length <= Self.longest + 1 else {
        throw VocabularyFile.invalid("merges[\(i)] makes a piece of \(length) characters", path)
      }
      guard seen.insert(pair).inserted else { throw VocabularyFile.invalid("merges[\(i)] is there twice", path) }
      lengths.append(length)
      merges.append(pair)
    }
    self.init(characters, merges)
  }

  /// Writes the vocabulary as JSON, atomically.
  ///
  /// - Throws: `.missing` or `.inputOutput` when the file cannot be written; then the old one, if any, is still there.
  public func write(to path: String) throws(UnrollError) {
    try StrictJSON.write(
      File(characters: characters.characters.map(String.init), merges: merges.map { [$0.first, $0.second] }), to: path)
  }
}
