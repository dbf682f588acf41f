import Foundation
import Interchange

/// Text as it stands in a file: bytes that are known to be well-formed UTF-8.
///
///     let text = try PlainText(contentsOf: "poems.txt")
///     print(text.count)  // characters: Unicode scalars
///
/// A text is kept as bytes because a corpus may be large: 200 MB of text take 200 MB, not the 800 of an array of
/// characters, and are checked at a speed near that of copying them. Line ends stay as they are; a byte order mark at the very beginning of a
/// file is no part of the text and is skipped.
public struct PlainText: Sendable {
  /// The largest file that is read unless a limit is given: 1 GB (2^30 bytes).
  public static let defaultLimit = 1 << 30

  /// Where the text is from, for messages: a path, or a word such as "prompt".
  public let source: String
  /// Well-formed UTF-8.
  let bytes: [UInt8]

  /// Reads a text file.
  ///
  /// - Parameters:
  ///   - path: The file; also a pipe, which is read to its end.
  ///   - limit: The largest number of bytes to read; nothing is allocated for a larger file.
  /// - Throws: `.missing`; `.inputOutput` for a folder, a file that may not be read, a failing disk; `.invalidData` for a
  ///   file that is empty, larger than the limit, holds a NUL byte, or is not UTF-8, with line and byte offset.
  public init(contentsOf path: String, limit: Int = defaultLimit) throws(UnrollError) {
    try self.init(utf8: FileBytes.read(path, limit: limit), source: path)
  }

  /// Text from bytes that should be UTF-8.
  ///
  /// - Throws: `.invalidData` when there are none, or when they are no text, with line and byte offset.
  public init(utf8 bytes: [UInt8], source: String) throws(UnrollError) {
    if let fault = bytes.withUnsafeBufferPointer(UTF8Scan.firstFault) {
      throw Self.error(for: fault, in: bytes, source: source)
    }
    let mark = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    guard bytes.count > mark else {
      throw UnrollError(.invalidData, "the text is empty", at: source, hint: "give a file with text in it")
    }
    self.init(source: source, bytes: mark == 0 ? bytes : Array(bytes[mark...]))
  }

  /// Text from a string.
  public init(_ string: String, source: String = "text") {
    self.init(source: source, bytes: Array(string.utf8))
  }

  private init(source: String, bytes: [UInt8]) {
    self.source = source
    self.bytes = bytes
  }

  /// Number of characters (Unicode scalars). Counts them: O(bytes).
  public var count: Int { bytes.withUnsafeBufferPointer(UTF8Scan.count) }

  /// The text as a string. Copies it.
  public var string: String { String(decoding: bytes, as: UTF8.self) }

  /// `source:line:column` of the character that begins at an offset of ``bytes``; lines end with "\n", columns count
  /// characters, both from 1.
  func place(ofByte offset: Int) -> String {
    let before = bytes[..<offset]
    let line = before.reduce(1) { $0 + ($1 == 0x0A ? 1 : 0) }
    let start = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    let column = before[start...].reduce(1) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }
    return "\(source):\(line):\(column)"
  }

  private static func error(for fault: UTF8Scan.Fault, in bytes: [UInt8], source: String) -> UnrollError {
    let byte = bytes[fault.offset]
    let line = bytes[..<fault.offset].reduce(1) { $0 + ($1 == 0x0A ? 1 : 0) }
    func conversion(from encoding: String) -> String {
      func quoted(_ word: String) -> String { "'\(word.replacing("'", with: "'\\''"))'" }
      let name = URL(fileURLWithPath: source).deletingPathExtension().lastPathComponent
      return "iconv -f \(encoding) -t UTF-8 \(quoted(source)) > \(quoted(name + ".utf8.txt"))"
    }
    let hexadecimal = String(byte, radix: 16, uppercase: true)
    let message =
      "the text is not UTF-8: byte 0x\(byte < 16 ? "0" : "")\(hexadecimal) at offset \(fault.offset) \(fault.reason)"
    let hint =
      if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
        "the file looks like UTF-16; convert it: \(conversion(from: "UTF-16"))"
      } else if byte == 0 {
        "give a text file; archives, pictures and office documents have to be turned into text first"
      } else {
        "if the file is in another encoding, name it and convert: \(conversion(from: "WINDOWS-1252"))"
      }
    return UnrollError(.invalidData, message, at: "\(source):\(line)", hint: hint)
  }
}
