import Foundation
import Testing

/// `train tag`, `predict` and `evaluate` of what it made.
@Suite struct TagTests {
  private static let sentences = (0..<60).map { i in
    "We O\n\(["met", "saw"][i % 2]) O\n\(["Ann", "Bob"][i / 2 % 2]) B-PER\n\(i % 3 == 0 ? "Lee I-PER\n" : "")\n"
  }.joined()

  /// A folder with `train.txt` and a trained `model`; nobody may change it.
  private static let shared = Result {
    let folder = TestFolder()
    _ = try folder.write(sentences.utf8, to: "train.txt")
    let outcome = try Command.unroll(arguments(folder) + ["--out", folder.file("model"), "--epochs", "20"])
    guard outcome.code == 0 else { throw Sample.Failure(outcome: outcome) }
    #expect(outcome.errors.contains("test: accuracy 100.00 %") && outcome.errors.contains("spans: F1 100.00 %"))
    return folder
  }

  private static func arguments(_ folder: TestFolder) -> [String] {
    [
      "train", "tag", "--format", "columns", "--data", folder.file("train.txt"), "--layers", "1", "--hidden", "8",
      "--word-vector", "6", "--character-vector", "5", "--character-hidden", "4", "--chain", "--batch", "8",
      "--learning-rate", "0.03", "--dropout", "0.1",
    ]
  }

  @Test func everyLineHasAnAnswer() throws {
    let model = try Self.shared.get().file("model")
    let input = TestFolder()
    let long = (0..<10_000).map { "w\($0)" }.joined(separator: " ")
    let path = try input.write("We saw Ann Lee\n\nWe\r\n\(long)".utf8, to: "in.txt")
    let outcome = try Command.unroll(["predict", model, "--data", path])
    let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(outcome.code == 0 && lines.count == 5, "\(outcome.errors)")
    #expect(lines.prefix(3) == ["We/O saw/O Ann/B-PER Lee/I-PER", "", "We/O"])
    #expect(lines[3].split(separator: " ").count == 10_000)
    let object = try Command.unroll(["predict", model, "We met Bob", "--json"]).objects()[0]
    #expect(
      object["words"] as? [String] == ["We", "met", "Bob"] && object["tags"] as? [String] == ["O", "O", "B-PER"])
  }

  @Test func modelsAreMeasured() throws {
    let folder = try Self.shared.get()
    let arguments = ["evaluate", folder.file("model"), "--data"]
    let score = try Command.unroll(arguments + [folder.file("train.txt"), "--json"]).objects()[0]
    #expect(score["accuracy"] as? Double == 1 && score["words"] as? Int == 200)
    #expect((score["spans"] as? [String: Any])?["truth"] as? Int == 60)
    let other = TestFolder()
    let path = try other.write("We O\n\nEU B-ORG\n\nx\n".utf8, to: "other.txt")
    try expectFailure(Command.unroll(arguments + [path, "--json"]), code: 1, ["other.txt:5", "no tag"])
    let skipped = try Command.unroll(arguments + [path, "--json", "--skip-bad-lines"]).objects()
    #expect(skipped.first?["lines"] as? Int == 2 && skipped.last?["words"] as? Int == 1)
    let empty = try other.write([], to: "empty.txt")
    try expectFailure(Command.unroll(arguments + [empty, "--json"]), code: 1, ["the text is empty"])
  }

  @Test func wrongUseIsAnError() throws {
    let folder = try Self.shared.get()
    let own = TestFolder()
    try expectFailure(
      Command.unroll(Self.arguments(folder) + ["--out", own.file("a"), "--format", "upos", "--json"]), code: 1,
      ["train.txt:1", "10 columns"])
    #expect(!own.exists("a"))
    try expectFailure(
      Command.unroll(["train", "tag", "--out", folder.file("model"), "--resume", "--chain", "--json"]), code: 2,
      ["--chain cannot change"])
    try expectFailure(
      Command.unroll(Self.arguments(folder) + ["--out", own.file("a"), "--word-dropout", "1", "--json"]), code: 2,
      ["word-dropout is 1.0"])
  }
}
