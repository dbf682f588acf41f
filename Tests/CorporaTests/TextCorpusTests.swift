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
    let known = TextVocabulary.characters(vocabulary)
    #expect(try TextCorpus(text, as: .vocabulary(known)).vocabulary == known)
    #expect(try TextCorpus(text).vocabulary.count == 4)
    let error = try #require(throws: UnrollError.self) {
      try TextCorpus(PlainText(text.string + "x", source: "t"), as: .vocabulary(known))
    }
    #expect(error.place == "t:21:1")
  }

  @Test func readsAFile() throws {
    try withFolder { folder in
      let path = folder + "/t.txt"
      try Data(String(repeating: "abc\r\n", count: 100).utf8).write(to: URL(fileURLWithPath: path))
      let corpus = try TextCorpus(contentsOf: path)
      #expect(
        corpus.vocabulary == .characters(CharacterVocabulary(["\n", "\r", "a", "b", "c"]))
          && corpus.training.count == 450)
      let error = try #require(throws: UnrollError.self) { try TextCorpus(contentsOf: path, limit: 499) }
      #expect(error.message.contains("499"))
    }
  }

  /// Words of the held-out parts do not come into the vocabulary; the cut is by words.
  @Test func wordsAreThoseOfTheTrainingPart() throws {
    let text = PlainText(String(repeating: "a b a\n", count: 24) + "c\nb\nd d\n", source: "t")
    #expect(text.wordCount == 103)
    let corpus = try TextCorpus(text, as: .words())
    #expect(corpus.vocabulary == .words(WordVocabulary(["<unk>", "<eos>", "a", "b"])))
    #expect([corpus.training, corpus.validation, corpus.test].map(\.count) == [92, 5, 6])
    #expect(Array(corpus.test) == [1, 3, 1, 0, 0, 1] && corpus.characters == text.count)
    #expect(try TextCorpus(text, as: .words(most: 3)).vocabulary.count == 3)
    let error = try #require(throws: UnrollError.self) {
      try TextCorpus(PlainText("one two three\n", source: "short.txt"), as: .words())
    }
    #expect(error.message.contains("4 words, and 40 are") && error.place == "short.txt")
  }

  @Test(arguments: [TokenUnit.characters, .words]) func threeFilesAreTakenAsTheyAre(unit: TokenUnit) throws {
    try withFolder { folder in
      func file(_ name: String, _ text: String) throws -> String {
        try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/" + name))
        return folder + "/" + name
      }
      let tokenization = unit == .characters ? Tokenization.characters : .words()
      var files = TextFiles(path: try file("a", "x y\n"), validation: try file("b", "x\n"), test: try file("c", "z x"))
      let corpus = try TextCorpus(contentsOf: files, as: tokenization)
      #expect(corpus.files == files && corpus.characters == 9)
      #expect(
        corpus.vocabulary.decode(corpus.training) == "x y\n" && corpus.vocabulary.decode(corpus.validation) == "x\n")
      #expect(corpus.vocabulary.decode(corpus.test) == (unit == .words ? "<unk> x" : "z x"))
      files.validation = try file("d", "x")
      let error = try #require(throws: UnrollError.self) { try TextCorpus(contentsOf: files, as: tokenization) }
      #expect(
        error.kind == .invalidData && error.place == folder + "/d" && error.message.contains("1 \(unit.singular)"))
      files.test = folder + "/none"
      #expect(throws: UnrollError.self) { try TextCorpus(contentsOf: files, as: tokenization) }
    }
  }

  @Test func sharesPartsWithoutCopies() {
    let tokens = Tokens(Array(0..<10 as Range<Int32>))
    let part = tokens.part(2..<8).part(1..<3)
    #expect(Array(part) == [3, 4] && part[1] == 4 && part.count == 2)
    #expect(tokens.part(10..<10).isEmpty)
  }
}
