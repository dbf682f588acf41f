import Corpora
import Foundation
import Interchange
import Testing

/// Pieces of words that give any text back exactly.
@Suite struct SubwordVocabularyTests {
  private static let english = String(repeating: "the lower  the lowest, newer\tthan 1024 the\n", count: 3)

  /// Scalar by scalar: as strings, "é" and "e" with an accent would be equal.
  private func scalars(_ text: String) -> [UInt32] { text.unicodeScalars.map(\.value) }

  private static let texts = [
    "", " ", "\n", "   \n\n  ", "a", " a", "a ", "the lowest", "  the\t\u{A0}the \r\nnewer ", english,
    "cafe\u{301} caf\u{E9} cafe\u{301} caf\u{E9} \u{C5} \u{212B} \u{C5} \u{212B}",
    "▁the ▁ @@ the@@ </w> low</w> ▁the ▁ @@ the@@ </w> low</w>",
    "👩‍👩‍👧‍👦👩‍👩‍👧‍👦 🇩🇪🇩🇪 日本語日本語 日本語 שלום שלום नमस्ते नमस्ते", "x\u{2028}x\u{3000}x\u{85}x 12½½ aaaa aaa aa",
    String(repeating: "ab", count: 500), String(repeating: "日", count: 300),
  ]

  @Test(arguments: texts, [0, 3, 400]) func textsComeBackExactly(text: String, merges: Int) throws {
    let plain = PlainText(text)
    let own = SubwordVocabulary(of: [plain], merges: merges)
    #expect(own.count <= own.characters.count + merges)
    let tokens = try own.encode(plain)
    #expect(scalars(tokens.map { own.text(of: $0) }.joined()) == scalars(text))
    #expect(tokens.reduce(0) { $0 + own.length(of: $1) } == plain.count)
    // Learnt elsewhere, over the same characters.
    let other = SubwordVocabulary(of: [PlainText(Self.english), plain], merges: merges)
    #expect(try scalars(TextVocabulary.subwords(other).decode(other.encode(plain))) == scalars(text))
  }

  @Test func frequentNeighboursBecomeOne() throws {
    let text = PlainText(Self.english)
    let vocabulary = SubwordVocabulary(of: [text], merges: 1000)
    func pieces(_ text: String) throws -> [String] {
      try vocabulary.encode(PlainText(text)).map { vocabulary.text(of: $0) }
    }
    #expect(try pieces("the lowest  the\n the,") == ["the", " lowest", " ", " the", "\n", " the", ","])
    #expect(try pieces(" 1024the") == [" 1024", "the"])
    #expect(try pieces("thethe").count > 1, "a run that never occurred is cut")
    #expect(try vocabulary.encode(text).count < text.count / 3)
    #expect(SubwordVocabulary(of: [PlainText("abcdefg hij")], merges: 9).count == 11, "nothing occurs twice")
    #expect(vocabulary == SubwordVocabulary(of: [text], merges: 1000))
    // Only what is learnt from makes merges.
    let first = SubwordVocabulary(of: [PlainText("ab ab cd cd cd")], merges: 9, first: 2)
    #expect(try first.encode(PlainText("ab cd")).map { first.text(of: $0) } == ["ab", " ", "c", "d"])
  }

  @Test func charactersThatAreNotKnownHaveAPlace() throws {
    let vocabulary = SubwordVocabulary(of: [PlainText("abc\n")], merges: 2)
    let error = try #require(throws: UnrollError.self) { try vocabulary.encode(PlainText("ab\ncé", source: "t")) }
    #expect(error.place == "t:2:2" && error.message.contains("`é`"))
  }

  @Test func filesComeBackOrAreRefused() throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("unroll-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let vocabulary = SubwordVocabulary(of: Self.texts.map { PlainText($0 + $0) }, merges: 300)
    try vocabulary.write(to: path)
    #expect(try SubwordVocabulary(contentsOf: path) == vocabulary)
    #expect(try TextVocabulary(contentsOf: path, unit: .subwords) == .subwords(vocabulary))
    let start = "{\"version\":1,\"kind\":\"subwords\",\"characters\":[\"a\",\"b\"],\"merges\":"
    let doubling = (1...7).map { "[\($0 == 1 ? 0 : $0),\($0 == 1 ? 0 : $0)]" }.joined(separator: ",")
    for (text, part) in [
      (start + "[[0,2]]}", "merges[0]"), (start + "[[0,1],[2,-1]]}", "merges[1]"), (start + "[[0]]}", "merges[0]"),
      (start + "[[0,1],[0,1]]}", "twice"), (start + "[\(doubling)]}", "128 characters"),
      (start.replacing("subwords", with: "words") + "[]}", "of `words`"),
      (start.replacing("\"b\"", with: "\"a\"") + "[]}", "twice"),
      (start.replacing(":1", with: ":2") + "[]}", "version 2"), (start + "7}", "merges"),
    ] {
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
      let error = try #require(throws: UnrollError.self) { try SubwordVocabulary(contentsOf: path) }
      #expect(error.message.contains(part) && error.place?.hasPrefix(path) == true, "\(error)")
    }
  }

  @Test func corporaAreCutInTheirParts() throws {
    let text = PlainText(String(repeating: Self.english, count: 4))
    let corpus = try TextCorpus(text, as: .subwords(merges: 30))
    let all = try corpus.vocabulary.encode(text)
    #expect(Array(corpus.training) + Array(corpus.validation) + Array(corpus.test) == Array(all))
    #expect(corpus.vocabulary.unit == .subwords && corpus.vocabulary.characters(of: all) == text.count)
    let three = try TextCorpus(
      PlainText("ab ab ab"), validation: PlainText("éé"), test: PlainText("ab ab"), as: .subwords(merges: 5))
    #expect(three.validation.count == 2 && three.test.count == 2)
  }
}
