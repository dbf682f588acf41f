import Corpora
import Foundation
import Interchange
import Testing

/// Subwords against subword-nmt (`Tests/Golden/translation.py`), and texts in two languages.
@Suite struct SubwordTests {
  private struct Golden: Decodable {
    let words, merges: [String]
    let pieces: [String: [String]]

    static func read() throws -> Golden {
      let path = #filePath.replacing("CorporaTests/SubwordTests.swift", with: "Golden/translation.json")
      return try JSONDecoder().decode(Golden.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    }
  }

  private func temporary(_ name: String = UUID().uuidString) -> String {
    FileManager.default.temporaryDirectory.appendingPathComponent("unroll-\(name)").path
  }

  private func file(_ text: String) throws -> String {
    let path = temporary()
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  @Test func mergesAndPiecesAreSubwordNMTs() throws {
    let golden = try Golden.read()
    let encoding = BytePairEncoding(learning: golden.merges.count - 1, from: golden.words.shuffled())
    let path = temporary()
    defer { try? FileManager.default.removeItem(atPath: path) }
    try encoding.write(to: path)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == golden.merges.joined(separator: "\n") + "\n")
    for (word, pieces) in golden.pieces { #expect(encoding.pieces(of: word) == pieces, "\(word)") }
    #expect(try BytePairEncoding(contentsOf: path) == encoding)
  }

  @Test func piecesJoinToTheirWords() {
    let words = ["lower", "newest", "straße", "a", "é", "🦜🦜x"]
    let encoding = BytePairEncoding(learning: 20, from: words + words)
    #expect(BytePairEncoding.joined(words.flatMap(encoding.pieces)) == words.joined(separator: " "))
    #expect(encoding.pieces(of: "") == [])
    #expect(BytePairEncoding(learning: 5, from: ["abc"]).count == 0, "nothing occurs twice")
  }

  @Test func damagedMergesAreRefused() throws {
    for text in ["#version: 0.2\na b\nabc\n", "a b c\n", " b\n", "a \n"] {
      let path = try file(text)
      defer { try? FileManager.default.removeItem(atPath: path) }
      let error = #expect(throws: UnrollError.self) { try BytePairEncoding(contentsOf: path) }
      #expect(error.map { $0.place?.hasPrefix(path + ":") == true } == true)
    }
  }

  @Test func tokensAndText() {
    #expect(PlainTokens.split("Two men, outside.", lowercasing: true) == ["two", "men", ",", "outside", "."])
    #expect(
      PlainTokens.split("a dog\u{2019}s T-shirt -- \"x\"") == [
        "a", "dog\u{2019}s", "T-shirt", "-", "-", "\"", "x", "\"",
      ])
    #expect(PlainTokens.split("  ") == [])
    #expect(PlainTokens.joined(["two", "men", ",", "(", "outside", ")", "."]) == "two men, (outside).")
  }

  @Test func filesOfPairsHaveToFit() throws {
    let (a, b) = (try file("one\ntwo\n\nfour\n"), try file("eins\r\nzwei\r\ndrei\r\n \r\n"))
    let short = try file("eins\nzwei\n")
    let table = try file("one\teins\ntwo\nthree\tdrei\textra\nfour\tvier")
    defer { for path in [a, b, short, table] { try? FileManager.default.removeItem(atPath: path) } }
    var skipping = BadLines(skips: true)
    let texts = try ParallelTexts(source: a, target: b, &skipping)
    #expect(texts.pairs == [.init(source: "one", target: "eins"), .init(source: "two", target: "zwei")])
    #expect(skipping.skipped.map(\.place) == ["\(a):3", "\(a):4"])
    var strict = BadLines(skips: false)
    #expect(throws: UnrollError.self) { try ParallelTexts(source: a, target: b, &strict) }
    let unequal = #expect(throws: UnrollError.self) { try ParallelTexts(source: a, target: short, &skipping) }
    #expect(unequal.map { $0.message.contains("4 lines") && $0.message.contains("2") } == true)
    var other = BadLines(skips: true)
    #expect(try ParallelTexts(contentsOf: table, &other).pairs.map(\.target) == ["eins", "vier"])
    #expect(other.skipped.map(\.place) == ["\(table):2", "\(table):3"])
    let first = #expect(throws: UnrollError.self) { try ParallelTexts(contentsOf: table, &strict) }
    #expect(first?.place == "\(table):2")
  }
}
