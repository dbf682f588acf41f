import Foundation
import Testing

/// `train translate`, `predict` and `evaluate` of what it made.
@Suite struct TranslateTests {
  private static let lines = (0..<80).map { i in
    "\(["one", "two", "three"][i % 3]) \(["red", "blue"][i / 3 % 2])\t"
      + "\(["rot", "blau"][i / 3 % 2]) \(["eins", "zwei", "drei"][i % 3])"
  }

  /// A folder with `pairs.tsv` and a trained `model`; nobody may change it.
  private static let shared = Result {
    let folder = TestFolder()
    _ = try folder.write((lines.joined(separator: "\n") + "\n").utf8, to: "pairs.tsv")
    let outcome = try Command.unroll(
      ["train", "translate", "--data", folder.file("pairs.tsv"), "--out", folder.file("model"), "--epochs", "12"]
        + sizes)
    guard outcome.code == 0 else { throw Sample.Failure(outcome: outcome) }
    #expect(outcome.errors.contains("test: BLEU") && outcome.errors.contains("exact match 100.00 %"))
    return folder
  }
  private static let sizes = [
    "--hidden", "32", "--embedding", "16", "--attention", "16", "--merges", "40", "--batch", "8", "--learning-rate",
    "0.02", "--dropout", "0", "--output-dropout", "0", "--label-smoothing", "0",
    "--schedule", "constant",
  ]

  @Test func everyLineHasATranslation() throws {
    let model = try Self.shared.get().file("model")
    let input = TestFolder()
    let path = try input.write("two blue\n\nThree red\r\nxyz".utf8, to: "in.txt")
    for beam in [[], ["--beam", "1"], ["--beam", "3"]] {
      let outcome = try Command.unroll(["predict", model, "--data", path] + beam)
      let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
      #expect(outcome.code == 0 && lines.count == 5, "\(outcome.errors)")
      #expect(lines.prefix(3) == ["blau zwei", "", "rot drei"])
    }
    let object = try Command.unroll(["predict", model, "one red", "--beam", "4", "--json"]).objects()[0]
    #expect(object["text"] as? String == "rot eins")
    #expect((object["translations"] as? [[String: Any]] ?? []).count >= 4)
  }

  @Test func severalTranslationsHaveRanks() throws {
    let model = try Self.shared.get().file("model")
    let outcome = try Command.unroll(["predict", model, "two blue", "", "one red", "--n-best", "7"])
    let lines = outcome.output.split(separator: "\n").map {
      $0.split(separator: "\t", omittingEmptySubsequences: false)
    }
    #expect(outcome.code == 0 && lines.allSatisfy { $0.count == 3 }, "\(outcome.output)")
    let ranks = (1...7).map { "\($0)" }
    #expect(lines.map { String($0[0]) } == ranks + ["1"] + ranks)
    #expect(lines[0][2] == "blau zwei" && lines[7][2] == "" && lines[8][2] == "rot eins")
    let scores = lines.prefix(7).compactMap { Double($0[1]) }
    #expect(scores.count == 7 && scores == scores.sorted(by: >))
    let object = try Command.unroll(["predict", model, "two blue", "--n-best", "2", "--json"]).objects()[0]
    #expect((object["translations"] as? [[String: Any]])?.count == 2 && object["attention"] == nil)
    #expect(try Command.unroll(["predict", model, "two blue", "--n-best", "1", "--beam", "1"]).output.hasPrefix("1\t"))
  }

