import Corpora
import Foundation
import Interchange
import Testing

struct PlainTextTests {
  /// Every way to be no UTF-8, with the offset of the character that is none and what the message says of it.
  @Test(
    arguments: [
      ([0xC3, 0xA9, 0x80], 2, "byte 0x80 at offset 2 continues"),
      ([0x61, 0xC0, 0xAF], 1, "byte 0xC0 at offset 1 begins a longer form"),
      ([0xC1, 0xBF], 0, "longer form"),
      ([0xE0, 0x80, 0xAF], 0, "longer form"),
      ([0xE0, 0x9F, 0xBF], 0, "longer form"),
      ([0xF0, 0x8F, 0xBF, 0xBF], 0, "longer form"),
      ([0xED, 0xA0, 0x80], 0, "surrogate"),
      ([0xED, 0xBF, 0xBF], 0, "surrogate"),
      ([0xF4, 0x90, 0x80, 0x80], 0, "beyond U+10FFFF"),
      ([0xF5, 0x80, 0x80, 0x80], 0, "begins no character"),
      ([0x61, 0xFF], 1, "begins no character"),
      ([0x61, 0x62, 0xC3], 2, "end of the text cuts off"),
      ([0xE2, 0x82], 0, "end of the text cuts off"),
      ([0xF0, 0x9F, 0x98], 0, "end of the text cuts off"),
      ([0xE9, 0x20, 0x61], 0, "of 3 bytes, but only 0 follow"),
      ([0xF0, 0x9F, 0x98, 0x41], 0, "of 4 bytes, but only 2 follow"),
      ([0xE2, 0x82, 0xC3, 0xA9], 0, "but only 1 follows"),
      ([0x61, 0x00, 0x62], 1, "byte 0x00 at offset 1 is NUL"),
      ([0xFF, 0xFE, 0x61, 0x00], 0, "begins no character"),
    ] as [([UInt8], Int, String)])
  func bytesThatAreNoText(bytes: [UInt8], offset: Int, message: String) throws {
    // The words of the scan are eight bytes: a fault is found wherever it stands in one.
    for padding in 0..<9 {
      let padded = [UInt8](repeating: 0x0A, count: padding) + bytes
      let error = try #require(throws: UnrollError.self) { try PlainText(utf8: Data(padded), source: "a b.txt") }
      #expect(error.kind == .invalidData && error.place == "a b.txt:\(padding + 1)")
      #expect(error.message.contains("at offset \(offset + padding) "))
      if padding == 0 { #expect(error.message.contains(message), "\(error.message)") }
      if padding == 0, bytes[0] == 0xFF { #expect(error.hint?.contains("iconv -f UTF-16 ") == true) }
      if bytes[offset] > 0, bytes[0] != 0xFF {
        #expect(error.hint?.contains("iconv -f WINDOWS-1252 -t UTF-8 'a b.txt' > 'a b.utf8.txt'") == true)
      }
    }
  }

  /// The standard library decides the same, for all combinations of bytes at the borders of the rules.
  @Test func acceptsExactlyUTF8() {
    let all: [UInt8] = [
      0x01, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0,
      0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
    ]
    let followers: [UInt8] = [0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC2]
    var accepted = 0
    func check(_ bytes: [UInt8]) {
      let expected = String(validating: bytes, as: UTF8.self)
      let actual = try? PlainText(utf8: Data(bytes), source: "bytes")
      #expect(actual?.string == expected, "\(bytes)")
      #expect(actual?.count == expected?.unicodeScalars.count, "\(bytes)")
      accepted += actual == nil ? 0 : 1
    }
    for a in all {
      check([a])
      for b in all {
        check([a, b])
        for c in followers {
          check([a, b, c])
          for d in followers where a >= 0xE0 { check([a, b, c, d]) }
        }
      }
    }
    #expect(accepted > 300)
  }

  @Test func countsCharactersAndSkipsTheByteOrderMark() throws {
    for text in ["a\r\nb", "e\u{301}\u{308}x", "👩‍👩‍👧‍👦🇫🇷", "日本語", "\u{FEFF}a\u{FEFF}", "\u{FFFF}\u{10FFFF}"] {
      let plain = try PlainText(utf8: Data([0xEF, 0xBB, 0xBF] + Array(text.utf8)), source: "t")
      #expect(Array(plain.string.unicodeScalars) == Array(text.unicodeScalars))
      #expect(plain.count == text.unicodeScalars.count)
    }
    #expect(PlainText("").count == 0)
    #expect(throws: UnrollError.self) { try PlainText(utf8: Data(), source: "t") }
    #expect(throws: UnrollError.self) { try PlainText(utf8: Data([0xEF, 0xBB, 0xBF]), source: "t") }
  }

  /// A text that is cut inside a character is refused, at the character; cut between two it is a shorter text.
  @Test func everyCutOfAText() throws {
    let bytes = Array("aé\r\n日🦓e\u{301}\u{10FFFF}z".utf8)
    for count in 1...bytes.count {
      let part = Data(bytes[..<count])
      if let expected = String(validating: part, as: UTF8.self) {
        #expect(try PlainText(utf8: part, source: "t").string == expected)
      } else {
        let error = try #require(throws: UnrollError.self) { try PlainText(utf8: part, source: "t") }
        let begin = bytes[..<count].lastIndex { $0 & 0xC0 != 0x80 } ?? 0
        #expect(error.message.contains("at offset \(begin) begins a character that the end of the text cuts off"))
      }
    }
  }

  @Test func readsFiles() throws {
    try withFolder { folder in
      let path = folder + "/zwei wörter.txt"
      let text = String(repeating: "Zeile für Zeile\n", count: 100_000)  // more than one chunk of a megabyte
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      let plain = try PlainText(contentsOf: path)
      #expect(plain.string == text && plain.source == path)
      #expect(try PlainText(contentsOf: path, limit: text.utf8.count).count == text.unicodeScalars.count)
      let error = try #require(throws: UnrollError.self) {
        try PlainText(contentsOf: path, limit: text.utf8.count - 1)
      }
      #expect(error.kind == .invalidData && error.place == path)
      #expect(error.message.contains("1700000 bytes") && error.message.contains("1699999"))
    }
  }

  @Test func filesThatCannotBeRead() throws {
    try withFolder { folder in
      func error(_ path: String, limit: Int = PlainText.defaultLimit) throws -> UnrollError {
        let error = try #require(throws: UnrollError.self) { try PlainText(contentsOf: path, limit: limit) }
        #expect(error.place == path && error.hint != nil)
        return error
      }
      #expect(try error(folder + "/none.txt").kind == .missing)
      #expect(try error(folder + "/none/none.txt").kind == .missing)
      #expect(try error(folder).kind == .inputOutput)
      #expect(try error(folder).message.contains("folder"))
      let path = folder + "/file.txt"
      try Data().write(to: URL(fileURLWithPath: path))
      #expect(try error(path).message == "the text is empty")
      #expect(try error("/dev/zero").kind == .inputOutput)
      // A sparse file of 3 GB is refused before memory is taken.
      #expect(truncate(path, 3 << 30) == 0)
      #expect(try error(path).message.contains("3221225472 bytes"))
      #expect(chmod(path, 0) == 0)
      if geteuid() != 0 { #expect(try error(path).kind == .inputOutput) }
    }
  }
}

/// Runs with an empty folder that is removed afterwards.
func withFolder(_ body: (String) throws -> Void) throws {
  let folder = NSTemporaryDirectory() + "unroll-\(UUID().uuidString)"
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  try body(folder)
}
