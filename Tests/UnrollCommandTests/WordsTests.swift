import Foundation
import Testing

/// Models of words, from the command line.
@Suite struct WordsTests {
  private static let sizes = [
    "--tokens", "words", "--hidden", "20", "--embedding", "12", "--length", "9", "--batch", "5", "--dropout", "0.1",
  ]

  private func train(_ folder: TestFolder, _ name: String, _ arguments: [String]) throws -> Outcome {
    let outcome = try Command.unroll(["train", "text", "--out", folder.file(name), "--json"] + arguments)
    #expect(outcome.code == 0, "\(outcome.errors)")
    return outcome
  }

  @Test func aSampledSoftmaxTrainsTheSameKindOfModel() throws {
    let folder = try Sample.copy()
    let text = ["--data", folder.file("text.txt")] + Self.sizes
    let events = try train(folder, "sampled", text + ["--epochs", "2", "--sampled-softmax", "4"]).objects()
    #expect(try #require(events.last?["perplexity"] as? Double) > 1)
    let config = try #require(
      JSONSerialization.jsonObject(with: folder.data("sampled/config.json")) as? [String: Any])
    #expect(config["version"] as? Int == 6 && config["sampledSoftmax"] as? Int == 4)
    #expect(try Command.unroll(["generate", folder.file("sampled"), "--length", "5"]).code == 0)
    for (flags, part) in [
      (["--sampled-softmax", "100000"], "sampled-softmax is 100000"),
      (["--sampled-softmax", "0"], "sampled-softmax is 0"),
      (["--sampled-softmax", "4", "--label-smoothing", "0.1"], "smoothed labels"),
    ] {
      let run = try Command.unroll(["train", "text", "--out", folder.file("refused")] + text + flags)
      #expect(run.code == 2 && run.errors.contains(part), "\(run.errors)")
    }
  }

  @Test func wordsAreTrainedMeasuredAndWritten() throws {
    let folder = try Sample.copy()
    let text = ["--data", folder.file("text.txt")]
    let events = try train(folder, "words", text + Self.sizes + ["--epochs", "2", "--vocabulary", "15"]).objects()
    let last = try #require(events.last)
    #expect(last["words"] as? Int == 53 && last["characters"] == nil && last["bitsPerCharacter"] == nil)
    let config = try #require(
      JSONSerialization.jsonObject(with: folder.data("words/config.json")) as? [String: Any])
    #expect(config["version"] as? Int == 3 && config["unit"] as? String == "words" && config["tokens"] as? Int == 15)

    let plain = try Command.unroll(["evaluate", folder.file("words")] + text)
    #expect(plain.code == 0 && plain.output.contains("nats per word, perplexity") && !plain.output.contains("bits"))
    let score = try Command.unroll(["evaluate", folder.file("words"), "--json", "--part", "test"] + text)
    #expect(try score.objects().first?["nats"] as? Double == last["nats"] as? Double)

    // A prompt with a word that is not known; then words, with a space before each inside a line.
    let written = try Command.unroll(
      ["generate", folder.file("words"), "--prompt", "the zebra", "--length", "30", "--seed", "3"])
    #expect(written.code == 0 && written.output.hasPrefix("the zebra"))
    #expect(!written.output.contains("  ") && !written.output.contains("\n ") && !written.output.contains("<eos>"))
    let pieces = written.output.dropFirst("the zebra".count).dropLast().split(separator: " ")
    #expect(pieces.count > 20 && pieces.count <= 30)
    let open = try Command.unroll(["generate", folder.file("words"), "--prompt", "the ", "--length", "1"])
    #expect(!open.output.contains("  "))
    #expect(try Command.unroll(["inspect", folder.file("words")]).output.hasPrefix("word language model, 15 words"))

    let small = try Command.unroll(
      ["quantize", folder.file("words"), "--precision", "int8", "--out", folder.file("small")] + text)
    #expect(small.code == 0 && small.output.contains("after: "))
    let both = try JSONSerialization.jsonObject(with: folder.data("small/config.json")) as? [String: Any]
    #expect(both?["version"] as? Int == 3 && both?["precision"] as? String == "int8")
  }

  /// In one go or stopped in between, on one thread or more: the same weights. The three files may have moved.
  @Test func resumedAndUndisturbedAreTheSame() throws {
    let folder = try Sample.copy()
    for (name, line) in [("valid.txt", "the cat sat on birds\n"), ("other.txt", "green dogs sat\n")] {
      _ = try folder.write(String(repeating: line, count: 5).utf8, to: name)
    }
    let files = [
      "--data", folder.file("text.txt"), "--validation", folder.file("valid.txt"), "--test", folder.file("other.txt"),
    ]
    _ = try train(folder, "whole", files + Self.sizes + ["--epochs", "3", "--threads", "1"])
    _ = try train(folder, "parts", files + Self.sizes + ["--epochs", "1", "--schedule", "constant"])
    _ = try train(folder, "straight", files + Self.sizes + ["--epochs", "3", "--schedule", "constant"])
    try FileManager.default.moveItem(atPath: folder.file("valid.txt"), toPath: folder.file("moved.txt"))
    _ = try train(folder, "parts", ["--resume", "--epochs", "3", "--validation", folder.file("moved.txt")])
    #expect(
      try folder.data("parts/weights.safetensors") == folder.data("straight/weights.safetensors"))
    try FileManager.default.moveItem(atPath: folder.file("moved.txt"), toPath: folder.file("valid.txt"))
    _ = try train(folder, "again", files + Self.sizes + ["--epochs", "3", "--threads", "3"])
    #expect(try folder.data("again/weights.safetensors") == folder.data("whole/weights.safetensors"))
  }

  static let resumptions: [(arguments: [String], parts: [String])] = [
    (["--tokens", "words"], ["--tokens cannot change"]), (["--vocabulary", "9"], ["--vocabulary cannot change"]),
    (["--validation", "x", "--test", "y"], ["one text", "leave --validation and --test out"]),
  ]

  @Test(arguments: resumptions) func resumptionsThatCannotBe(_ row: (arguments: [String], parts: [String])) throws {
    let model = try Sample.shared.get().file("model")
    let outcome = try Command.unroll(["train", "text", "--out", model, "--resume", "--json"] + row.arguments)
    try expectFailure(outcome, code: 2, row.parts)
  }

  static let files: [(name: String, change: @Sendable (String) -> String, parts: [String])] = [
    (
      "config.json", { $0.replacing("\"version\" : 3", with: "\"version\" : 1") },
      ["version 1 does not fit", "config.json"]
    ),
    ("config.json", { $0.replacing("\"unit\" : \"words\",", with: "") }, ["version 3", "config.json"]),
    ("config.json", { $0.replacing("\"words\"", with: "\"syllables\"") }, ["`unit`", "config.json:"]),
    ("config.json", { $0.replacing("\"words\"", with: "\"characters\"") }, ["version 3", "config.json"]),
    (
      "config.json", { $0.replacing("\"path\"", with: "\"test\" : \"a\",\n\"path\"") },
      ["only the one for the test is named", "config.json"]
    ),
    ("vocabulary.json", { $0.replacing("\"<unk>\",", with: "") }, ["first words should be <unk> and <eos>"]),
    ("vocabulary.json", { $0.replacing("\"the\"", with: "\"th e\"") }, ["holds white space"]),
    ("vocabulary.json", { $0.replacing("\"the\"", with: "\"cat\"") }, ["`cat` is there twice"]),
    ("vocabulary.json", { $0.replacing("\"the\",", with: "") }, ["words, config.json says", "not of one model"]),
    ("vocabulary.json", { _ in "{\"version\":1,\"kind\":\"characters\",\"characters\":[\"a\"]}" }, ["of `characters`"]),
  ]

  @Test(arguments: files.indices) func foldersThatAreWrong(index: Int) throws {
    let row = Self.files[index]
    let folder = try Sample.copy()
    _ = try train(folder, "words", ["--data", folder.file("text.txt"), "--epochs", "1"] + Self.sizes)
    let before = try folder.text("words/" + row.name)
    let after = row.change(before)
    #expect(after != before)
    _ = try folder.write(after.utf8, to: "words/" + row.name)
    let outcome = try Command.unroll(["generate", folder.file("words"), "--json"])
    try expectFailure(outcome, code: 1, row.parts)
  }
}
