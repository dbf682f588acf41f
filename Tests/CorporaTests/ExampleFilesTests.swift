import Corpora
import Foundation
import Interchange
import Tensors
import Testing

/// Contracts of what all models of examples read with: lines, tables, batches by length.
@Suite struct ExampleFilesTests {
  @Test func linesEndInTwoWays() throws {
    let lines = try TextLines(utf8: Data("\u{FEFF}one\r\n\ntwo\rthree\nlast".utf8), path: "a.txt")
    #expect(lines.lines.map(\.text) == ["one", "", "two\rthree", "last"])
    #expect(lines.lines.map(\.number) == [1, 2, 3, 4])
    #expect(lines.place(3) == "a.txt:3")
    #expect(try TextLines(utf8: Data("\n".utf8), path: "a").lines.map(\.text) == [""])
    #expect(try TextLines(utf8: Data("é\n".utf8), path: "a").checksum != lines.checksum)
    let error = try #require(throws: UnrollError.self) { try TextLines(utf8: Data([0x61, 0x0A, 0xFF]), path: "b") }
    #expect(error.place == "b:2")
    #expect(throws: UnrollError.self) { try TextLines(utf8: Data(), path: "b") }
  }

  @Test func badLinesAreThrownOrCounted() throws {
    let error = UnrollError(.invalidData, "bad", at: "a:1")
    var strict = BadLines(skips: false)
    #expect(throws: error) { try strict.found(error) }
    var lenient = BadLines(skips: true)
    try lenient.found(error)
    #expect(lenient.skipped == [error] && strict.skipped.isEmpty)
  }

  @Test func tablesCountAndOrder() {
    let strings = ["b", "a", "c", "b", "<unk>", "d", "c", "b"]
    #expect(TokenTable(counting: strings, specials: ["<unk>"]).entries == ["<unk>", "b", "c", "a", "d"])
    #expect(TokenTable(counting: strings, specials: ["<unk>"], atLeast: 2).entries == ["<unk>", "b", "c"])
    #expect(TokenTable(counting: strings, specials: ["<unk>"], most: 2).entries == ["<unk>", "b"])
    let table = TokenTable(["x", "y"])
    #expect(table["y"] == 1 && table["z"] == nil && table["z", default: 7] == 7 && table.count == 2)
  }

  @Test func tablesComeBackFromFiles() throws {
    let folder = NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let path = folder + "/words.json"
    let table = TokenTable(["<unk>", "\"quoted\"\n", "日本", "", "🙂"])
    try table.write(to: path, kind: "words")
    #expect(try TokenTable(contentsOf: path, kind: "words") == table)
    func fault(_ text: String? = nil, kind: String = "words") throws -> String {
      if let text { try text.write(toFile: path, atomically: true, encoding: .utf8) }
      let error = try #require(throws: UnrollError.self) { try TokenTable(contentsOf: path, kind: kind) }
      #expect(error.place?.hasPrefix(path) == true)
      return error.message
    }
    #expect(try fault(kind: "tags").contains("a table of `words`, not of `tags`"))
    #expect(try fault(#"{"version":1,"kind":"words","entries":["a","b","a"]}"#).contains("`a` is there twice"))
    #expect(try fault(#"{"version":2,"kind":"words","entries":[]}"#).contains("version 2"))
    _ = try fault(#"{"version":1,"kind":"words","entries":[1]}"#)
    _ = try fault(#"{"version":1,"kind":"words","entr"#)
    try FileManager.default.removeItem(atPath: path)
    _ = try fault()
  }

  @Test func batchesHoldEachExampleOnceAndDependOnTheSourceAlone() {
    var lengths = RandomSource(seed: 2)
    let all = (0..<137).map { _ in lengths.integer(below: 30) }
    func batches(_ seed: UInt64, stream: UInt64 = 0) -> [[Int]] {
      var random = RandomSource(seed: seed, stream: stream)
      return LengthBatches.shuffled(all, batch: 8, pool: 3, using: &random)
    }
    let first = batches(1)
    #expect(first == batches(1) && first != batches(1, stream: 1) && first != batches(2))
    for batches in [first, batches(9), LengthBatches.sorted(all, batch: 8)] {
      #expect(batches.flatMap { $0 }.sorted() == Array(all.indices))
      #expect(batches.allSatisfy { !$0.isEmpty && $0.count <= 8 })
    }
    // 5 pools of 24 and one of 17: all batches are full but the last one's.
    #expect(first.count == 18)
    // Batches of similar lengths: within one they differ less than in the whole.
    let spread = first.map { own in (own.map { all[$0] }.max() ?? 0) - (own.map { all[$0] }.min() ?? 0) }
    #expect(spread.reduce(0, +) < 18 * 20)
    #expect(LengthBatches.sorted(all, batch: 8).flatMap { $0 }.map { all[$0] } == all.sorted())
    var random = RandomSource(seed: 1)
    #expect(LengthBatches.shuffled([], batch: 3, using: &random).isEmpty)
  }
}
