import Foundation
import Testing

/// `--repeat` of `unroll train X`.
@Suite struct SeedsTests {
  private func train(_ folder: TestFolder, _ arguments: [String]) throws -> Outcome {
    try Command.unroll(
      ["train", "text", "--data", Sample.shared.get().file("text.txt")] + Sample.sizes + arguments)
  }

  @Test func meansAndDeviationsAreThoseOfTheRuns() throws {
    let folder = TestFolder()
    let outcome = try train(
      folder, ["--out", folder.file("runs"), "--repeat", "3", "--seed", "5", "--json", "--tensorboard"])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let objects = try outcome.objects()
    let result = try #require(objects.last)
    #expect(result["event"] as? String == "repeated" && result["seeds"] as? [Int] == [5, 6, 7])
    let measures = try #require(result["measures"] as? [[String: Any]])
    #expect(
      measures.map { "\($0["part"] ?? "") \($0["name"] ?? "")" } == [
        "validation nats", "test nats", "test bitsPerCharacter", "test perplexity",
      ])
    let nats = objects.filter { $0["event"] as? String == "score" }.compactMap { $0["nats"] as? Double }
    #expect(nats.count == 3 && Set(nats).count == 3 && measures[1]["values"] as? [Double] == nats)
    let mean = nats.reduce(0, +) / 3
    let deviation = (nats.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 2).squareRoot()
    #expect(abs((measures[1]["mean"] as? Double ?? 0) - mean) < 1e-12)
    #expect(abs((measures[1]["deviation"] as? Double ?? 0) - deviation) < 1e-12)
    // Each run is that of its seed.
    #expect(try train(folder, ["--out", folder.file("alone"), "--seed", "6"]).code == 0)
    #expect(try folder.data("runs/seed-6/weights.safetensors") == folder.data("alone/weights.safetensors"))
    for seed in 5...7 { #expect(folder.exists("runs/seed-\(seed)/tensorboard")) }
  }

  @Test func examplesAreTrainedAgainToo() throws {
    let folder = TestFolder()
    let rows = (0..<60).map { "\($0 % 2 == 0 ? "good fine" : "bad sad")\t\($0 % 2)" }.joined(separator: "\n")
    let outcome = try Command.unroll([
      "train", "classify", "--data", try folder.write(rows.utf8, to: "a.tsv"), "--out", folder.file("runs"),
      "--hidden", "4", "--embedding", "4", "--epochs", "2", "--repeat", "2", "--tensorboard", folder.file("log"),
    ])
    #expect(outcome.code == 0, "\(outcome.errors)")
    for part in ["seed 1:", "seed 2:", "of 2 seeds", "  validation error rate ", "  test accuracy ", " ± "] {
      #expect(outcome.errors.contains(part), "\(outcome.errors)")
    }
    #expect(folder.exists("log/seed-1") && folder.exists("log/seed-2"))
  }

  @Test func whatCannotBeIsRefusedAtOnce() throws {
    let folder = TestFolder()
    let out = ["--out", folder.file("runs"), "--json"]
    for count in ["0", "1", "-3", "1001"] {
      try expectFailure(train(folder, out + ["--repeat", count]), code: 2, ["--repeat is \(count)"])
    }
    try expectFailure(
      train(folder, out + ["--repeat", "2", "--seed", "18446744073709551615"]), code: 2, ["no 2 seeds", "--seed"])
    try expectFailure(
      Command.unroll(["train", "text", "--resume", "--repeat", "2"] + out), code: 2, ["--repeat begins trainings"])
    #expect(!folder.exists("runs"))
    #expect(try train(folder, ["--out", folder.file("runs/seed-3")]).code == 0)
    try expectFailure(
      train(folder, out + ["--repeat", "3"]), code: 2, ["holds a model already", "seed-3", "--resume"])
    #expect(!folder.exists("runs/seed-1"))
  }
}
