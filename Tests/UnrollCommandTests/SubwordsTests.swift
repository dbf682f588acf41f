import Foundation
import Testing

/// Models of subwords, and how texts are written, from the command line.
@Suite struct SubwordsTests {
  private static let sizes = [
    "--tokens", "subwords", "--merges", "12", "--hidden", "16", "--embedding", "8", "--length", "12", "--batch", "4",
  ]

  @Test func subwordsAreTrainedMeasuredAndWritten() throws {
    let folder = try Sample.copy()
    let (data, model) = (["--data", folder.file("text.txt")], folder.file("pieces"))
    func train(_ arguments: [String]) throws -> Outcome {
      try Command.unroll(["train", "text", "--out", model, "--json"] + arguments)
    }
    let first = try train(data + Self.sizes + ["--epochs", "1", "--schedule", "constant"])
    #expect(first.code == 0, "\(first.errors)")
    try expectFailure(train(["--resume", "--merges", "9"]), code: 2, ["--merges cannot change"])
    let last = try #require(try train(["--resume", "--epochs", "2"]).objects().last)
    let (nats, bits) = (last["nats"] as? Double ?? 0, last["bitsPerCharacter"] as? Double ?? 0)
    let (subwords, characters) = (last["subwords"] as? Int ?? 0, last["characters"] as? Int ?? 0)
    #expect(subwords > 20 && subwords < characters && last["words"] == nil)
    #expect(abs(bits - nats * Double(subwords) / Double(characters) / log(2)) < 1e-9)
    #expect(abs((last["perplexity"] as? Double ?? 0) - exp(nats)) < 1e-6)
    let config = try #require(
      JSONSerialization.jsonObject(with: folder.data("pieces/config.json")) as? [String: Any])
    #expect(config["version"] as? Int == 5 && config["unit"] as? String == "subwords")

