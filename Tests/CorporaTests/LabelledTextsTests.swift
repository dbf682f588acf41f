import Corpora
import Foundation
import Interchange
import Testing

/// Texts with labels in files of all forms, right ones and wrong ones.
@Suite final class LabelledTextsTests {
  private let folder = NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)"

  init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(atPath: folder) }

  private func file(_ name: String, _ text: String) throws -> String {
    let url = URL(fileURLWithPath: folder + "/" + name)
    try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
    return url.path
  }

  private func read(
    _ name: String, _ text: String, _ columns: TextColumns = TextColumns(), skips: Bool = false
  ) throws -> (texts: [LabelledText], skipped: [UnrollError]) {
    var bad = BadLines(skips: skips)
    let texts = try LabelledTexts.read(file(name, text), columns, &bad).samples
    return (texts, bad.skipped)
  }

  private func pairs(_ texts: [LabelledText]) -> [[String]] { texts.map { [$0.text, $0.label] } }

  @Test func tablesAreRead() throws {
    let tabs = try read("a.tsv", "a \"film\"\t1\r\n\n\t0\nlast\t1").texts
    #expect(pairs(tabs) == [["a \"film\"", "1"], ["", "0"], ["last", "1"]])
    #expect(tabs.map { $0.place.split(separator: ":").last } == ["1", "3", "4"])

    let commas = try read("a.csv", "\"a, \"\"b\"\"\r\nc\",x\r\nd\"e\n\"\",y\n", skips: true)
    #expect(pairs(commas.texts) == [["a, \"b\"\r\nc", "x"], ["", "y"]])
    #expect(commas.skipped.map(\.place) == ["\(folder)/a.csv:3"])

    let named = TextColumns(text: "body", label: "topic")
    #expect(
      try pairs(read("b.csv", "topic,n,body\nx,1,one\ny,2,two\n", named).texts) == [["one", "x"], ["two", "y"]])
    #expect(
      try pairs(read("b.jsonl", "{\"topic\": 3, \"body\": \"é\"}\n{\"body\":\"b\",\"topic\":true}\n", named).texts)
        == [["é", "3"], ["b", "true"]])
    #expect(
      try pairs(read("c.tsv", "l\tt\nx\ty", TextColumns(text: "2", label: "1", hasHeader: true)).texts) == [["y", "x"]])
  }

  @Test func foldersAreRead() throws {
    _ = try file("names/Dutch.txt", "Aalst\n\nBos\n")
    _ = try file("names/Czech.txt", "Abl")
    _ = try file("names/README.md", "no text")
    var bad = BadLines(skips: false)
    let names = try LabelledTexts.read(folder + "/names", TextColumns(), &bad)
    #expect(pairs(names.samples) == [["Abl", "Czech"], ["Aalst", "Dutch"], ["Bos", "Dutch"]])
    _ = try file("mail/spam/2.txt", "buy\nnow")
    _ = try file("mail/ham/1.txt", "hello")
    let mail = try LabelledTexts.read(folder + "/mail", TextColumns(), &bad)
    #expect(pairs(mail.samples) == [["hello", "ham"], ["buy\nnow", "spam"]])
    #expect(mail.checksum != names.checksum)
    _ = try file("names/Dutch.txt", "Aalst\nBosch\n")
    #expect(try LabelledTexts.read(folder + "/names", TextColumns(), &bad).checksum != names.checksum)
  }

  @Test(arguments: [
    ("a.tsv", "good\t1\nno label\n", 2), ("b.tsv", "good\t1\nempty\t\n", 2), ("c.csv", "a,1\nb\n", 2),
    ("d.csv", "a,1\n\"b,2\nc,3\n", 2), ("e.csv", "a,1\n\"b\"c,2\n", 2),
    ("f.jsonl", "{\"text\":\"a\",\"label\":\"x\"}\n{\"text\":\"a\"}", 2),
    ("g.jsonl", "{\"text\":\"a\",\"label\":[1]}", 1), ("h.jsonl", "{\"text\":\"a\",\"text\":\"b\",\"label\":\"x\"}", 1),
    ("i.jsonl", "{\"text\":\"a\",\"label\":\"x\"}\n\nnot json\n", 3),
  ])
  func badLinesAreErrorsOrCounted(name: String, text: String, line: Int) throws {
    let error = try #require(throws: UnrollError.self) { try self.read(name, text) }
    #expect(error.kind == .invalidData)
    #expect(error.place?.hasPrefix("\(folder)/\(name):\(line)") == true, "\(error)")
    let rest = try read(name, text, skips: true)
    #expect(rest.skipped.count == 1)
    #expect(rest.texts.count == text.split(separator: "\n").count - 1)
  }

  @Test func wrongFilesAreErrors() throws {
    func fails(_ path: String, _ part: String, _ columns: TextColumns = TextColumns()) throws {
      var bad = BadLines(skips: true)
      let error = try #require(throws: UnrollError.self) { try LabelledTexts.read(path, columns, &bad) }
      #expect(error.description.contains(part), "\(error)")
    }
    try fails(file("a.txt", "a\tb"), ".tsv")
    try fails(folder + "/none.tsv", "not there")
    try fails(folder + "/none", "not there")
    try fails(file("empty.tsv", ""), "empty")
    try fails(file("h.tsv", "a\tb\n"), "no column `topic`", TextColumns(label: "topic"))
    try fails(file("h.tsv", "a\tb\n"), "no column 0", TextColumns(label: "0"))
    try Data([0x61, 0x09, 0xFF, 0x0A]).write(to: URL(fileURLWithPath: folder + "/l.tsv"))
    try fails(folder + "/l.tsv", "not UTF-8")
    try FileManager.default.createDirectory(atPath: folder + "/hollow", withIntermediateDirectories: true)
    try fails(folder + "/hollow", "holds no texts")
  }
}