  @Test func attentionIsShown() throws {
    let model = try Self.shared.get().file("model")
    let outcome = try Command.unroll(["predict", model, "two blue", "", "--attention"])
    let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(outcome.code == 0 && lines.count == 9, "\(outcome.output)")
    #expect(lines[0] == "blau zwei" && lines[1].split(separator: " ") == ["two", "blue"])
    #expect(lines[2...4].map { $0.split(separator: " ")[0] } == ["blau", "zwei", "<eos>"])
    #expect(lines[5...] == ["", "", "", ""])
    let object = try Command.unroll(["predict", model, "two blue", "--attention", "--json"]).objects()[0]
    let table = try #require(object["attention"] as? [String: Any])
    let weights = try #require(table["weights"] as? [[Double]])
    #expect(
      table["source"] as? [String] == ["two", "blue"] && table["target"] as? [String] == ["blau", "zwei", "<eos>"])
    #expect(weights.count == 3 && weights.allSatisfy { $0.count == 2 && abs($0[0] + $0[1] - 1) < 1e-5 })
    let classifier = TestFolder()
    let texts = try classifier.write("good\tyes\nbad\tno\nfine\tyes\nugly\tno\n".utf8, to: "a.tsv")
    let made = try Command.unroll(
      ["train", "classify", "--data", texts, "--out", classifier.file("c"), "--epochs", "1", "--hidden", "2"])
    #expect(made.code == 0)
    for (flags, part) in [(["--attention"], "--attention is for"), (["--n-best", "2"], "--n-best is for")] {
      try expectFailure(Command.unroll(["predict", classifier.file("c"), "x", "--json"] + flags), code: 2, [part])
    }
    for (flags, part) in [
      (["--n-best", "0"], "--n-best is 0"), (["--n-best", "1001"], "--n-best is 1001"),
      (["--n-best", "3", "--beam", "2"], "finds fewer"),
    ] {
      try expectFailure(Command.unroll(["predict", model, "x", "--json"] + flags), code: 2, [part])
    }
  }

  @Test func modelsAreMeasured() throws {
    let folder = try Self.shared.get()
    let score = try Command.unroll(
      ["evaluate", folder.file("model"), "--data", folder.file("pairs.tsv"), "--json"]
    ).objects()[0]
    #expect(score["exact"] as? Double == 1 && score["sentences"] as? Int == 80)
    let greedy = try Command.unroll(
      ["evaluate", folder.file("model"), "--data", folder.file("pairs.tsv"), "--beam", "1", "--json"]
    ).objects()[0]
    #expect(greedy["exact"] as? Double == 1)
  }

  /// Two line-aligned files give the model that one table gives; a training goes on from its folder.
  @Test func filesMayBeTwo() throws {
    let folder = try Self.shared.get()
    let own = TestFolder()
    let columns = Self.lines.map { $0.split(separator: "\t") }
    let source = try own.write(columns.map { $0[0] + "\n" }.joined().utf8, to: "a.txt")
    let target = try own.write(columns.map { $0[1] + "\n" }.joined().utf8, to: "b.txt")
    let model = own.file("model")
    let first = try Command.unroll(
      ["train", "translate", "--data", "\(source),\(target)", "--out", model, "--epochs", "1"] + Self.sizes)
    #expect(first.code == 0, "\(first.errors)")
    let again = try Command.unroll(["train", "translate", "--out", model, "--resume", "--epochs", "40"])
    #expect(again.code == 0, "\(again.errors)")
    #expect(try own.data("model/merges.txt") == folder.data("model/merges.txt"))
    #expect(try Command.unroll(["predict", model, "two blue"]).output == "blau zwei\n")
  }

  @Test func wrongUseIsAnError() throws {
    let folder = try Self.shared.get()
    let own = TestFolder()
    let bad = try own.write("a\tb\nno table\n".utf8, to: "bad.tsv")
    let short = try own.write("a\nb\n".utf8, to: "short.txt")
    let out = own.file("model")
    let train = ["train", "translate", "--out", out, "--json", "--data"]
    try expectFailure(Command.unroll(train + [bad]), code: 1, ["bad.tsv:2", "two columns", "--skip-bad-lines"])
    try expectFailure(Command.unroll(train + ["\(bad),\(own.file("none"))"]), code: 1, ["none"])
    let long = try own.write("a\nb\nc\n".utf8, to: "long.txt")
    try expectFailure(Command.unroll(train + ["\(short),\(long)"]), code: 1, ["2 lines", "3"])
    for (flag, value) in [("hidden", "0"), ("merges", "-1"), ("dropout", "1"), ("longest", "0"), ("attention", "-3")] {
      try expectFailure(
        Command.unroll(train + [folder.file("pairs.tsv"), "--\(flag)", value]), code: 2, ["--\(flag)"])
    }
    #expect(!own.exists("model"))
    try expectFailure(
      Command.unroll(["predict", folder.file("model"), "a", "--beam", "0", "--json"]), code: 2, ["--beam is 0"])
    try expectFailure(
      Command.unroll(["evaluate", folder.file("model"), "--data", short, "--beam", "1001", "--json"]), code: 2,
      ["--beam is 1001"])
    try expectFailure(
      Command.unroll(["evaluate", folder.file("model"), "--data", short, "--json"]), code: 1, ["short.txt:1"])
  }
}