    let score = try Command.unroll(["evaluate", model, "--part", "test"] + data)
    #expect(score.output.contains("nats per subword, perplexity") && score.output.contains("bits per character"))
    let text = try Command.unroll(["generate", model, "--prompt", "the cat", "--length", "40", "--top-p", "0.9"])
    #expect(text.code == 0 && text.output.hasPrefix("the cat") && text.output.count > 40)
    #expect(try Command.unroll(["inspect", model]).output.hasPrefix("subword language model"))
    try expectFailure(
      Command.unroll(["generate", model, "--prompt", "the Ĉat", "--json"]), code: 1, ["`Ĉ`", "prompt:1:5"])
  }

  @Test(arguments: ["bytes", "graphemes"]) func levelsOfText(level: String) throws {
    let folder = try Sample.copy()
    let text = String(repeating: "Käse und Brot 🇩🇪\r\n", count: 60)
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder.file("level.txt")))
    let (data, model) = (["--data", folder.file("level.txt")], folder.file(level))
    let trained = try Command.unroll(
      ["train", "text", "--tokens", level, "--hidden", "12", "--embedding", "6", "--length", "12", "--batch", "4"]
        + ["--epochs", "3", "--out", model, "--json"] + data)
    #expect(trained.code == 0, "\(trained.errors)")
    let last = try #require(trained.objects().last)
    let tokens = last[level] as? Int ?? 0
    let all = level == "bytes" ? text.utf8.count : text.count
    #expect(tokens > 30 && tokens <= all / 20 + 2 && last["characters"] as? Int ?? 0 > 30)
    let config = try #require(
      JSONSerialization.jsonObject(with: folder.data("\(level)/config.json")) as? [String: Any])
    #expect(config["version"] as? Int == 7 && config["unit"] as? String == level)
    let written = try Command.unroll(["generate", model, "--prompt", "Käse", "--length", "30"])
    #expect(written.code == 0 && written.output.hasPrefix("Käse"), "\(written.errors)")
    let unknown = try Command.unroll(["generate", model, "--prompt", "日", "--length", "3"])
    #expect(unknown.code == (level == "bytes" ? 0 : 1))
    #expect(level == "bytes" || unknown.errors.contains("`日` (U+65E5)"))
    let scored = try Command.unroll(["evaluate", model] + data)
    #expect(scored.output.contains("nats per \(level.dropLast())") && scored.output.contains("bits per character"))
  }

  @Test func whatComesNextIsPredicted() throws {
    let model = try Sample.shared.get().file("model")
    let lines = try Command.unroll(["predict", model, "the cat", "", "the c", "--json"]).objects()
    #expect(lines.count == 3 && lines[1]["input"] as? String == "")
    for line in lines {
      let probabilities = line["probabilities"] as? [String: Double] ?? [:]
      #expect(probabilities.count == 10 && probabilities.values.reduce(0, +) <= 1.0001)
      #expect(probabilities.values.max() == line["probability"] as? Double)
      #expect(probabilities[line["label"] as? String ?? ""] == line["probability"] as? Double)
    }
    let text = try Command.unroll(["predict", model, "the cat", "sat on the\t", "on"])
    #expect(text.code == 1 && text.errors.contains("tab"), "a character that the model does not know")
    #expect(try Command.unroll(["predict", model, "the cat", "on"]).output.split(separator: "\n").count == 2)
    try expectFailure(
      Command.unroll(["predict", model, "a", "--beam", "3", "--json"]), code: 2, ["--beam is for models"])
  }

  @Test func textsEndBeforeStops() throws {
    let model = try Sample.shared.get().file("model")
    let arguments = ["generate", model, "--prompt", "the ", "--length", "200", "--seed", "5"]
    let whole = try Command.unroll(arguments).output
    let stop = String(try #require(whole.dropFirst(40).first { $0.isLetter }))
    let short = try Command.unroll(arguments + ["--stop", "#", "--stop", stop])
    let end = try #require(whole.dropFirst(4).firstIndex(of: Character(stop)))
    #expect(short.code == 0 && short.output == whole[..<end] + "\n")
    let object = try Command.unroll(arguments + ["--stop", stop, "--json"]).objects()[0]
    #expect(object["stop"] as? String == stop && "the " + (object["text"] as? String ?? "") == String(whole[..<end]))
    #expect(try Command.unroll(arguments + ["--stop", "#", "--json"]).objects()[0]["stop"] == nil)
    let other = try Command.unroll(arguments + ["--repetition-penalty", "3"])
    #expect(other.code == 0 && other.output != whole)
  }

  static let wrong: [(arguments: [String], parts: [String])] = [
    (["generate", "MODEL", "--top-p", "0"], ["--top-p is 0.0"]),
    (["generate", "MODEL", "--top-p", "1.5"], ["--top-p is 1.5"]),
    (["generate", "MODEL", "--top-p", "nan"], ["--top-p is nan"]),
    (["generate", "MODEL", "--repetition-penalty", "0"], ["--repetition-penalty is 0.0"]),
    (["generate", "MODEL", "--repetition-penalty", "-inf"], ["--repetition-penalty is -inf"]),
    (["generate", "MODEL", "--stop", ""], ["--stop is empty"]),
    (["train", "text", "--data", "TEXT", "--out", "x", "--merges", "5"], ["--merges is for subwords"]),
    (["train", "text", "--data", "TEXT", "--out", "x", "--tokens", "words", "--merges", "5"], ["for subwords"]),
    (
      ["train", "text", "--data", "TEXT", "--out", "x", "--tokens", "subwords", "--merges", "0"],
      ["--merges is 0, and must be in 1...500000"]
    ),
    (
      ["train", "text", "--data", "TEXT", "--out", "x", "--tokens", "subwords", "--vocabulary", "9"],
      ["--vocabulary is for words"]
    ),
    (
      ["train", "classify", "--data", "TEXT", "--out", "x", "--tokens", "subwords"],
      ["words, characters, graphemes or bytes"]
    ),
  ]

  @Test(arguments: wrong) func wrongUseIsAnError(_ row: (arguments: [String], parts: [String])) throws {
    let sample = try Sample.shared.get()
    let arguments = row.arguments.map {
      $0.replacing("MODEL", with: sample.file("model")).replacing("TEXT", with: sample.file("text.txt"))
    }
    try expectFailure(Command.unroll(arguments + ["--json"]), code: 2, row.parts)
  }
}
