import Foundation
import Testing

/// What the command line does when all is well.
@Suite struct WorkingTests {
  @Test func helpIsNoError() throws {
    for arguments in [[], ["--help"], ["-h"], ["help"], ["--version"]] {
      let outcome = try Command.unroll(arguments)
      #expect(outcome.code == 0)
      #expect(outcome.errors.isEmpty)
      #expect(!outcome.output.isEmpty)
    }
    #expect(try Command.unroll([]).output.contains("\n  unroll demo "))
  }

  @Test(arguments: [
    "demo", "train", "train text", "train classify", "train recognize", "generate", "evaluate", "predict", "inspect",
    "report", "quantize", "cells",
    "bench kernels",
    "bench recurrent", "bench passes",
  ])
  func helpHasAnExample(command: String) throws {
    let words = command.split(separator: " ").map(String.init)
    for arguments in [words + ["--help"], ["help"] + words] {
      let outcome = try Command.unroll(arguments)
      #expect(outcome.code == 0)
      #expect(outcome.output.contains("\n  unroll \(command)"), "\(outcome.output)")
      #expect(outcome.errors.isEmpty)
    }
  }

  @Test func trainingIsToldInLinesAndObjects() throws {
    let folder = try Sample.copy()
    let arguments = ["train", "text", "--data", folder.file("text.txt")] + Sample.sizes
    let plain = try Command.unroll(arguments + ["--out", folder.file("plain")])
    #expect(plain.code == 0)
    #expect(plain.output.isEmpty)
    for part in ["1 × lstm of 12", "epoch 1  loss", "validation", "finished: 1 epochs", "test: ", "unroll generate"] {
      #expect(plain.errors.contains(part), "\(plain.errors)")
    }
    #expect(!plain.errors.contains("\u{1B}") && !plain.errors.contains("\r"))

    let json = try Command.unroll(arguments + ["--out", folder.file("json"), "--json"])
    #expect(json.code == 0)
    #expect(json.errors.isEmpty)
    let events = try json.objects().compactMap { $0["event"] as? String }
    #expect(events.first == "checkpoint")
    #expect(events.suffix(4) == ["epoch", "checkpoint", "stopped", "score"])
    #expect(events.contains("update"))
    for name in ["config.json", "vocabulary.json", "weights.safetensors", "history.jsonl"] {
      #expect(folder.exists("json/" + name))
    }
    #expect(try folder.data("json/weights.safetensors") == folder.data("plain/weights.safetensors"))
    #expect(try folder.data("json/vocabulary.json") == folder.data("plain/vocabulary.json"))
  }

  @Test func modelsWriteAndAreMeasured() throws {
    let sample = try Sample.shared.get()
    let model = sample.file("model")
    let text = try Command.unroll(["generate", model, "--prompt", "the ", "--length", "40", "--seed", "5"])
    #expect(text.code == 0 && text.errors.isEmpty)
    #expect(text.output.hasPrefix("the ") && text.output.count == 45)
    let object = try Command.unroll(["generate", model, "--prompt", "the ", "--length", "40", "--seed", "5", "--json"])
    let line = try #require(object.objects().first)
    #expect("the " + (line["text"] as? String ?? "") + "\n" == text.output)
    #expect(try Command.unroll(["generate", model, "--length", "0", "--prompt", "cat"]).output == "cat\n")
    let greedy = try ["1", "2"].map {
      try Command.unroll(["generate", model, "--temperature", "0", "--length", "30", "--seed", $0]).output
    }
    #expect(greedy[0] == greedy[1])

    for part in ["all", "training", "validation", "test"] {
      let outcome = try Command.unroll(
        ["evaluate", model, "--data", sample.file("text.txt"), "--part", part, "--json"])
      let score = try #require(outcome.objects().first)
      let nats = try #require(score["nats"] as? Double)
      #expect(nats > 1 && nats < 4)
      #expect(abs(try #require(score["perplexity"] as? Double) - exp(nats)) < 1e-6 * exp(nats))
      #expect(abs(try #require(score["bitsPerCharacter"] as? Double) - nats / log(2)) < 1e-9)
    }
    let plain = try Command.unroll(["evaluate", model, "--data", sample.file("text.txt")])
    #expect(plain.code == 0 && plain.output.contains("nats per character"))
  }

  @Test(arguments: ["network", "network-unrolled", "step", "step-unrolled"], ["text", "dot", "svg"])
  func picturesAreDrawn(picture: String, format: String) throws {
    let model = try Sample.shared.get().file("model")
    let folder = TestFolder()
    let arguments = ["inspect", model, "--picture", picture, "--format", format]
    let outcome = try Command.unroll(arguments)
    #expect(outcome.code == 0 && outcome.errors.isEmpty)
    #expect(!outcome.output.contains("\u{1B}"))
    if format == "svg" { #expect(outcome.output.hasPrefix("<svg") && outcome.output.contains("</svg>")) }
    if format == "dot" { #expect(outcome.output.hasPrefix("digraph")) }
    #expect(try Command.unroll(arguments + ["--json"]).objects().first?["content"] as? String == outcome.output)
    let file = try Command.unroll(arguments + ["--out", folder.file("picture")])
    #expect(file.code == 0 && file.output.isEmpty)
    #expect(try folder.text("picture") == outcome.output)
    try expectFailure(
      Command.unroll(arguments + ["--out", folder.file("no/picture"), "--json"]), code: 1, ["folder is not there"])
  }

  @Test func modelsAreShown() throws {
    let model = try Sample.shared.get().file("model")
    let summary = try Command.unroll(["inspect", model])
    #expect(summary.code == 0)
    for part in ["character language model", "embedding.table", "as written", "as it is run"] {
      #expect(summary.output.contains(part))
    }
    #expect(try Command.unroll(["inspect", model, "--json"]).objects().count == 11)
    let passes = try Command.unroll(["inspect", model, "--passes"])
    #expect(passes.output.contains("── forward, after") && passes.output.contains("── adjoint, after"))
    #expect(try Command.unroll(["inspect", model, "--passes", "--json"]).objects().count > 6)
  }

  @Test func readersMayGoAway() throws {
    let folder = try Sample.copy()
    let model = folder.file("model")
    let text = try Command.shell("\"$0\" generate \"$1\" --length 20000 --prompt 'the cat sat ' | head -c 10", model)
    #expect(text.output == "the cat sa" && text.errors.isEmpty)
    #expect(try Command.shell("\"$0\" inspect \"$1\" --passes | head -n 1", model).errors.isEmpty)
    // A training goes on.
    let training = try Command.shell(
      "\"$0\" train text --data \"$1\" --out \"$2\" --hidden 8 --length 8 --batch 2 --epochs 2 --json | head -c 10",
      folder.file("text.txt"), folder.file("new"))
    #expect(training.output.count == 10 && training.errors.isEmpty)
    #expect(try folder.text("new/history.jsonl").split(separator: "\n").count == 2)
  }

  @Test func outputsThatAreFullAreAnError() throws {
    try #require(FileManager.default.fileExists(atPath: "/dev/full"))
    let model = try Sample.shared.get().file("model")
    for command in ["generate", "inspect", "generate --json", "inspect --passes", "inspect --picture step"] {
      let outcome = try Command.shell("\"$0\" \(command) \"$1\" > /dev/full", model)
      #expect(outcome.code == 1, "\(command)")
      #expect(
        outcome.errors.contains("error: standard output cannot be written: No space left on device"), "\(command)")
    }
    #expect(try Command.shell("\"$0\" generate \"$1\" >&- 2>&-", model).code == 1)
  }
}
