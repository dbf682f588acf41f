import Corpora
import Foundation
import Interchange
import Testing

struct WordVocabularyTests {
  @Test func theMostFrequentComeFirst() {
    let vocabulary = WordVocabulary(of: PlainText("b a b\nc  a\tb\n\nä\n"))
    #expect(vocabulary.words == ["<unk>", "<eos>", "b", "a", "c", "ä"])
    #expect(vocabulary.count == 6 && vocabulary.token(of: "c") == 4 && vocabulary.token(of: "d") == 0)
    #expect(WordVocabulary(of: PlainText("b a b\nc  a\tb\n\nä\n"), most: 4).words == ["<unk>", "<eos>", "b", "a"])
    #expect(WordVocabulary(of: PlainText("b a b\nc"), first: 2).words == ["<unk>", "<eos>", "a", "b"])
    #expect(WordVocabulary(of: PlainText("")).words == ["<unk>", "<eos>"])
  }

  /// Marks that are written out are the same tokens, and do not count as words.
  @Test func marksInATextAreTheMarks() {
    let vocabulary = WordVocabulary(of: PlainText("a <unk> <unk> <unk> <eos> a b\n"))
    #expect(vocabulary.words == ["<unk>", "<eos>", "a", "b"])
    #expect(Array(vocabulary.encode(PlainText("<unk> <eos> new b\n"))) == [0, 1, 0, 3, 1])
  }

  /// Lines and words come back; other white space as single spaces.
  @Test(arguments: [
    ("", ""), ("\n", "\n"), ("a", "a"), ("a b\n\nb a\n", "a b\n\nb a\n"), ("  a \t b\r\n", "a b\n"),
    ("a\u{A0}b\u{3000}a\u{2028}b\u{85}a", "a b a b a"), ("\u{2003}\n a", "\na"),
  ]) func textsComeBack(text: String, expected: String) throws {
    let vocabulary = TextVocabulary.words(WordVocabulary(of: PlainText("a b a\n")))
    #expect(vocabulary.decode(try vocabulary.encode(text)) == expected)
  }

  /// Every character with Unicode's property, and no other, parts words.
  @Test func whiteSpaceIsUnicodes() {
    for value in (1...0x1_FFFF as ClosedRange<UInt32>) where value != 0x0A {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let count = PlainText("x" + String(scalar) + "y").wordCount
      #expect(count == (scalar.properties.isWhitespace ? 2 : 1), "U+\(String(value, radix: 16))")
    }
  }

  /// Equal for `String`, different words all the same: what is read is what is written.
  @Test func wordsDifferByTheirBytes() throws {
    let text = "caf\u{E9} cafe\u{301} cafe\u{301}\n"
    let vocabulary = TextVocabulary.words(WordVocabulary(of: PlainText(text)))
    let tokens: [Int32] = try vocabulary.encode(text)
    #expect(vocabulary.count == 4 && tokens == [3, 2, 2, 1])
    #expect(Array(vocabulary.decode([3, 2, 2, 1]).utf8) == Array(text.utf8))
  }

  /// Many words, so that the table grows; tokens of one, two and four bytes.
  @Test(arguments: [3, 250, 300, 70_000]) func manyWords(count: Int) throws {
    let words = (0..<count).map { "w\($0 &* 7919 % 1_000_003)" }
    let vocabulary = WordVocabulary(of: PlainText((words + words.reversed()).joined(separator: " ")))
    #expect(vocabulary.count == count + 2 && Set(vocabulary.words).count == count + 2)
    let (tokens, known) = (vocabulary.encode(PlainText(words.joined(separator: "\n"))), vocabulary.words)
    #expect(tokens.count == 2 * count - 1 && Set(tokens).count == count + 1)
    #expect(stride(from: 0, to: tokens.count, by: 2).map { known[Int(tokens[$0])] } == words)
  }

  @Test func aFileComesBack() throws {
    try withFolder { folder in
      let path = folder + "/vocabulary.json"
      let vocabulary = WordVocabulary(of: PlainText("the \"cat\" \\ é 🦓 \u{FEFF}x\nthe"))
      try vocabulary.write(to: path)
      #expect(try WordVocabulary(contentsOf: path) == vocabulary)
      #expect(try TextVocabulary(contentsOf: path, unit: .words) == .words(vocabulary))
      let json = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path))) as? [String: Any]
      #expect(json?["version"] as? Int == 1 && json?["kind"] as? String == "words" && json?.count == 3)
      #expect((json?["words"] as? [String])?.prefix(3) == ["<unk>", "<eos>", "the"])
    }
  }

  @Test(
    arguments: [
      (#"{"version": 2, "kind": "words", "stems": 7}"#, .unsupportedVersion, "version 2"),
      (#"{"version": 1, "kind": "characters", "characters": ["a"]}"#, .invalidData, "`characters`, not of `words`"),
      (#"{"version": 1, "kind": "words", "words": []}"#, .invalidData, "<unk>"),
      (#"{"version": 1, "kind": "words", "words": ["<unk>"]}"#, .invalidData, "<eos>"),
      (#"{"version": 1, "kind": "words", "words": ["<eos>", "<unk>", "a"]}"#, .invalidData, "first words"),
      (#"{"version": 1, "kind": "words", "words": ["<unk>", "<eos>", ""]}"#, .invalidData, "words[2] is empty"),
      (#"{"version": 1, "kind": "words", "words": ["<unk>", "<eos>", "a b"]}"#, .invalidData, "words[2] holds white"),
      (#"{"version": 1, "kind": "words", "words": ["<unk>", "<eos>", "a\u3000"]}"#, .invalidData, "words[2] holds"),
      (#"{"version": 1, "kind": "words", "words": ["<unk>", "<eos>", "a", "b", "a"]}"#, .invalidData, "words[4]"),
      (#"{"version": 1, "kind": "words", "words": ["<unk>", "<eos>", "<unk>"]}"#, .invalidData, "words[2]"),
      (#"{"version": 1, "kind": "words", "words": ["<unk>", "<eos>", 1]}"#, .invalidData, "words[2]"),
      (#"{"version": 1, "kind": "words"}"#, .invalidData, "words"), (#"{"version": 1}"#, .invalidData, "kind"),
      (#"{"version": 1, "kind": "words", "words": ["<unk>""#, .invalidData, ""), ("", .invalidData, ""),
    ] as [(String, UnrollError.Kind, String)])
  func filesThatAreWrong(json: String, kind: UnrollError.Kind, message: String) throws {
    let error = try #require(throws: UnrollError.self) { try WordVocabulary(json: Data(json.utf8), path: "v.json") }
    #expect(error.kind == kind && error.place?.hasPrefix("v.json") == true, "\(error)")
    #expect(message.isEmpty || error.message.contains(message), "\(error)")
  }

  @Test func filesThatAreMissing() throws {
    let error = try #require(throws: UnrollError.self) { try WordVocabulary(contentsOf: "/none/vocabulary.json") }
    #expect(error.kind == .missing)
  }
}
