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
    (["train", "classify", "--data", "TEXT", "--out", "x", "--tokens", "subwords"], ["words or characters"]),
  ]

  @Test(arguments: wrong) func wrongUseIsAnError(_ row: (arguments: [String], parts: [String])) throws {
    let sample = try Sample.shared.get()
    let arguments = row.arguments.map {
      $0.replacing("MODEL", with: sample.file("model")).replacing("TEXT", with: sample.file("text.txt"))
    }
    try expectFailure(Command.unroll(arguments + ["--json"]), code: 2, row.parts)
  }
}
