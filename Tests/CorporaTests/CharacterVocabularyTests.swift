import Corpora
import Foundation
import Interchange
import Testing

struct CharacterVocabularyTests {
  @Test func charactersAreSortedAndNumbered() throws {
    let vocabulary = CharacterVocabulary(of: PlainText("zebra, über 🦓\n"))
    #expect(vocabulary.characters == ["\n", " ", ",", "a", "b", "e", "r", "z", "ü", "🦓"])
    #expect(vocabulary.count == 10)
    #expect(try vocabulary.encode("zü🦓") == [7, 8, 9])
    #expect(
      vocabulary.token(of: "b") == 4 && vocabulary.token(of: "c") == nil && vocabulary.token(of: "\u{10FFFF}") == nil)
    #expect(vocabulary.decode([9, 0]) == "🦓\n")
    #expect(try vocabulary.encode("").isEmpty && vocabulary.decode([]) == "")
    #expect(CharacterVocabulary(of: PlainText("")).count == 0)
  }

  /// What comes back is the same scalar by scalar; as strings, equal text may have different ones.
  @Test(arguments: [
    "a\r\nb\rc\n\n", "é e\u{301}", "👩‍👩‍👧‍👦🇫🇷👍🏽", "日本語とEnglish", "\u{301}anfangs", "שלום العربية", "\u{FEFF}\u{200D}",
    "\u{10FFFF}\u{FFFF}",
    "ÅÅ\u{212B}",
  ])
  func everyTextComesBack(text: String) throws {
    let plain = PlainText(text)
    let vocabulary = CharacterVocabulary(of: plain)
    let tokens = try vocabulary.encode(text)
    #expect(tokens.count == text.unicodeScalars.count)
    #expect(Array(vocabulary.decode(tokens).utf8) == Array(text.utf8))
    #expect(try Array(vocabulary.encode(plain)) == tokens)
  }

  /// Tokens are kept in one, two or four bytes; the numbers do not show it.
  @Test(arguments: [1, 255, 256, 257, 65_535, 65_536, 65_537])
  func anyNumberOfCharacters(count: Int) throws {
    let scalars = (0x20..<0x11_0000).lazy.compactMap { Unicode.Scalar(UInt32($0)) }.prefix(count)
    let text = String(String.UnicodeScalarView(scalars))
    let plain = PlainText(text)
    let vocabulary = CharacterVocabulary(of: plain)
    #expect(vocabulary.count == count)
    let tokens = try vocabulary.encode(plain)
    #expect(tokens.elementsEqual(0..<Int32(count)))
    #expect(vocabulary.decode(tokens.reversed()) == String(String.UnicodeScalarView(scalars.reversed())))
  }

  @Test(
    arguments: [
      ("ß", "`ß` (U+00DF)", "leave it out"),
      ("é", "`é` (U+00E9)", "write `e` (U+0065) instead"),
      ("É", "`É` (U+00C9)", "write `e` (U+0065) instead"),
      ("A", "`A` (U+0041)", "write `a` (U+0061) instead"),
      ("b", "`b` (U+0062)", "write `B` (U+0042) instead"),
      ("“", "`“` (U+201C)", "write `\"` (U+0022) instead"),
      ("’", "`’` (U+2019)", "write `'` (U+0027) instead"),
      ("—", "`—` (U+2014)", "write `-` (U+002D) instead"),
      ("…", "`…` (U+2026)", "write `.` (U+002E) instead"),
      ("ﬁ", "`ﬁ` (U+FB01)", "leave it out"),
      ("\u{A0}", "U+00A0 (no-break space)", "write U+0020 (space) instead"),
      ("\t", "U+0009 (tab)", "write U+0020 (space) instead"),
      ("\r", "U+000D (carriage return)", "leave it out"),
      ("\u{301}", "U+0301 (combining acute accent)", "leave it out"),
      ("🦓", "`🦓` (U+1F993)", "leave it out"),
    ])
  func unknownCharacters(character: String, shown: String, hint: String) throws {
    let vocabulary = CharacterVocabulary(of: PlainText("aeB \n-'\".ö"))
    let error = try #require(throws: UnrollError.self) {
      try vocabulary.encode("ae\na ö" + character + "a", source: "prompt")
    }
    #expect(error.kind == .invalidData && error.place == "prompt:2:4")
    #expect(error.message == "the vocabulary has no \(shown)")
    #expect(error.hint == "the model was trained on a text of 10 different characters without it; \(hint)")
  }

  @Test func unknownCharactersOfAFileHaveAPlace() throws {
    let vocabulary = CharacterVocabulary(of: PlainText("abc\r\n"))
    let text = try PlainText(utf8: Data("\u{FEFF}ab\r\nabX".utf8), source: "other.txt")
    let error = try #require(throws: UnrollError.self) { try vocabulary.encode(text) }
    #expect(error.place == "other.txt:2:3")
  }

  @Test func filesComeBack() throws {
    try withFolder { folder in
      let path = folder + "/vocabulary.json"
      for text in ["\0\t\n\r\u{1B} \"\\/", "ae\u{301}é\u{212B}", "👩‍👩‍👧‍👦🇫🇷", "\u{FEFF}\u{2028}\u{FFFF}\u{10FFFF}"] {
        let vocabulary = CharacterVocabulary(of: PlainText(text))
        try vocabulary.write(to: path)
        #expect(try CharacterVocabulary(contentsOf: path) == vocabulary)
      }
      // The order is that of the tokens, sorted or not.
      try CharacterVocabulary(["b", "a"]).write(to: path)
      #expect(try CharacterVocabulary(contentsOf: path).encode("ab") == [1, 0])
      let json = try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: path))) as? [String: Any]
      #expect(json?["version"] as? Int == 1 && json?["kind"] as? String == "characters")
      #expect(json?["characters"] as? [String] == ["b", "a"] && json?.count == 3)
    }
  }

  @Test(
    arguments: [
      (#"{"version": 2, "kind": "characters", "letters": 7}"#, .unsupportedVersion, "version 2"),
      (#"{"version": 0, "kind": "characters", "characters": ["a"]}"#, .unsupportedVersion, "version 0"),
      (#"{"version": 1, "kind": "words", "words": ["a"]}"#, .invalidData, "`words`"),
      (#"{"version": 1, "kind": "characters", "characters": []}"#, .invalidData, "no characters"),
      (#"{"version": 1, "kind": "characters", "characters": ["a", ""]}"#, .invalidData, "characters[1]"),
      (#"{"version": 1, "kind": "characters", "characters": ["ab"]}"#, .invalidData, "characters[0]"),
      (#"{"version": 1, "kind": "characters", "characters": ["e\u0301"]}"#, .invalidData, "characters[0]"),
      (#"{"version": 1, "kind": "characters", "characters": ["a", "b", "a"]}"#, .invalidData, "characters[2]"),
      (#"{"version": 1, "kind": "characters", "characters": ["\ud800"]}"#, .invalidData, ""),
      (#"{"version": 1, "kind": "characters", "characters": [1]}"#, .invalidData, "characters[0]"),
      (#"{"version": 1, "kind": "characters", "characters": "ab"}"#, .invalidData, "characters"),
      (#"{"version": 1, "kind": "characters"}"#, .invalidData, "characters"),
      (#"{"version": 1, "characters": ["a"]}"#, .invalidData, "kind"),
      (#"{"version": 1e99, "kind": "characters", "characters": ["a"]}"#, .invalidData, ""),
      (#"["a"]"#, .invalidData, ""), (#"{"version": 1, "kind": "chara"#, .invalidData, ""), ("", .invalidData, ""),
    ] as [(String, UnrollError.Kind, String)])
  func filesThatAreWrong(json: String, kind: UnrollError.Kind, message: String) throws {
    try withFolder { folder in
      let path = folder + "/vocabulary.json"
      try Data(json.utf8).write(to: URL(fileURLWithPath: path))
      let error = try #require(throws: UnrollError.self) { try CharacterVocabulary(contentsOf: path) }
      #expect(error.kind == kind && error.place?.hasPrefix(path) == true, "\(error)")
      #expect(message.isEmpty || error.message.contains(message), "\(error)")
    }
  }

  @Test func filesThatAreMissing() throws {
    let error = try #require(throws: UnrollError.self) { try CharacterVocabulary(contentsOf: "/none/vocabulary.json") }
    #expect(error.kind == .missing)
    #expect(throws: UnrollError.self) { try CharacterVocabulary(["a"]).write(to: "/none/vocabulary.json") }
  }
}
