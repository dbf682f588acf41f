import Foundation
import Interchange

/// The lines of a text file in UTF-8, compressed by gzip or not, with their numbers.
///
///     for line in try TextLines(contentsOf: "reviews.tsv.gz").lines { print(line.number, line.text) }
///
/// Lines end with "\n" or "\r\n", which are no part of them; the last one may lack it. A byte order mark at the
/// beginning is skipped.
public struct TextLines: Sendable {
  /// A line and its number, from 1.
  public struct Line: Sendable {
    /// From 1.
    public let number: Int
    /// What stands in it.
    public let text: String
  }

  /// Where the lines come from.
  public let path: String
  /// The lines in order.
  public let lines: [Line]
  /// Checksum of the file's content, uncompressed.
  public let checksum: String

  /// Reads a file. Throws as ``PlainText/init(contentsOf:limit:)``: an empty file is an error too.
  public init(contentsOf path: String, limit: Int = PlainText.defaultLimit) throws(UnrollError) {
    try self.init(utf8: Gzip.read(from: path, limit: limit), path: path)
  }

  /// The lines of some bytes that should be UTF-8.
  public init(utf8 bytes: Data, path: String) throws(UnrollError) {
    let text = try PlainText(utf8: bytes, source: path)
    self.path = path
    checksum = bytes.withUnsafeBytes { Checksum($0).description }
    lines = text.withBytes { bytes in
      var lines: [Line] = []
      var start = 0
      while start < bytes.count {
        let end = bytes[start...].firstIndex(of: 0x0A) ?? bytes.count
        let own = bytes[start..<(end > start && bytes[end - 1] == 0x0D ? end - 1 : end)]
        lines.append(Line(number: lines.count + 1, text: String(decoding: own, as: UTF8.self)))
        start = end + 1
      }
      return lines
    }
  }

  /// `path:line`, for messages.
  public func place(_ number: Int) -> String { "\(path):\(number)" }
}

/// What becomes of a line that a reader cannot use.
///
///     var bad = BadLines(skips: true)
///     let texts = try LabelledTexts.read("reviews.tsv", &bad)
///     print(bad.skipped.count, "lines were left out")
public struct BadLines: Sendable {
  /// Whether they are left out, and counted; else the first one is an error.
  public let skips: Bool
  /// What was left out: message and place of each.
  public private(set) var skipped: [UnrollError] = []

  /// A rule.
  public init(skips: Bool) { self.skips = skips }

  /// Notes a bad line, or throws it.
  public mutating func found(_ error: UnrollError) throws(UnrollError) {
    guard skips else { throw error }
    skipped.append(error)
  }
}
