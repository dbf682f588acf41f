import Foundation
import Interchange

/// Different strings, each with a number: the words, characters, subwords or labels of a model.
///
///     let labels = TokenTable(["negative", "positive"])
///     labels["positive"]                 // 1
///     TokenTable(counting: words, specials: ["<unk>"], atLeast: 2)["a rare word", default: 0]
public struct TokenTable: Sendable, Hashable {
  /// The strings, each at the place of its number.
  public let entries: [String]
  private let numbers: [String: Int32]

  /// A table of these strings. Traps when one is there twice.
  public init(_ entries: [String]) {
    self.entries = entries
    numbers = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1, Int32($0)) })
  }

  /// The special entries, then the most frequent strings, the most frequent first, equally frequent ones in the order
  /// of their Unicode scalars: those that occur `least` times or more, so that there are at most `most` entries.
  public init(
    counting strings: some Sequence<String>, specials: [String] = [], atLeast least: Int = 1, most: Int = .max
  ) {
    var counts: [String: Int] = [:]
    for string in strings { counts[string, default: 0] += 1 }
    for special in specials { counts[special] = nil }
    let ranked = counts.filter { $0.value >= least }.sorted {
      $0.value != $1.value
        ? $0.value > $1.value : $0.key.unicodeScalars.lexicographicallyPrecedes($1.key.unicodeScalars)
    }
    self.init(specials + ranked.prefix(max(0, most - specials.count)).map(\.key))
  }

  /// Number of entries.
  public var count: Int { entries.count }

  /// The number of a string; nil when it is not in the table.
  public subscript(string: String) -> Int32? { numbers[string] }

  /// The number of a string, or another one when it is not in the table.
  public subscript(string: String, default other: Int32) -> Int32 { numbers[string] ?? other }

  // MARK: Files

  private struct File: Codable {
    var version = 1
    var kind: String
    var entries: [String]
  }

  /// Reads a table of some kind, such as `labels`, that ``write(to:kind:)`` wrote. Throws when the file is missing,
  /// damaged, of another version or kind, or has an entry twice.
  public init(contentsOf path: String, kind: String) throws(UnrollError) {
    let file = try StrictJSON.read(File.self, from: path)
    func invalid(_ message: String, _ kind: UnrollError.Kind = .invalidData) -> UnrollError {
      UnrollError(kind, message, at: path, hint: "put back the file that training wrote; the weights fit no other")
    }
    guard file.version == 1 else { throw invalid("the table has version \(file.version)", .unsupportedVersion) }
    guard file.kind == kind else { throw invalid("this is a table of `\(file.kind)`, not of `\(kind)`") }
    var seen: Set<String> = []
    if let twice = file.entries.first(where: { !seen.insert($0).inserted }) {
      throw invalid("`\(twice.prefix(40))` is there twice")
    }
    self.init(file.entries)
  }

  /// Writes the table as JSON, atomically.
  public func write(to path: String, kind: String) throws(UnrollError) {
    try StrictJSON.write(File(kind: kind, entries: entries), to: path)
  }
}
