import Foundation
import Testing

/// `--watch`, `unroll doctor`, `unroll bench gradients`.
@Suite struct WatchedTests {
  private func train(_ folder: TestFolder, _ more: [String], to name: String = "model") throws -> Outcome {
    let text = (0..<400).map { "line \($0 * 7919 % 1000) of a text\n" }.joined()
    let path = try folder.write(text.utf8, to: "text.txt")
    return try Command.unroll(
      [
        "train", "text", "--data", path, "--out", folder.file(name), "--hidden", "16", "--embedding", "8", "--length",
        "16", "--batch", "8", "--epochs", "2",
      ] + more)
  }

  private func reports(_ folder: TestFolder) throws -> [Substring] {
    try folder.text("model/watch.jsonl").split(separator: "\n")
  }

  private func holds(_ folder: TestFolder, _ name: String) -> Bool {
    FileManager.default.fileExists(atPath: folder.file(name))
  }

  @Test func gradientsAreShownAndKept() throws {
    let folder = TestFolder()
    let run = try train(folder, ["--watch", "--watch-every", "20"])
    #expect(run.code == 0, "\(run.errors)")
    #expect(run.errors.contains("recurrent.layers.0  hidden  |") && run.errors.contains(" a step back"))
    let lines = try reports(folder)
    #expect(lines.count > 3)
    // Watching changes nothing.
    #expect(try train(folder, ["--watch-every", "0"], to: "plain").code == 0)
    #expect(!holds(folder, "plain/watch.jsonl"))
    #expect(try folder.data("plain/weights.safetensors") == folder.data("model/weights.safetensors"))
    // Resumed, it goes on where it was.
    #expect(
      try Command.unroll(["train", "text", "--out", folder.file("model"), "--resume", "--epochs", "3"]).code == 0)
    let updates = try reports(folder).map { line in
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
      return try #require(object?["updatesDone"] as? Int)
    }
    #expect(updates == updates.indices.map { 1 + 20 * $0 } && updates.count > lines.count)
  }

  @Test func theDoctorSaysWhatIsWrong() throws {
    let folder = TestFolder()
    #expect(try train(folder, ["--watch-every", "5", "--clip", "0.0001"]).code == 0)
    let found = try Command.unroll(["doctor", folder.file("model")])
    #expect(found.code == 3 && found.output.contains("Constant clipping"), "\(found.output)\(found.errors)")
    let objects = try Command.unroll(["doctor", folder.file("model"), "--json"]).objects()
    #expect(objects.contains { $0["kind"] as? String == "constant-clipping" })
    #expect(objects.allSatisfy { $0["evidence"] is String && $0["advice"] is [String] })
    // The text is no longer where it was.
    try FileManager.default.removeItem(atPath: folder.file("text.txt"))
    let moved = try Command.unroll(["doctor", folder.file("model")])
    #expect(moved.code == 1 && moved.errors.contains("text.txt") && moved.output.isEmpty)
    #expect(try Command.unroll(["doctor", folder.file("model"), "--without-data"]).code == 3)
  }

  /// Weights that are too large: the run ends, and says where; so does the doctor, later.
  @Test func whatIsNotFiniteIsLocated() throws {
    let folder = TestFolder()
    let run = try train(folder, ["--cell", "elman-relu", "--learning-rate", "1e20", "--clip", "0"])
    #expect(run.code == 1, "\(run.errors)")
    for part in [
      "update 2 was not made", "behind `recurrent.layers.0.cell.hidden` gave ", ", time step 1 of sequence 0",
      "the last 3 updates were not made",
    ] { #expect(run.errors.contains(part), "\(part) in \(run.errors)") }
    #expect(try folder.text("model/skipped.jsonl").split(separator: "\n").count == 3)
    let found = try Command.unroll(["doctor", folder.file("model"), "--without-data"])
    #expect(found.code == 3 && found.output.contains("Not finite in recurrent.layers.0.cell.hidden"), "\(found.output)")
  }

  @Test func wrongInputIsNamed() throws {
    let folder = TestFolder()
    let nowhere = try Command.unroll(["doctor", folder.file("nowhere")])
    #expect(nowhere.code == 1 && nowhere.errors.contains("unroll train"))
    let both = try train(folder, ["--watch", "--watch-every", "0"])
    #expect(both.code == 2 && both.errors.contains("--watch-every 0") && !holds(folder, "model"))
    #expect(try train(folder, ["--watch-every", "-1"]).code == 2)
    #expect(try train(folder, ["--watch-every", "20"]).code == 0)
    _ = try folder.write("{\"epoch\": 1}\n".utf8, to: "model/watch.jsonl")
    let damaged = try Command.unroll(["doctor", folder.file("model"), "--without-data"])
    #expect(damaged.code == 1 && damaged.errors.contains("watch.jsonl:1"), "\(damaged.errors)")
  }

  /// A plain cell's gradient fades as its weights say, within a tenth; an LSTM's more slowly.
  @Test func gradientsFadeAsTheorySays() throws {
    let rows = try Command.unroll([
      "bench", "gradients", "--lengths", "50", "100", "--cells", "elman", "lstm", "--hidden", "48", "--updates", "1",
      "--json",
    ]).objects()
    #expect(rows.count == 4)
    func row(_ cell: String, _ length: Int) throws -> [String: Any] {
      try #require(rows.first { $0["cell"] as? String == cell && $0["length"] as? Int == length })
    }
    for length in [50, 100] {
      let plain = try row("elman", length)
      let decay = try #require(plain["decay"] as? Double)
      let spectral = try #require(plain["spectral"] as? Double)
      let exponent = try #require(plain["lyapunovExponent"] as? Double)
      #expect(abs(decay / spectral - 1) < 0.1 && abs(decay / exp(exponent) - 1) < 0.1)
      #expect((plain["norms"] as? [Double])?.count == length)
      #expect(try #require(row("lstm", length)["decay"] as? Double) > decay)
    }
    // Weights that have learnt: their units differ.
    let trained = try Command.unroll([
      "bench", "gradients", "--lengths", "50", "--cells", "elman", "--hidden", "48", "--updates", "100", "--json",
    ]).objects()
    let last = try #require(trained.last)
    #expect(trained.count == 2 && last["updatesDone"] as? Int == 100)
    #expect(abs(try #require(last["decay"] as? Double) / #require(last["spectral"] as? Double) - 1) < 0.1)
    #expect(try Command.unroll(["bench", "gradients", "--lengths", "2"]).code == 2)
  }
}
