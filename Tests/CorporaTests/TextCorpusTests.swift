import Corpora
import Foundation
import Interchange
import Testing

struct TextCorpusTests {
  /// All sizes near the smallest one, and some that do not divide by twenty.
  @Test func partsAreTheTextInOrder() throws {
    for count in Array(40..<130) + [1000, 1019, 54_321] {
      let text = String(String.UnicodeScalarView((0..<count).map { Unicode.Scalar(0x100 + UInt32($0 % 97))! }))
      let corpus = try TextCorpus(PlainText(text, source: "t"))
      let parts = [corpus.training, corpus.validation, corpus.test]
      #expect(parts.map { corpus.vocabulary.decode($0) }.joined() == text)
      #expect(corpus.training.count == count * 90 / 100)
      #expect(corpus.training.count + corpus.validation.count == count * 95 / 100)
      #expect(corpus.validation.count >= 2 && corpus.test.count >= 2)
      #expect(corpus.source == "t")
    }
  }

  @Test(arguments: [1, 2, 39]) func textsThatAreTooShort(count: Int) throws {
    let error = try #require(throws: UnrollError.self) {
      try TextCorpus(PlainText(String(repeating: "ä", count: count), source: "short.txt"))
    }
    #expect(error.kind == .invalidData && error.place == "short.txt")
    #expect(error.message.contains("\(count) character\(count == 1 ? "" : "s"), and 40 are"))
  }

  @Test func aGivenVocabularyIsKept() throws {
    let vocabulary = CharacterVocabulary(of: PlainText("abcdef\n"))
    let text = PlainText(String(repeating: "abc\n", count: 20), source: "t")
    #expect(try TextCorpus(text, vocabulary: vocabulary).vocabulary == vocabulary)
    #expect(try TextCorpus(text).vocabulary.count == 4)
    let error = try #require(throws: UnrollError.self) {
      try TextCorpus(PlainText(text.string + "x", source: "t"), vocabulary: vocabulary)
    }
    #expect(error.place == "t:21:1")
  }

  @Test func readsAFile() throws {
    try withFolder { folder in
      let path = folder + "/t.txt"
      try Data(String(repeating: "abc\r\n", count: 100).utf8).write(to: URL(fileURLWithPath: path))
      let corpus = try TextCorpus(contentsOf: path)
      #expect(corpus.vocabulary.characters == ["\n", "\r", "a", "b", "c"] && corpus.training.count == 450)
      let error = try #require(throws: UnrollError.self) { try TextCorpus(contentsOf: path, limit: 499) }
      #expect(error.message.contains("499"))
    }
  }

  @Test func sharesPartsWithoutCopies() {
    let tokens = Tokens(Array(0..<10 as Range<Int32>))
    let part = tokens.part(2..<8).part(1..<3)
    #expect(Array(part) == [3, 4] && part[1] == 4 && part.count == 2)
    #expect(tokens.part(10..<10).isEmpty)
  }
}
