import Foundation
import Testing

/// `train forecast`, `evaluate` and `predict` of what it made.
@Suite struct ForecastTests {
  private static let table =
    "hour,load,wind\n"
    + (0..<160).map { i in
      let (day, hour) = (1 + i / 24, i % 24)
      return "2024-03-0\(day) \(hour < 10 ? "0" : "")\(hour):00,\(sin(Double(i) * .pi / 12)),\(i % 5)\n"
    }.joined()
  private static let sizes = [
    "--window", "24", "--horizon", "3", "--season", "24", "--hidden", "8", "--batch", "16", "--columns", "load",
    "--learning-rate", "0.02",
  ]

  @Test func forecastsFollowTheEnd() throws {
    let folder = TestFolder()
    let path = try folder.write(Self.table.utf8, to: "load.csv")
    let model = folder.file("model")
    let first = try Command.unroll(
      ["train", "forecast", "--data", path, "--out", model, "--epochs", "1"] + Self.sizes)
    #expect(first.code == 0 && first.errors.contains("test: MSE and MAE"), "\(first.errors)")
    let more = try Command.unroll(["train", "forecast", "--out", model, "--resume", "--epochs", "12"])
    #expect(more.code == 0, "\(more.errors)")
    let outcome = try Command.unroll(["predict", model, "--data", path])
    let lines = outcome.output.split(separator: "\n")
    #expect(lines.count == 3 && lines[0].hasPrefix("2024-03-07 16:00,") && lines[2].hasPrefix("2024-03-07 18:00,"))
    let objects = try Command.unroll(["predict", model, "--data", path, "--json"]).objects()
    #expect(objects.count == 3 && objects[0]["time"] as? String == "2024-03-07 16:00")
    #expect((objects[0]["values"] as? [String: Double])?.keys.sorted() == ["load"])
    let score = try Command.unroll(["evaluate", model, "--data", path, "--json"]).objects()[0]
    #expect(score["windows"] as? Int == 134 && score["mse"] as? Double ?? 9 < 0.5, "\(score)")
  }

  @Test func wrongUseIsAnError() throws {
    let folder = TestFolder()
    let path = try folder.write(Self.table.utf8, to: "load.csv")
    let out = folder.file("model")
    let train = ["train", "forecast", "--out", out, "--json", "--data", path]
    for (flags, part) in [
      (["--window", "0"], "window is 0"), (["--horizon", "-2"], "horizon"), (["--season", "97"], "season is 97"),
      (["--split", "0.5,0.5"], "split"), (["--split", "a,b,c"], "split"), (["--hidden", "0"], "hidden"),
      (["--dropout", "1"], "dropout"), (["--target", "rain"], "`rain`"),
    ] {
      try expectFailure(Command.unroll(train + ["--window", "48", "--columns", "load"] + flags), code: 2, [part])
    }
    try expectFailure(Command.unroll(train + ["--columns", "rain"]), code: 1, ["load.csv:1", "no column `rain`"])
    try expectFailure(Command.unroll(train + ["--window", "300"]), code: 1, ["160 rows", "--window"])
    let empty = try folder.write("hour,load\n1,\n".utf8, to: "empty.csv")
    try expectFailure(
      Command.unroll(["train", "forecast", "--out", out, "--json", "--data", empty]), code: 1,
      ["empty.csv:2", "is empty", "--fill"])
    #expect(!folder.exists("model"))
    #expect(try Command.unroll(train + Self.sizes + ["--epochs", "1"]).code == 0)
    try expectFailure(Command.unroll(["predict", out, "1,2", "--json"]), code: 2, ["answers a file", "--data"])
    try expectFailure(Command.unroll(["predict", out, "--data", path, "--beam", "2", "--json"]), code: 2, ["--beam"])
    try expectFailure(
      Command.unroll(["train", "forecast", "--out", out, "--resume", "--json", "--window", "9"]), code: 2, ["--window"])
  }
}
