import Foundation
import Testing

/// `unroll cells`, and that what it lists can be trained.
@Suite struct CellsTests {
  static let names = Result {
    try Command.unroll(["cells", "--json"]).objects().compactMap { $0["name"] as? String }
  }

  @Test func cellsAreListedWithEquationsAndSizes() throws {
    let plain = try Command.unroll(["cells", "--input", "3", "--hidden", "5"])
    #expect(plain.code == 0 && plain.errors.isEmpty)
    for part in ["mgu: MGU, 90 parameters (input 3, hidden 5)", "Zhou et al. 2016", "forget = σ(forget.weight·[h, x]"] {
      #expect(plain.output.contains(part), "\(part) in \(plain.output)")
    }
    let objects = try Command.unroll(["cells", "--input", "3", "--hidden", "5", "--json"]).objects()
    #expect(objects.count >= 13)
    for object in objects {
      #expect(object["event"] as? String == "cell")
      for key in ["name", "type", "paper", "equations"] {
        let text = try #require(object[key] as? String)
        #expect(!text.isEmpty)
        for line in text.split(separator: "\n") { #expect(plain.output.contains(line), "\(line)") }
      }
      for key in ["gates", "parameters"] { #expect(try #require(object[key] as? Int) > 0) }
      #expect(object["input"] as? Int == 3 && object["hidden"] as? Int == 5)
      #expect((object["equations"] as? String ?? "").contains("y = "), "\(object)")
    }
    #expect(!plain.output.contains("constant"))
    let lstm = try #require(objects.first { $0["name"] as? String == "lstm" })
    #expect(lstm["parameters"] as? Int == 4 * 5 * (5 + 3 + 1) && lstm["type"] as? String == "LSTM")
    // The SRU shows its input itself where both sizes are equal.
    func sru(_ sizes: [String]) throws -> String {
      let objects = try Command.unroll(["cells", "--json"] + sizes).objects()
      return try #require(objects.first { $0["name"] as? String == "sru" }?["equations"] as? String)
    }
    #expect(try sru(["--input", "5", "--hidden", "5"]).contains("skip") == false)
    #expect(try sru(["--input", "1000000", "--hidden", "999999"]).contains("skip.weight·x"))
  }

  @Test func oneCellIsShownWithItsSpeed() throws {
    let plain = try Command.unroll(["cells", "rhn"])
    #expect(plain.code == 0 && plain.output.hasPrefix("rhn: RHN, ") && !plain.output.contains("lstm"))
    #expect(plain.output.contains("highways.1.transform = σ(") && !plain.output.contains("·%21"), "\(plain.output)")
    let measured = try Command.unroll(["cells", "mingru", "--speed"])
    #expect(measured.output.contains("\n  training step T100 B32 H128: "), "\(measured.output)")
    let object = try #require(Command.unroll(["cells", "lstm", "--speed", "--json"]).objects().first)
    let speed = try #require(object["speed"] as? [String: Double])
    #expect(speed["milliseconds"] ?? 0 > 0 && 0.2...5 ~= speed["toLSTM"] ?? 0, "\(speed)")
    #expect(try Command.unroll(["cells", "lstm", "--json"]).objects().first?["speed"] == nil)
    try expectFailure(Command.unroll(["cells", "lstn", "--json"]), code: 2, ["lstn", "lstm"])
  }

  @Test(arguments: ["input", "hidden"], ["0", "-1", "1000001", "many", ""])
  func sizesThatCannotBeAreRefused(flag: String, value: String) throws {
    try expectFailure(Command.unroll(["cells", "--\(flag)", value, "--json"]), code: 2, [flag])
  }

  @Test func everyListedCellTrains() throws {
    let sample = try Sample.shared.get()
    let folder = TestFolder()
    for name in try Self.names.get() {
      let outcome = try Command.unroll(
        ["train", "text", "--data", sample.file("text.txt"), "--out", folder.file(name), "--cell", name]
          + Sample.sizes)
      #expect(outcome.code == 0, "\(name): \(outcome.errors)")
      #expect(outcome.errors.contains("1 × \(name) of 12"), "\(outcome.errors)")
      let written = try Command.unroll(["generate", folder.file(name), "--prompt", "the ", "--length", "9"])
      #expect(written.code == 0 && written.output.count == 14, "\(name): \(written.errors)")
    }
  }
}
