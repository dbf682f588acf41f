import Foundation
import Testing

/// `unroll bench memory`.
@Suite struct MemoryBenchTests {
  @Test func rowsSayWhatWasLearnt() throws {
    let run = try Command.unroll([
      "bench", "memory", "--problems", "adding-4", "copy-2", "--cells", "gru", "indrnn", "--hidden", "16", "--updates",
      "20", "--every", "10", "--seeds", "3", "4", "--json",
    ])
    #expect(run.code == 0 && run.errors.isEmpty)
    let rows = try run.objects()
    #expect(rows.count == 8)
    for row in rows {
      let losses = try #require(row["losses"] as? [Double])
      #expect(losses.count == 2 && losses.last == row["loss"] as? Double)
      #expect(row["updates"] as? Int == 20 && row["event"] as? String == "memory")
    }
    #expect(Set(rows.compactMap { $0["seed"] as? Int }) == [3, 4])
    let again = try Command.unroll([
      "bench", "memory", "--problems", "adding-4", "--cells", "gru", "--hidden", "16", "--updates", "20", "--every",
      "10",
      "--seeds", "3", "--json",
    ]).objects()
    #expect(again[0]["losses"] as? [Double] == rows[0]["losses"] as? [Double])
  }

  /// Five time steps are no distance: a GRU solves them, and training stops there.
  @Test func solvedProblemsEnd() throws {
    let rows = try Command.unroll([
      "bench", "memory", "--problems", "adding-5", "--cells", "gru", "--hidden", "32", "--updates", "3000",
      "--learning-rate", "0.01", "--json",
    ]).objects()
    let solved = try #require(rows[0]["solvedAfter"] as? Int)
    #expect(solved == rows[0]["updates"] as? Int && solved < 3000)
  }

  /// Each remedy changes what is learnt, in both benches.
  @Test func remediesChangeWhatIsLearnt() throws {
    let remedies = [
      [], ["--clip", "value=0.001"], ["--clip", "adaptive=0.01"], ["--recurrent-initializer", "glorot"],
      ["--recurrent-initializer", "identity=0.5"], ["--chrono", "20"], ["--preserve-gradients", "2"],
      ["--optimizer", "sgd"], ["--learning-rate", "0.1"],
    ]
    func losses(_ bench: [String], _ name: String) throws -> Set<Double> {
      Set(
        try remedies.map { flags in
          let row = try Command.unroll(["bench"] + bench + ["--hidden", "8", "--updates", "4", "--json"] + flags)
            .objects().last
          return try #require(row?[name] as? Double)
        })
    }
    #expect(
      try losses(["memory", "--problems", "adding-9", "--cells", "lstm"], "loss").count == remedies.count)
    #expect(
      try losses(["gradients", "--lengths", "9", "--cells", "lstm"], "heldOutLoss").count == remedies.count)
  }

  @Test func wrongInputIsNamed() throws {
    for (arguments, parts) in [
      (["--problems", "adding"], ["no problem `adding`", "adding-N"]), (["--problems", "adding-1"], ["adding-N"]),
      (["--problems", "pixels"], ["--mnist"]), (["--problems", "pixels", "--mnist", "nowhere"], ["train-images"]),
      (["--cells", "foo"], ["foo"]), (["--hidden", "0"], ["--hidden is 0"]),
      (["--updates", "-1"], ["--updates is -1"]),
      (["--learning-rate", "nan"], ["--learning-rate"]), (["--chrono", "1"], ["--chrono is 1"]),
      (["--clip", "value"], ["clip"]),
      (["--preserve-gradients", "-1"], ["--preserve-gradients"]),
    ] {
      let run = try Command.unroll(["bench", "memory"] + arguments)
      #expect(run.code != 0 && run.output.isEmpty, "\(arguments)")
      for part in parts { #expect(run.errors.contains(part), "\(part) in \(run.errors)") }
    }
  }
}
