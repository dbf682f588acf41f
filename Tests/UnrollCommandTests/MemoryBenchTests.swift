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

  @Test func wrongInputIsNamed() throws {
    for (arguments, parts) in [
      (["--problems", "adding"], ["no problem `adding`", "adding-N"]), (["--problems", "adding-1"], ["adding-N"]),
      (["--problems", "pixels"], ["--mnist"]), (["--problems", "pixels", "--mnist", "nowhere"], ["train-images"]),
      (["--cells", "foo"], ["foo"]), (["--hidden", "0"], ["--hidden is 0"]),
      (["--updates", "-1"], ["--updates is -1"]),
      (["--learning-rate", "nan"], ["--learning-rate"]),
    ] {
      let run = try Command.unroll(["bench", "memory"] + arguments)
      #expect(run.code != 0 && run.output.isEmpty, "\(arguments)")
      for part in parts { #expect(run.errors.contains(part), "\(part) in \(run.errors)") }
    }
  }
}
