import Corpora
import Foundation
import Interchange
import Testing

/// Bytes, grapheme clusters and scalars: three levels of the same text.
@Suite struct TextLevelsTests {
  /// Scalar by scalar: as strings, "é" and "e" with an accent would be equal.
  private func scalars(_ text: String) -> [UInt32] { text.unicodeScalars.map(\.value) }

  private static let texts = [
    "a", "año\n", "cafe\u{301} caf\u{E9} \u{C5} \u{212B}", "👩‍👩‍👧‍👦 🇩🇪🇩🇪 日本語 नमस्ते שלום", "line\r\nline\rline\n",
    "\u{301}begins with an accent", String(repeating: "äöü", count: 400),
  ]

  @Test(arguments: texts) func textsComeBackExactly(text: String) throws {
    let plain = PlainText(text)
    let own: [TextVocabulary] = [
      .bytes(ByteVocabulary()), .graphemes(GraphemeVocabulary(of: plain)), .characters(CharacterVocabulary(of: plain)),
    ]
    for vocabulary in own {
      let tokens = try vocabulary.encode(plain)
      #expect(scalars(vocabulary.decode(tokens)) == scalars(text), "\(vocabulary.unit)")
      #expect(vocabulary.characters(of: tokens) == plain.count, "\(vocabulary.unit)")
    }
    #expect(try own.map { try $0.encode(plain).count } == [text.utf8.count, text.count, text.unicodeScalars.count])
  }

  @Test func clustersAreWhatAReaderTakesForOne() throws {
    let vocabulary = GraphemeVocabulary(of: PlainText("e\u{301}\u{E9}\r\n🇩🇪🇩🇪 👩‍👧"))
    #expect(vocabulary.count == 6, "\(vocabulary.clusters)")
    #expect(vocabulary.token(of: "🇩🇪") != nil && vocabulary.token(of: "🇩") == nil)
    #expect(vocabulary.token(of: "e\u{301}") != vocabulary.token(of: "\u{E9}"), "compared scalar by scalar")
    #expect(TextVocabulary.graphemes(vocabulary).lineEnd == vocabulary.token(of: "\r\n"))
    // The order is that of the bytes, whatever the order in the text.
    #expect(vocabulary == GraphemeVocabulary(of: PlainText("👩‍👧 🇩🇪\r\n\u{E9}e\u{301}")))
    let error = try #require(throws: UnrollError.self) {
      try vocabulary.encode(PlainText("\r\n 👩‍👦", source: "t"))
    }
    #expect(error.place == "t:2:2" && error.message.contains("U+1F469 U+200D U+1F466"))
  }

  @Test func bytesBecomeTextWhenTheyAreComplete() {
    let bytes = TextVocabulary.bytes(ByteVocabulary())
    func pieces(_ tokens: [Int32]) -> [String] {
      var decoder = TokenDecoder(bytes)
      return tokens.map { decoder.text(of: $0) } + [decoder.rest()]
    }
    #expect(pieces([0x61, 0xC3, 0xA9, 0x62]) == ["a", "", "é", "b", ""])
    #expect(pieces([0xF0, 0x9F, 0x99, 0x82]) == ["", "", "", "🙂", ""])
    // What is no text is replaced, and what follows is read from its beginning.
    #expect(pieces([0xC3, 0x61]) == ["", "\u{FFFD}a", ""])
    #expect(pieces([0xE2, 0x82, 0xC3, 0xA9]) == ["", "", "\u{FFFD}", "é", ""])
    #expect(pieces([0xFF, 0x80, 0xC0]) == ["\u{FFFD}", "\u{FFFD}", "\u{FFFD}", ""])
    #expect(pieces([0xE2, 0x82]) == ["", "", "\u{FFFD}"])
    // The same as Swift's own reading of the whole, for every pair and many triples of bytes.
    for first in Int32(0)..<256 {
      for second in Int32(0)..<256 {
        let third = (first &* 7 &+ second &* 13) & 255
        let tokens = [first, second, third]
        #expect(
          scalars(bytes.decode(tokens)) == scalars(String(decoding: tokens.map { UInt8($0) }, as: UTF8.self)),
          "\(tokens)")
      }
    }
    #expect((0..<256).map { bytes.label(of: $0) }.filter { $0.hasPrefix("0x") }.count == 128)
  }

  @Test func filesComeBackOrAreRefused() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("unroll-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let vocabularies: [TextVocabulary] = [
      .bytes(ByteVocabulary()), .graphemes(GraphemeVocabulary(of: PlainText(Self.texts.joined()))),
    ]
    for vocabulary in vocabularies {
      try vocabulary.write(to: path)
      #expect(try TextVocabulary(contentsOf: path, unit: vocabulary.unit) == vocabulary)
      for other in TokenUnit.allCases where other != vocabulary.unit {
        #expect(throws: UnrollError.self) { try TextVocabulary(contentsOf: path, unit: other) }
      }
    }
    for (entries, fault) in [
      (#"[]"#, "0 graphemes"), (#"["a",""]"#, "graphemes[1] is empty"), (#"["b","a","b"]"#, "graphemes[2]"),
    ] {
      try Data(#"{"version":1,"kind":"graphemes","graphemes":\#(entries)}"#.utf8).write(to: URL(fileURLWithPath: path))
      let error = try #require(throws: UnrollError.self) { try GraphemeVocabulary(contentsOf: path) }
      #expect(error.message.contains(fault), "\(error)")
    }
  }

  @Test(arguments: [Tokenization.bytes, .graphemes]) func aCorpusIsCutByTokens(tokenization: Tokenization) throws {
    let text = PlainText(String(repeating: "Käse, año 👩‍👧!\n", count: 40))
    let corpus = try TextCorpus(text, as: tokenization)
    let all = Array(corpus.training) + Array(corpus.validation) + Array(corpus.test)
    #expect(corpus.vocabulary.decode(all) == text.string)
    let cut = try TextCorpus(text, validation: PlainText("Käse"), test: PlainText("año"), as: tokenization)
    #expect(cut.vocabulary.decode(cut.test) == "año")
  }
}
