import Foundation
import Testing

/// `unroll bench`: that it measures what was asked for, on rows that take no time, and refuses what cannot be.
@Suite struct BenchTests {
  private func bench(_ arguments: String...) throws -> Outcome { try Command.unroll(["bench"] + arguments) }

  private func serve(_ rows: [String], _ arguments: String = "--json") throws -> Outcome {
    try Command.shell(
      "printf '%s\\n' \"$1\" | \"$0\" bench recurrent --serve --rounds 1 \(arguments)", rows.joined(separator: "\n"))
  }

  private func row(
    _ cell: String, _ kind: String, time: Int = 4, batch: Int = 3, hidden: Int = 5, layers: Int = 1, _ rest: String = ""
  ) -> String {
    let sizes = #""time":\#(time),"batch":\#(batch),"hidden":\#(hidden),"layers":\#(layers)"#
    return #"{"cell":"\#(cell)","kind":"\#(kind)",\#(sizes)\#(rest)}"#
  }

  // MARK: Rows

  @Test func filtersChooseRows() throws {
    func labels(_ filter: String) throws -> [[String: Any]] {
      let outcome = try bench("recurrent", "--list", "--filter", filter)
      #expect(outcome.code == 0 && outcome.errors.isEmpty)
      return try outcome.objects()
    }
    let all = try labels("")
    let lines = try bench("recurrent", "--list").output.split(separator: "\n")
    #expect(all.count > 50 && Set(lines).count == all.count)
    for object in all {
      for key in ["cell", "kind"] { #expect(object[key] is String, "\(object)") }
      for key in ["time", "batch", "hidden", "layers"] { #expect((object[key] as? Int ?? 0) > 0, "\(object)") }
    }
    let reduced = try labels("LSTM b1 forward bf16")
    #expect(reduced.compactMap { $0["hidden"] as? Int } == [256, 512])
    for object in reduced {
      #expect(object["cell"] as? String == "lstm" && object["kind"] as? String == "forward")
      #expect(object["precision"] as? String == "bfloat16" && object["batch"] as? Int == 1)
    }
    for (cell, precision) in [("lstm", "bf16"), ("lstm", "int8"), ("gru", "bf16"), ("gru", "int8"), ("elman", "int8")] {
      #expect(try labels("\(cell) forward \(precision)").count == 4)
      #expect(try labels("\(cell) step \(precision)").count == 2)
    }
    #expect(try labels("train").allSatisfy { $0["precision"] == nil })
    for cell in ["lstm", "mingru", "minlstm", "sru"] {
      #expect(try labels("\(cell) train T1000 H256").compactMap { $0["batch"] as? Int }.prefix(2) == [8, 1])
      guard cell != "sru" else { continue }
      #expect(try labels("\(cell) train T1000 I32").compactMap { $0["inputs"] as? Int } == [32])
    }
  }

  @Test func wrongFlagsAreRefused() throws {
    for (arguments, parts) in [
      (["recurrent", "--filter", "lstm fly"], ["--filter \"lstm fly\" leaves no row", "--list"]),
      (["recurrent", "--rounds", "0"], ["--rounds is 0, and must be at least 1"]),
      (["recurrent", "--rounds", "-1"], ["--rounds is -1"]),
      (["recurrent", "--list", "--serve"], ["--list and --serve exclude each other"]),
      (["recurrent", "--threads", "0"], ["--threads is 0"]),
      (["passes", "--filter", "inline"], ["leaves nothing to measure", "hoist"]),
      (["passes", "--rounds", "0"], ["--rounds is 0"]),
      (["passes", "--milliseconds", "0"], ["--milliseconds is 0, and must be in 1...60000"]),
      (["passes", "--milliseconds", "9223372036854775807"], ["--milliseconds is 9223372036854775807"]),
      (["passes", "--time", "-1"], ["time is -1, and must be in 1…"]),
      (["passes", "--batch", "0"], ["batch is 0, and must be in 1…65536"]),
      (["passes", "--hidden", "9223372036854775807"], ["hidden is 9223372036854775807, and must be in 1…16384"]),
      (["passes", "--hidden", "16384"], ["too large to be measured"]),
      (["kernel"], ["there is no command `kernel`", "did you mean `unroll bench kernels`?"]),
    ] {
      try expectFailure(Command.unroll(["bench"] + arguments + ["--json"]), code: 2, parts)
    }
  }

  // MARK: Serving

  @Test func rowsAreAnsweredInTheirOrder() throws {
    let rows = [
      row("lstm", "train", layers: 2, #","threads":1"#), row("lstm", "train", layers: 2, #","threads":3"#),
      row("dense", "ragged"), row("minlstm", "ragged"), row("tide", "forward"), row("gru", "step", time: 1, batch: 1),
      row("gru", "forward", #","precision":"float32""#), row("sru", "train", layers: 2, #","inputs":7"#),
    ]
    let outcome = try serve(rows)
    #expect(outcome.code == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    let answers = try outcome.objects()
    #expect(
      answers.compactMap { $0["label"] as? String } == [
        "lstm train T4 B3 H5 L2", "lstm train T4 B3 H5 L2", "dense ragged T4 B3 H5", "minlstm ragged T4 B3 H5",
        "tide forward T4 B3 H5",
        "gru step T1 B1 H5", "gru forward T4 B3 H5",
        "sru train T4 B3 H5 I7 L2",
      ])
    for (answer, row) in zip(answers, rows) {
      let question = try #require(try JSONSerialization.jsonObject(with: Data(row.utf8)) as? NSDictionary)
      #expect(answer["row"] as? NSDictionary == question)
      let milliseconds = try #require(answer["milliseconds"] as? Double)
      #expect(milliseconds > 0 && milliseconds < 1000)
      #expect((answer["speed"] as? Double ?? 0) > 0 && answer["float32"] == nil)
      let checks = try #require(answer["checks"] as? [String: [Double]])
      let trains = row.contains("train") || row.contains("ragged")
      #expect(checks.keys.sorted() == (trains ? ["inputGradient", "output", "weightGradient"] : ["output"]))
      #expect(checks.values.allSatisfy { $0.count == 3 && $0.allSatisfy(\.isFinite) && $0[1] > 0 })
    }
    #expect(answers[0]["checks"] as? NSDictionary == answers[1]["checks"] as? NSDictionary)
    #expect(answers[1]["threads"] as? Int == 3)
  }

  @Test func fewerBitsAreHeldAgainstFloat32() throws {
    let outcome = try serve([
      row("gru", "forward"), row("gru", "forward", #","precision":"bfloat16""#),
      row("gru", "step", time: 1, batch: 1, #","precision":"int8""#),
    ])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let answers = try outcome.objects()
    #expect(
      answers.compactMap { $0["label"] as? String } == [
        "gru forward T4 B3 H5", "gru forward bf16 T4 B3 H5", "gru step int8 T1 B1 H5",
      ])
    for answer in answers.dropFirst() {
      let (own, other) = (answer["milliseconds"] as? Double ?? 0, answer["float32"] as? [String: Double] ?? [:])
      // One round: the ratio of the two medians.
      #expect(abs((other["milliseconds"] ?? 0) / own - (other["ratio"] ?? -1)) < 1e-9, "\(answer)")
    }
    func squares(_ answer: [String: Any]) -> Double { (answer["checks"] as? [String: [Double]])?["output"]?[1] ?? 0 }
    let (exact, rounded) = (squares(answers[0]), squares(answers[1]))
    #expect(exact != rounded && abs(exact - rounded) < 0.03 * exact, "\(exact) \(rounded)")
  }

  static let badRows: [(row: String, parts: [String])] = [
    ("", ["not a row"]), ("{", ["not a row: {", "unroll bench recurrent --list"]), ("[1, 2]", ["not a row"]),
    ("null", ["not a row"]), (#"{"cell":"lstm"}"#, ["not a row"]),
    (#"{"cell":"lstm","kind":"train","time":1,"batch":1,"hidden":1,"layers":1.5}"#, ["not a row"]),
    (#"{"cell":"lstm","kind":"train","time":1,"batch":1,"hidden":1e400,"layers":1}"#, ["not a row"]),
    (#"{"cell":"lstm","kind":"train","time":1,"batch":1,"hidden":99999999999999999999,"layers":1}"#, ["not a row"]),
    (#"{"cell":"lstn","kind":"train","time":1,"batch":1,"hidden":1,"layers":1}"#, ["not a row"]),
    (#"{"cell":"lstm","kind":"train","time":-3,"batch":1,"hidden":1,"layers":1}"#, ["time is -3"]),
    (#"{"cell":"lstm","kind":"train","time":1,"batch":0,"hidden":1,"layers":1}"#, ["batch is 0"]),
    (#"{"cell":"lstm","kind":"train","time":1,"batch":1,"hidden":-9223372036854775808,"layers":1}"#, ["hidden is -9"]),
    (#"{"cell":"lstm","kind":"train","time":1,"batch":1,"hidden":1,"layers":65}"#, ["layers is 65"]),
    (#"{"cell":"lstm","kind":"train","time":1,"batch":1,"hidden":1,"layers":1,"threads":0}"#, ["threads is 0"]),
    (#"{"cell":"lstm","kind":"train","time":1,"batch":1,"hidden":1,"layers":1,"threads":9999999}"#, ["threads is 9"]),
    (#"{"cell":"lstm","kind":"train","time":1,"batch":1,"hidden":1,"layers":1,"inputs":0}"#, ["inputs is 0"]),
    (#"{"cell":"lstm","kind":"train","time":1048576,"batch":65536,"hidden":1,"layers":1}"#, ["too large"]),
    (#"{"cell":"lstm","kind":"train","time":1,"batch":1,"hidden":16384,"layers":64}"#, ["too large"]),
    (#"{"cell":"lstm","kind":"step","time":2,"batch":1,"hidden":1,"layers":1}"#, ["a step has time 1"]),
    (#"{"cell":"lstm","kind":"step","time":1,"batch":2,"hidden":1,"layers":1}"#, ["a step has time 1 and batch 1"]),
    (
      #"{"cell":"lstm","kind":"train","time":1,"batch":1,"hidden":1,"layers":1,"precision":"int8"}"#,
      ["train needs float32"]
    ),
    (
      #"{"cell":"lstm","kind":"forward","time":1,"batch":1,"hidden":1,"layers":1,"precision":"int4"}"#, ["not a row"]
    ),
  ]

  @Test(arguments: badRows) func badRowsAreNamed(_ bad: (row: String, parts: [String])) throws {
    try expectFailure(serve([bad.row]), code: 1, bad.parts + ["standard input:1"])
  }

  @Test func aBadRowEndsTheAnswers() throws {
    let outcome = try serve([row("elman", "forward"), "nonsense", row("elman", "forward")], "")
    #expect(outcome.code == 1 && outcome.errors.contains("standard input:2"), "\(outcome.errors)")
    #expect(try outcome.objects().count == 1)
    #expect(try Command.unroll(["bench", "recurrent", "--serve"]).code == 0, "nothing asked, nothing answered")
  }

  // MARK: Tables

  @Test func passesAreSwitchedOff() throws {
    let tiny = ["--time", "3", "--batch", "2", "--hidden", "4", "--milliseconds", "1", "--rounds", "1"]
    let names = ["split", "stack", "hoist", "sink", "fuse", "all"]
    let scans = try Command.unroll(["bench", "passes", "--filter", "pass scan", "--json"] + tiny).objects()
    #expect(scans.compactMap { ($0["row"] as? [String: Any])?["cell"] as? String } == ["mingru", "minlstm"])
    let json = try Command.unroll(["bench", "passes", "--filter", "pass", "--json"] + tiny).objects()
    #expect(json.compactMap { $0["name"] as? String }.filter { $0 != "scan" } == names.flatMap { [$0, $0, $0] })
    for object in json {
      let (with, without) = (object["with"] as? Double ?? 0, object["without"] as? Double ?? 0)
      #expect(with > 0 && without > 0 && object["kind"] as? String == "pass")
      #expect(abs(without / with - (object["factor"] as? Double ?? 0)) < 1e-9, "\(object)")
    }
    let table = try Command.unroll(["bench", "passes", "--threads", "2", "--filter", "lstm T3"] + tiny)
    #expect(table.code == 0 && table.errors.isEmpty, "\(table.errors)")
    for name in names + ["threads", "team", "checkpointing"] {
      #expect(table.output.contains("\n\(name) "), "\(name) is missing in\n\(table.output)")
    }
    let alone = try Command.unroll(["bench", "passes", "--threads", "1", "--filter", "engine"] + tiny).output
    #expect(alone.contains("\nsession ") && alone.contains("\nkept-weights ") && !alone.contains("\nteam "), "\(alone)")
  }

  @Test func instructionSetsAreMeasuredByProcesses() throws {
    let rows = ["bench", "passes", "--filter", "portable train", "--time", "3", "--batch", "2", "--hidden", "4"]
    // The best set of the machine, whatever these tests run with; it may be the lowest.
    let outcome = try Command.unroll(rows + ["--rounds", "1", "--json"], environment: ["UNROLL_ISA": ""])
    let object = try #require(outcome.objects().first)
    if object["event"] == nil {
      #expect(object["kind"] as? String == "kernels" && (object["factor"] as? Double ?? 0) > 0)
      #expect(object["instructionSet"] as? String != "portable" && object["name"] as? String == "portable")
    }
    let lowest = try Command.unroll(rows + ["--json"], environment: ["UNROLL_ISA": "portable"])
    try expectFailure(lowest, code: 2, ["leaves nothing to measure"])
  }

  /// The whole takes a while: its reader goes away after three lines.
  @Test func kernelsAreMeasured() throws {
    let lines = try Command.shell("\"$0\" bench kernels --json | head -n 3").objects()
    #expect(lines.compactMap { $0["kernel"] as? String } == ["fma", "product", "product"])
    #expect(lines.allSatisfy { ($0["value"] as? Double ?? 0) > 0 && $0["unit"] as? String == "GF/s" })
    let table = try Command.shell("\"$0\" bench kernels | head -n 4")
    #expect(table.output.hasPrefix("instruction set: ") && table.output.contains("% of peak"), "\(table.output)")
    #expect(try Command.shell("\"$0\" bench kernels > /dev/full").errors.contains("No space left on device"))
  }
}
