import Corpora
import Foundation
import Interchange
import Testing

@Suite struct TaggedSentencesTests {
  private static func read(
    _ text: String, _ format: TagFormat, skips: Bool = false
  ) throws -> (sentences: [TaggedSentence], skipped: [UnrollError]) {
    var bad = BadLines(skips: skips)
    let lines = try TextLines(utf8: Data(text.utf8), path: "words.txt")
    let sentences = try TaggedSentences.read(lines, format, &bad)
    return (sentences, bad.skipped)
  }

  private static func line(_ number: String, _ word: String, _ upos: String, _ xpos: String = "_") -> String {
    "\(number)\t\(word)\t_\t\(upos)\t\(xpos)" + String(repeating: "\t_", count: 5) + "\n"
  }

  private static let treebank =
    "# text = Don't go\n" + line("1-2", "Don't", "_") + line("1", "Do", "AUX", "VB") + line("2", "n't", "PART", "RB")
    + line("3", "go", "VERB", "VB") + line("3.1", "there", "ADV", "RB") + "\n\n# another\n"
    + line("1", "#", "SYM", "NN")

  @Test func treebanksHaveTwoColumnsOfTags() throws {
    let sentences = try Self.read(Self.treebank, .upos).sentences
    #expect(sentences.map(\.words) == [["Do", "n't", "go"], ["#"]])
    #expect(sentences.map(\.tags) == [["AUX", "PART", "VERB"], ["SYM"]])
    #expect(sentences.map(\.place) == ["words.txt:3", "words.txt:10"])
    #expect(try Self.read(Self.treebank, .xpos).sentences.map(\.tags) == [["VB", "RB", "VB"], ["NN"]])
    let windows = try Self.read(Self.treebank.replacing("\n", with: "\r\n"), .upos).sentences
    #expect(windows == sentences)
  }

  @Test func columnsStandBetweenSpaces() throws {
    let text = "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\n#\tX  Y O\n \nPeter NNP B-NP B-PER"
    let sentences = try Self.read(text, .columns).sentences
    #expect(sentences.map(\.words) == [["EU", "#"], ["Peter"]])
    #expect(sentences.map(\.tags) == [["B-ORG", "O"], ["B-PER"]])
  }

  @Test(
    arguments: [
      ("1\ta\tb\n", .upos, 1, "10 columns with tabs between them, not 3"),
      (line("1", "a", "X") + line("3", "b", "X"), .upos, 2, "number `3`, and should have 2"),
      (line("x", "a", "X"), .upos, 1, "number `x`"),
      (line("1", "a", "X") + "\n" + line("1", "", "X"), .upos, 3, "column 2 is empty"),
      (line("1", "a", "_"), .upos, 1, "no tag in column 4"),
      (line("1", "a", "X"), .xpos, 1, "no tag in column 5"),
      ("a X\n\nb\n", .columns, 3, "one column"),
      ("a X\nb Y Z\n", .columns, 2, "3 columns, those before it 2"),
    ] as [(String, TagFormat, Int, String)])
  func badLinesAreNamed(text: String, format: TagFormat, number: Int, message: String) throws {
    let error = try #require(throws: UnrollError.self) { try Self.read(text, format) }
    #expect(error.place == "words.txt:\(number)" && error.message.contains(message), "\(error)")
    #expect(error.kind == .invalidData)
  }

  /// A sentence with a bad line is left out as a whole, and counted once.
  @Test func badSentencesAreLeftOut() throws {
    let text = "a X\n\nb\nc\nd Y\n\ne Z\n"
    let (sentences, skipped) = try Self.read(text, .columns, skips: true)
    #expect(sentences.map(\.words) == [["a"], ["e"]])
    #expect(skipped.map(\.place) == ["words.txt:3"])
  }

  @Test func emptyAndCompressedFiles() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("unroll-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let (plain, empty) = (folder.appendingPathComponent("a"), folder.appendingPathComponent("b"))
    try Data(Self.treebank.utf8).write(to: plain)
    try Data().write(to: empty)
    let gzip = Process()
    gzip.executableURL = URL(fileURLWithPath: "/bin/sh")
    gzip.arguments = ["-c", "gzip -c '\(plain.path)' > '\(plain.path).gz'"]
    try gzip.run()
    gzip.waitUntilExit()
    var bad = BadLines(skips: false)
    let read = try TaggedSentences.read(plain.path, .upos, &bad)
    let compressed = try TaggedSentences.read(plain.path + ".gz", .upos, &bad)
    #expect(compressed.sentences.map(\.tags) == read.sentences.map(\.tags) && compressed.checksum == read.checksum)
    let error = try #require(throws: UnrollError.self) { try TaggedSentences.read(empty.path, .upos, &bad) }
    #expect(error.message.contains("empty") && error.place == empty.path)
    #expect(throws: UnrollError.self) { try TaggedSentences.read(folder.path + "/none", .upos, &bad) }
  }

  @Test func longSentences() throws {
    let text = (1...10_000).map { Self.line("\($0)", "w\($0)", "X") }.joined()
    let sentences = try Self.read(text, .upos).sentences
    #expect(sentences.count == 1 && sentences[0].words.count == 10_000 && sentences[0].words.last == "w10000")
  }
}
