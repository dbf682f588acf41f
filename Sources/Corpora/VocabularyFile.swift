import Foundation
import Interchange

/// What the files of all vocabularies have in common.
enum VocabularyFile {
  static let version = 1

  private struct Header: Decodable {
    var version: Int
    var kind: String
  }

  /// Throws unless the version is known and the kind is the one asked for. The rest of another version may look
  /// different, so both are read by themselves.
  static func check(_ data: Data, is unit: TokenUnit, path: String) throws(UnrollError) {
    let header = try StrictJSON.decode(Header.self, from: data, path: path)
    guard header.version == version else {
      throw UnrollError(
        .unsupportedVersion, "the vocabulary has version \(header.version); version \(version) is known here",
        at: path, hint: "use the release of unroll that wrote it, or a newer one")
    }
    guard header.kind == unit.rawValue else {
      throw invalid("this is a vocabulary of `\(header.kind)`, not of `\(unit.rawValue)`", path)
    }
  }

  static func invalid(_ message: String, _ path: String) -> UnrollError {
    UnrollError(
      .invalidData, message, at: path, hint: "put back the file that training wrote; the weights fit no other")
  }

  /// The places of the first entry that is there twice, byte by byte; nil when there is none.
  static func twins(in words: [String]) -> (Int, Int)? {
    var table = WordTable([])
    for (place, word) in words.enumerated() {
      var word = word
      let known = word.withUTF8 { table.insert($0) }
      if known != place { return (known, place) }
    }
    return nil
  }
}
