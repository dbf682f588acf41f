import Foundation
import Interchange

/// Text as it stands in a file: bytes that are known to be well-formed UTF-8.
///
///     let text = try PlainText(contentsOf: "poems.txt")
///     print(text.count)  // characters: Unicode scalars
///
/// A text is kept as bytes because a corpus may be large: 200 MB of text take 200 MB, not the 800 of an array of
/// characters, and are checked at a speed near that of copying them. Line ends stay as they are; a byte order mark at
/// the very beginning of a file is no part of the text and is skipped.
public struct PlainText: Sendable {
  /// The largest file that is read unless a limit is given: 1 GB (2^30 bytes).
  public static let defaultLimit = 1 << 30

  /// Where the text is from, for messages: a path, or a word such as "prompt".
  public let source: String
  /// Well-formed UTF-8.
  private let data: Data

  /// Reads a text file.
  ///
  /// - Parameters:
  ///   - path: A regular file.
  ///   - limit: The largest number of bytes to read; nothing is allocated for a larger file.
  /// - Throws: `.missing`; `.inputOutput` for a folder, a pipe, a file that may not be read, a failing disk;
  ///   `.invalidData` for a file that is empty, larger than the limit, holds a NUL byte, or is not UTF-8, with line and
  ///   byte offset.
  public init(contentsOf path: String, limit: Int = defaultLimit) throws(UnrollError) {
    try self.init(utf8: FileAccess.read(from: path, limit: limit), source: path)
  }

  /// Text from bytes that should be UTF-8; a byte order mark at their beginning is skipped.
  ///
  /// - Throws: `.invalidData` when there are none, or when they are no text, with line and byte offset.
  public init(utf8 bytes: Data, source: String) throws(UnrollError) {
    let text = PlainText(source: source, data: bytes)
    if let fault = text.withBytes(UTF8Scan.firstFault) { throw text.error(for: fault) }
    let isMarked = bytes.starts(with: [0xEF, 0xBB, 0xBF])
    self.init(source: source, data: isMarked ? bytes.dropFirst(3) : bytes)
    guard !data.isEmpty else {
      throw UnrollError(.invalidData, "the text is empty", at: source, hint: "give a file with text in it")
    }
  }

  /// Text from a string.
  public init(_ string: String, source: String = "text") {
    self.init(source: source, data: Data(string.utf8))
  }

  private init(source: String, data: Data) {
    self.source = source
    self.data = data
  }

  /// Number of characters (Unicode scalars). Counts them: O(bytes).
  public var count: Int { withBytes(UTF8Scan.count) }

  /// Number of words and line ends. Counts them: O(bytes).
  public var wordCount: Int { withBytes(WordScan.count) }

  /// Number of runs that subwords stay inside. Counts them: O(bytes).
  var runCount: Int { withBytes(RunScan.count) }

  /// The text as a string. Copies it.
  public var string: String { String(decoding: data, as: UTF8.self) }

  /// Calls `body` with the text's well-formed UTF-8.
  func withBytes<Result>(_ body: (UnsafeBufferPointer<UInt8>) -> Result) -> Result {
    data.withUnsafeBytes { $0.withMemoryRebound(to: UInt8.self, body) }
  }

  /// The character that begins at an offset of the text, and its `source:line:column`; lines end with "\n", columns
  /// count characters, both from 1.
  func character(atByte offset: Int) -> (character: Unicode.Scalar, place: String) {
    withBytes { bytes in
      let before = bytes[..<offset]
      let start = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
      let column = UTF8Scan.count(in: UnsafeBufferPointer(rebasing: before[start...])) + 1
      let rest = String(decoding: bytes[offset...].prefix(4), as: UTF8.self)
      return (rest.unicodeScalars.first ?? "\u{FFFD}", "\(source):\(Self.line(after: before)):\(column)")
    }
  }

  /// The number, from 1, of the line that goes on after some bytes.
  private static func line(after bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Int {
    bytes.reduce(1) { $0 + ($1 == 0x0A ? 1 : 0) }
  }

  private func error(for fault: UTF8Scan.Fault) -> UnrollError {
    let (byte, line) = withBytes { ($0[fault.offset], Self.line(after: $0[..<fault.offset])) }
    func conversion(from encoding: String) -> String {
      func quoted(_ word: String) -> String { "'\(word.replacing("'", with: "'\\''"))'" }
      let name = URL(fileURLWithPath: source).deletingPathExtension().lastPathComponent
      return "iconv -f \(encoding) -t UTF-8 \(quoted(source)) > \(quoted(name + ".utf8.txt"))"
    }
    let hexadecimal = String(byte, radix: 16, uppercase: true)
    let message =
      "the text is not UTF-8: byte 0x\(byte < 16 ? "0" : "")\(hexadecimal) at offset \(fault.offset) \(fault.reason)"
    let hint =
      if data.starts(with: [0xFF, 0xFE]) || data.starts(with: [0xFE, 0xFF]) {
        "the file looks like UTF-16; convert it: \(conversion(from: "UTF-16"))"
      } else if byte == 0 {
        "give a text file; archives, pictures and office documents have to be turned into text first"
      } else {
        "if the file is in another encoding, name it and convert: \(conversion(from: "WINDOWS-1252"))"
      }
    return UnrollError(.invalidData, message, at: "\(source):\(line)", hint: hint)
  }
}
