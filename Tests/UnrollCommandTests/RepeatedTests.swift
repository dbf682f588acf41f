import Foundation
import Testing

/// The same training again: with other threads, other instruction sets, stopped and gone on with.
@Suite struct RepeatedTests {
  /// Large enough that products and updates are shared among threads; with every kind of noise.
  private static let sizes = [
    "--hidden", "72", "--embedding", "20", "--length", "24", "--step", "17", "--batch", "7", "--epochs", "2",
    "--dropout", "0.1", "--layers", "2", "--input-dropout", "0.1", "--state-dropout", "0.1", "--output-dropout", "0.1",
    "--recurrent-dropout", "0.1", "--zoneout", "0.1", "--drop-connect", "0.2",
    "--word-dropout", "0.1", "--embedding-dropout", "0.1", "--label-smoothing", "0.1", "--activation-penalty", "2",
    "--temporal-penalty", "1", "--weight-decay", "0.001", "--weight-decay-of", "embedding=0.01",
  ]

  private func train(
    _ folder: TestFolder, _ name: String, _ arguments: [String] = [], environment: [String: String] = [:]
  ) throws -> Outcome {
    try Command.unroll(
      ["train", "text", "--data", folder.file("text.txt"), "--out", folder.file(name), "--json"] + Self.sizes
        + arguments,
      environment: environment)
  }

  private func lastLoss(_ outcome: Outcome) throws -> Double {
    try #require(outcome.objects().last { $0["event"] as? String == "epoch" }?["trainingLoss"] as? Double)
  }

  @Test func threadsAndSeedsDecide() throws {
    let folder = try Sample.copy()
    var files: Set<Data> = []
    for threads in 1...4 {
      #expect(try train(folder, "threads\(threads)", ["--threads", "\(threads)"]).code == 0)
      files.insert(try folder.data("threads\(threads)/weights.safetensors"))
    }
    #expect(files.count == 1)
    #expect(try train(folder, "other", ["--seed", "2"]).code == 0)
    files.insert(try folder.data("other/weights.safetensors"))
    #expect(files.count == 2)
  }

  @Test func instructionSetsAgree() throws {
    let folder = try Sample.copy()
    let reference = try lastLoss(train(folder, "portable", environment: ["UNROLL_ISA": "portable"]))
    for name in ["avx2", "avx512", "avx512bf16", "neon"] {
      let outcome = try train(folder, name, environment: ["UNROLL_ISA": name])
      // Of another machine.
      if outcome.errors.contains("no instruction set that this machine supports") { continue }
      #expect(abs(try lastLoss(outcome) - reference) < 1e-3 * reference, "\(name)")
    }
  }

  /// Killed before its first checkpoint, a training is begun again by `--resume`; with a complete epoch it is not.
  @Test func resumingWithoutACheckpoint() throws {
    let folder = try Sample.copy()
    #expect(try train(folder, "whole").code == 0)
    func resume(_ name: String) throws -> Outcome {
      try Command.unroll(["train", "text", "--out", folder.file(name), "--resume", "--json"])
    }
    for leftover in ["nothing", "weights"] {
      try FileManager.default.copyItem(atPath: folder.file("whole"), toPath: folder.file(leftover))
      for name in ["checkpoints", "history.jsonl"] + (leftover == "nothing" ? ["weights.safetensors"] : []) {
        try FileManager.default.removeItem(atPath: folder.file("\(leftover)/\(name)"))
      }
      #expect(try resume(leftover).code == 0)
      #expect(try folder.data("\(leftover)/weights.safetensors") == folder.data("whole/weights.safetensors"))
    }
    try FileManager.default.removeItem(atPath: folder.file("whole/checkpoints"))
    try expectFailure(resume("whole"), code: 1, ["there is no checkpoint to resume from", "hint: "])
    try expectFailure(resume("nowhere"), code: 1, ["there is no model folder", "nowhere"])
  }

  @Test func damagedCheckpointsFallBack() throws {
    let folder = try Sample.copy()
    #expect(try train(folder, "model2", ["--checkpoint-every", "3"]).code == 0)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.file("model2/checkpoints")).sorted()
    #expect(names.count == 2)
    let newest = try #require(names.last)
    let whole = try folder.data("model2/weights.safetensors")
    var bytes = try folder.data("model2/checkpoints/" + newest)
    bytes[bytes.count - 5] ^= 4
    _ = try folder.write(bytes, to: "model2/checkpoints/" + newest)
    let outcome = try Command.unroll(["train", "text", "--out", folder.file("model2"), "--resume"])
    #expect(outcome.code == 0)
    #expect(outcome.errors.contains("skipped ") && outcome.errors.contains(newest), "\(outcome.errors)")
    #expect(try folder.data("model2/weights.safetensors") == whole)
    for name in names { _ = try folder.write(bytes.prefix(1000), to: "model2/checkpoints/" + name) }
    try expectFailure(
      Command.unroll(["train", "text", "--out", folder.file("model2"), "--resume", "--json"]), code: 1, [newest])
  }
}
