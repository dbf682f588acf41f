import Foundation
import Testing

/// `unroll quantize`, and what the other commands make of its folders.
@Suite struct QuantizeTests {
  @Test(arguments: ["bf16", "int8"]) func smallerModelsWorkEverywhere(precision: String) throws {
    let folder = try Sample.copy()
    let (model, out, text) = (folder.file("model"), folder.file("small"), folder.file("text.txt"))
    let arguments = ["quantize", model, "--precision", precision, "--data", text]
    let outcome = try Command.unroll(arguments + ["--out", out, "--json"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let objects = try outcome.objects()
    #expect(objects.map { $0["event"] as? String } == ["quantized", "score", "score"])
    #expect(objects.dropFirst().map { $0["part"] as? String } == ["before", "after"])
    let nats = objects.compactMap { $0["nats"] as? Double }
    #expect(nats.count == 2 && abs(nats[0] - nats[1]) < 0.03 * nats[0], "\(nats)")
    let sizes = ["bytesBefore", "bytesAfter"].map { objects[0][$0] as? Int ?? 0 }
    #expect(try sizes == ["model", "small"].map { try folder.data($0 + "/weights.safetensors").count })
    #expect(sizes[1] < sizes[0])

    let plain = try Command.unroll(arguments + ["--out", folder.file("plain")])
    #expect(plain.code == 0 && plain.output.contains("before: ") && plain.output.contains("after: "))
    for name in ["config.json", "vocabulary.json", "weights.safetensors"] {
      #expect(try folder.data("plain/" + name) == folder.data("small/" + name))
    }

    let measured = try Command.unroll(["evaluate", out, "--data", text, "--json"])
    #expect(try measured.objects().first?["nats"] as? Double == nats[1])
    let written = try Command.unroll(["generate", out, "--prompt", "the ", "--length", "20"])
    #expect(written.code == 0 && written.output.count == 25)
    let seen = try Command.unroll(["inspect", out])
    #expect(seen.code == 0 && seen.output.contains("matrices in \(precision == "bf16" ? "bfloat16" : "int8")"))
  }

  @Test func whatCannotBeIsRefused() throws {
    let folder = try Sample.copy()
    let (model, out) = (folder.file("model"), folder.file("small"))
    func expect(_ arguments: [String], code: Int32, _ parts: [String]) throws {
      try expectFailure(Command.unroll(arguments + ["--json"]), code: code, parts)
    }
    let good = ["quantize", model, "--precision", "int8"]
    try expect(["quantize", model, "--precision", "int4", "--out", out], code: 2, ["--precision"])
    try expect(["quantize", model, "--out", out], code: 2, ["--precision"])
    try expect(good, code: 2, ["--out"])
    try expect(good + ["--out", ""], code: 2, ["--out"])
    try expect(good + ["--out", model], code: 2, ["holds a model already", "--out"])
    try expect(good + ["--out", out, "--data", folder.file("none")], code: 1, ["none"])
    try expect(["quantize", folder.file("none"), "--precision", "int8", "--out", out], code: 1, ["no model folder"])
    let foreign = try folder.write("日本\n".utf8, to: "foreign.txt")
    try expect(good + ["--out", out, "--data", foreign], code: 1, ["foreign.txt"])
    #expect(!folder.exists("small"))

    #expect(try Command.unroll(good + ["--out", out]).code == 0)
    try expect(["quantize", out, "--precision", "bf16", "--out", folder.file("twice")], code: 2, ["rounded to int8"])
    try expect(
      ["train", "text", "--out", out, "--resume", "--data", folder.file("text.txt")], code: 2,
      ["cannot be trained", "the folder that it was made from"])
  }
}
