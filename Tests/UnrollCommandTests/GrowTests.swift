import Foundation
import Testing

/// `unroll grow`.
@Suite struct GrowTests {
  private static func data() throws -> TestFolder {
    let folder = TestFolder()
    let lines = (0..<120).map { "\(["good", "bad"][$0 % 2]) film\($0 % 7) seen\t\(["plus", "minus"][$0 % 2])\n" }
    _ = try folder.write(lines.joined().utf8, to: "train.tsv")
    return folder
  }

  private static func arguments(_ folder: TestFolder) -> [String] {
    [
      "grow", "classify", "--data", folder.file("train.tsv"), "--hidden", "16", "--embedding", "16", "--batch", "16",
      "--epochs", "2", "--dropout", "0.1", "--word-dropout", "0", "--out", folder.file("out"),
    ]
  }

  @Test func theKeptModelIsAModel() throws {
    let folder = try Self.data()
    let grown = try Command.unroll(Self.arguments(folder) + ["--rungs", "3"])
    #expect(grown.code == 0, "\(grown)")
    let tables = grown.output.components(separatedBy: "\n\n").map { $0.split(separator: "\n") }
    let lines = tables[0]
    #expect(lines.count == 4 && lines[0].hasPrefix("rung  step") && lines.count { $0.hasSuffix("kept") } == 1)
    if tables.count > 1 {
      #expect(tables[1].count > 2 && tables[1][0].contains("held-out error rate, 5 parts"))
      #expect(grown.errors.contains("epochs without part 5"))
    }
    #expect(grown.errors.contains("trained on all data, those for validation too"))
    #expect(lines[1].contains("1 × elman of 8") && lines[2].contains("gate"))
    #expect(grown.errors.contains("test: accuracy") && grown.errors.contains("grown from rung 1"))
    let out = folder.file("out")
    for command in [
      ["evaluate", out, "--data", folder.file("train.tsv")], ["predict", out, "good"], ["inspect", out],
      ["report", out],
    ] {
      let outcome = try Command.unroll(command)
      #expect(outcome.code == 0 && !outcome.output.isEmpty, "\(outcome)")
    }
    let page = try String(contentsOfFile: out + "/report.html", encoding: .utf8)
    #expect(page.contains("The ladder") && page.contains("1 × elman of 8") && page.contains("trained on all data"))
    let again = try Command.unroll(["grow", "classify", "--out", out, "--resume", "--json"])
    #expect(again.code == 0, "\(again)")
    let objects = try again.objects()
    #expect(objects.compactMap { $0["event"] as? String } == ["ladder", "score"])
    let rungs = try #require(objects.first?["rungs"] as? [[String: Any]])
    #expect(rungs.count == 3 && rungs.compactMap { $0["parameters"] as? Int }.count == 3)
    #expect(rungs.first?["step"] as? String == "start" && rungs.first?["standardError"] is Double)
    let refit = try #require(objects.first?["refit"] as? [String: Any])
    #expect(refit["rung"] as? Int == objects.first?["kept"] as? Int && refit["epochs"] as? Int ?? 0 > 0)
  }

  /// Two runs that are told alike are alike; each event is an object.
  @Test func eventsAreObjects() throws {
    let folder = try Self.data()
    let run = try Command.unroll(
      Self.arguments(folder) + [
        "--rungs", "2", "--folds", "3", "--json", "--cell", "lstm", "--learning-rate", "0.0001",
      ])
    let events = try run.objects().compactMap { $0["event"] as? String }
    #expect(run.code == 0 && run.errors.isEmpty, "\(run)")
    #expect(events.first == "rungBegins" && events.count { $0 == "rung" } == 2 && events.last == "score")
    #expect(events.contains("epoch") && events.count { $0 == "refit" } == 1)
    // So slow that neither rung is better.
    #expect(events.count { $0 == "fold" } == 6 && events.count { $0 == "contender" } == 2)
  }

  @Test func textsGrow() throws {
    let folder = TestFolder()
    let out = folder.file("out")
    let data = try folder.write(Sample.text.utf8, to: "text.txt")
    let grown = try Command.unroll(
      ["grow", "text", "--data", data, "--out", out, "--rungs", "2"] + Sample.sizes)
    #expect(grown.code == 0 && grown.errors.contains("nats per character"), "\(grown)")
    #expect(grown.output.contains("  validation nats  "))
    let written = try Command.unroll(["generate", out, "--length", "20", "--prompt", "the "])
    #expect(written.code == 0 && written.output.count >= 20, "\(written)")
  }

  @Test func translatorsGrow() throws {
    let folder = TestFolder()
    let pairs = (0..<60).map { "one film \($0 % 5)\t\($0 % 5) film eins\n" }.joined()
    let data = try folder.write(pairs.utf8, to: "pairs.tsv")
    let out = folder.file("out")
    let grown = try Command.unroll([
      "grow", "translate", "--data", data, "--out", out, "--rungs", "2", "--epochs", "1", "--hidden", "16", "--merges",
      "0", "--embedding", "8", "--attention", "8",
    ])
    #expect(grown.code == 0 && grown.errors.contains("BLEU") && grown.output.contains("kept"), "\(grown)")
    let written = try Command.unroll(["predict", out, "one film 3"])
    #expect(written.code == 0, "\(written)")
  }

  @Test func wrongUseIsSaid() throws {
    let folder = try Self.data()
    let out = folder.file("out")
    func fails(_ arguments: [String], _ code: Int32, _ parts: [String]) throws {
      try expectFailure(Command.unroll(arguments + ["--json"]), code: code, parts)
    }
    try fails(Self.arguments(folder) + ["--rungs", "0"], 2, ["rungs is 0"])
    try fails(Self.arguments(folder) + ["--folds", "1"], 2, ["folds is 1"])
    try fails(Self.arguments(folder) + ["--chrono"], 2, ["leave --chrono out"])
    try fails(Self.arguments(folder) + ["--tensorboard"], 2, ["--tensorboard is for one training"])
    try fails(Self.arguments(folder) + ["--dropout", "1.5"], 2, ["dropout is 1.5"])
    try fails(["grow", "classify", "--out", out, "--resume"], 1, ["holds no ladder"])
    try fails(["grow", "classify", "--out", out], 2, ["no data to train on"])
    try fails(["grow", "text", "--out", out], 2, ["no text to train on"])
    try fails(["grow", "classify", "--out", out, "--resume", "--rungs", "3"], 2, ["--rungs cannot change"])
    try fails(["grow", "classify", "--out", out, "--resume", "--folds", "3"], 2, ["--folds cannot change"])
    try fails(["grow", "classify", "--out", out, "--data", folder.file("none.tsv")], 1, ["none.tsv"])
    #expect(!folder.exists("out"))
  }
}
