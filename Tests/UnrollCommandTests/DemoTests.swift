import Foundation
import Testing

/// `unroll demo`.
@Suite struct DemoTests {
  @Test(arguments: ["recognize", "describe", "classify", "tag", "translate", "text"])
  func everyPartTrainsAndAnswers(part: String) throws {
    let folder = TestFolder()
    let objects = try Command.unroll(
      ["demo", "--only", part, "--epochs", "1", "--out", folder.file("models"), "--json"]
    ).objects()
    let answers = objects.filter { $0["event"] as? String == (part == "text" ? "generated" : "prediction") }
    #expect(answers.count == (part == "text" ? 10 : part == "recognize" || part == "classify" ? 6 : 5))
    for answer in answers where part != "text" {
      #expect(answer["part"] as? String == part)
      for key in ["input", "answer", "truth"] { #expect(answer[key] is String) }
    }
    let seen = try Command.unroll(["inspect", folder.file("models/\(part)")])
    #expect(seen.code == 0 && seen.output.contains(".weight  ["), "\(seen.errors)")
    if part != "text" {
      let picture = ["inspect", folder.file("models/\(part)"), "--picture", "step", "--json"]
      try expectFailure(Command.unroll(picture), code: 2, ["--picture", "language models"])
    }
    let config = try Data(contentsOf: URL(fileURLWithPath: folder.file("models/\(part)/config.json")))
    let object = try #require(try JSONSerialization.jsonObject(with: config) as? [String: Any])
    #expect(object["paradigm"] as? String == part)
  }

  @Test func peopleAreToldWhatTheySee() throws {
    let outcome = try Command.unroll(["demo", "--only", "tag", "--epochs", "3"])
    #expect(outcome.code == 0 && outcome.errors.contains("the same length") && outcome.errors.contains("of 150 others"))
    #expect(outcome.output.split(separator: "\n").count == 5 && outcome.output.contains("weekday"))
    // What `.ci/run` asks, to see whether the machine has an instruction set.
    #expect(try Command.unroll(["demo", "--only", "recognize", "--epochs", "0"]).code == 0)
    try expectFailure(Command.unroll(["demo", "--only", "cook", "--json"]), code: 2, ["cook"])
  }
}
