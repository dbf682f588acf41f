import Foundation
import Testing

/// `train classify`, `predict` and `evaluate` of what it made.
@Suite struct ClassifyTests {
  /// A folder with `train.tsv` and a trained `model`; nobody may change it.
  private static let shared = Result {
    let folder = TestFolder()
    let lines = (0..<60).map { "\(["good", "bad"][$0 % 2]) film\($0 % 7) seen\t\(["plus", "minus"][$0 % 2])\n" }
    _ = try folder.write(lines.joined().utf8, to: "train.tsv")
    let outcome = try Command.unroll(arguments(folder) + ["--out", folder.file("model"), "--epochs", "8"])
    guard outcome.code == 0 else { throw Sample.Failure(outcome: outcome) }
    #expect(outcome.errors.contains("error rate 0.0000") && outcome.errors.contains("test: accuracy 100.00 % (6 of 6)"))
    #expect(outcome.errors.contains("unroll predict"))
    return folder
  }

  private static func arguments(_ folder: TestFolder) -> [String] {
    [
      "train", "classify", "--data", folder.file("train.tsv"), "--hidden", "6", "--embedding", "5", "--batch", "8",
      "--learning-rate", "0.02", "--dropout", "0.1", "--word-dropout", "0",
    ]
  }

  @Test func everyLineHasAnAnswer() throws {
    let folder = try Self.shared.get()
    let model = folder.file("model")
    let input = TestFolder()
    let path = try input.write("good\n\nbad\r\nx y z".utf8, to: "in.txt")
    let fromFile = try Command.unroll(["predict", model, "--data", path])
    #expect(fromFile.code == 0 && fromFile.errors.isEmpty)
    let lines = fromFile.output.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count == 5 && lines[0].hasPrefix("plus\t") && lines[2].hasPrefix("minus\t") && lines[4].isEmpty)
    #expect(try Command.shell("\"$0\" predict \"$1\" < \"$2\"", model, path).output == fromFile.output)
    #expect(try Command.shell("\"$0\" predict \"$1\" < /dev/null", model).output.isEmpty)
    #expect(try Command.unroll(["predict", model, "good", "", "bad", "x y z"]).output == fromFile.output)
    let objects = try Command.unroll(["predict", model, "--data", path, "--json"]).objects()
    #expect(objects.map { $0["input"] as? String } == ["good", "", "bad", "x y z"])
    #expect(objects.first?["label"] as? String == "plus")
    #expect((objects.first?["probabilities"] as? [String: Double])?.count == 2)
  }

  /// Each line is answered while the input is still open.
  @Test func answersStream() throws {
    let model = try Self.shared.get().file("model")
    let outcome = try Command.shell(
      "mkfifo \"$2/in\"; \"$0\" predict \"$1\" < \"$2/in\" > \"$2/out\" & exec 3> \"$2/in\"; printf 'good\\nba' >&3; "
        + "for i in $(seq 200); do [ -s \"$2/out\" ] && break; sleep 0.05; done; cut -f1 \"$2/out\"; "
        + "printf 'd\\n' >&3; exec 3>&-; wait; cut -f1 \"$2/out\"", model, TestFolder.scratch.path)
    #expect(outcome.output == "plus\nplus\nminus\n", "\(outcome)")
  }

  @Test func modelsAreMeasured() throws {
    let folder = try Self.shared.get()
    let score = try Command.unroll(["evaluate", folder.file("model"), "--data", folder.file("train.tsv"), "--json"])
    let object = try #require(score.objects().first)
    #expect(object["event"] as? String == "score" && object["accuracy"] as? Double == 1)
    #expect((object["confusion"] as? [[Int]]) == [[30, 0], [0, 30]])
    let other = TestFolder()
    let path = try other.write("good\tplus\ngood\tstrange\nbad\n".utf8, to: "other.tsv")
    let arguments = ["evaluate", folder.file("model"), "--data", path, "--json"]
    try expectFailure(Command.unroll(arguments), code: 1, ["other.tsv:3", "--skip-bad-lines"])
    let skipped = try Command.unroll(arguments + ["--skip-bad-lines"]).objects()
    #expect(skipped.first?["lines"] as? Int == 2 && skipped.last?["examples"] as? Int == 1)
    _ = try other.write("good\tplus\ngood\tstrange\n".utf8, to: "other.tsv")
    try expectFailure(Command.unroll(arguments), code: 1, ["other.tsv:2", "no label `strange`", "minus, plus"])
    try expectFailure(
      Command.unroll(arguments + ["--part", "test"]), code: 2, ["--part is for language models"])
  }

  @Test func trainingsGoOn() throws {
    let folder = try Self.shared.get()
    let own = TestFolder()
    let straight = own.file("straight")
    let resumed = own.file("resumed")
    #expect(try Command.unroll(Self.arguments(folder) + ["--out", straight, "--epochs", "3"]).code == 0)
    #expect(try Command.unroll(Self.arguments(folder) + ["--out", resumed, "--epochs", "1"]).code == 0)
    let further = ["train", "classify", "--out", resumed, "--resume", "--epochs", "3"]
    #expect(try Command.unroll(further).code == 0)
    #expect(try own.data("straight/weights.safetensors") == own.data("resumed/weights.safetensors"))
    try expectFailure(
      Command.unroll(further + ["--pooling", "mean", "--json"]), code: 2, ["--pooling cannot change"])
    let other = try own.write("good\tplus\nbad\tminus\n".utf8, to: "other.tsv")
    try expectFailure(
      Command.unroll(further + ["--data", other, "--json"]), code: 1, ["not the data that the training began with"])
  }

  @Test func tablesAndPicturesAreRecognized() throws {
    let folder = TestFolder()
    let table = (0..<80).map { "\($0 % 5),\($0 % 5 > 2 ? "big" : "small")\n" }.joined()
    let train = ["train", "recognize", "--json", "--hidden", "8", "--out", folder.file("model"), "--data"]
    try expectFailure(
      Command.unroll(train + [folder.write("1,a\nx,b\n".utf8, to: "bad.csv")]), code: 1, ["bad.csv:2", "no number"])
    try expectFailure(
      Command.unroll(train + [folder.write([0, 0, 8, 1, 0, 0, 0, 0], to: "a-images-idx3-ubyte")]), code: 1,
      ["a-labels-idx1-ubyte", "not there"])
    let path = try folder.write(table.utf8, to: "table.csv")
    let flags = ["--dropout", "0", "--input-dropout", "0", "--learning-rate", "0.05", "--epochs", "30", "--batch", "8"]
    #expect(try Command.unroll(train + [path] + flags).code == 0)
    let score = try Command.unroll(["evaluate", folder.file("model"), "--data", path, "--json"])
    #expect(try score.objects().first?["accuracy"] as? Double == 1)
    let answers = try Command.unroll(["predict", folder.file("model"), "0", "4"])
    #expect(answers.output.split(separator: "\n").map { $0.prefix { $0 != "\t" } } == ["small", "big"])
    try expectFailure(Command.unroll(["predict", folder.file("model"), "1,2", "--json"]), code: 1, ["hold 1 numbers"])
  }

  @Test func wrongFlagsAreErrors() throws {
    let folder = try Self.shared.get()
    let model = folder.file("model")
    let out = TestFolder().file("out")
    let train = ["train", "classify", "--json", "--out", out]
    try expectFailure(Command.unroll(train), code: 2, ["there are no data to train on", "--data"])
    try expectFailure(Command.unroll(train + ["--data", "none.tsv"]), code: 1, ["not there"])
    let data = train + ["--data", folder.file("train.tsv")]
    for (flag, value) in [("--hidden", "0"), ("--dropout", "1"), ("--batch", "0"), ("--word-dropout", "-1")] {
      try expectFailure(Command.unroll(data + [flag, value]), code: 2, ["change \(flag)"])
    }
    try expectFailure(Command.unroll(data + ["--label-column", "topic"]), code: 1, ["no column `topic`"])
    #expect(!FileManager.default.fileExists(atPath: out))
    try expectFailure(Command.unroll(["predict", model, "a", "--data", "b", "--json"]), code: 2, ["beside --data"])
    try expectFailure(Command.unroll(["predict", out, "a", "--json"]), code: 1, ["there is no model folder"])
    try expectFailure(Command.unroll(["generate", model, "--json"]), code: 1, ["paradigm `classify`"])
    let bad = try Command.shell("printf 'good\\n\\377\\n' | \"$0\" predict \"$1\" --json", model)
    try expectFailure(bad, code: 1, ["not UTF-8", "standard input:2"])
  }
}

extension TestFolder {
  /// A folder for one test's pipes.
  fileprivate static let scratch = TestFolder()
}
