import Foundation
import TestSupport
import Testing

/// `--tensorboard` of `unroll train X`.
@Suite struct TensorBoardTests {
  private func train(_ folder: TestFolder, _ arguments: [String]) throws -> Outcome {
    try Command.unroll(
      ["train", "text", "--data", Sample.shared.get().file("text.txt"), "--out", folder.file("model")] + Sample.sizes
        + arguments)
  }

  private func events(in folder: String) throws -> [DecodedEvent] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted().flatMap {
      try decodedEvents("\(folder)/\($0)")
    }
  }

  @Test func standsBesideTheModel() throws {
    let folder = TestFolder()
    #expect(try train(folder, ["--tensorboard", "--threads", "1"]).code == 0)
    let resumed = try Command.unroll(
      ["train", "text", "--out", folder.file("model"), "--resume", "--epochs", "2", "--tensorboard"])
    #expect(resumed.code == 0, "\(resumed.errors)")
    let summaries = try events(in: folder.file("model/tensorboard")).flatMap(\.summaries)
    #expect(summaries.count { $0.tag == "epoch/validation_loss" } == 2)
    let text = summaries.first { $0.tag == "configuration" }?.text ?? ""
    #expect(text.contains("\"hidden\" : 12") && text.hasPrefix("```json\n"))
  }

  @Test func examplesHaveIt() throws {
    let folder = TestFolder()
    let rows = (0..<40).map { "\($0 % 2 == 0 ? "good fine" : "bad sad")\t\($0 % 2)" }.joined(separator: "\n")
    let outcome = try Command.unroll([
      "train", "classify", "--data", try folder.write(rows.utf8, to: "a.tsv"), "--out", folder.file("model"),
      "--hidden", "4", "--embedding", "4", "--epochs", "2", "--tensorboard", folder.file("log"),
    ])
    #expect(outcome.code == 0, "\(outcome.errors)")
    let tags = Set(try events(in: folder.file("log")).flatMap(\.summaries).map(\.tag))
    #expect(tags.isSuperset(of: ["configuration", "update/loss", "epoch/training_loss", "epoch/validation_loss"]))
    #expect(!folder.exists("model/tensorboard"))
  }

  @Test func foldersThatCannotBeAreRefused() throws {
    let folder = TestFolder()
    let file = try folder.write([7], to: "file")
    try expectFailure(
      train(folder, ["--tensorboard", file + "/log", "--json"]), code: 1, ["file/log", "--tensorboard"])
  }

  /// The training goes on without its log, whose events are whole.
  @Test func aFullDiskEndsTheLogAlone() throws {
    let folder = TestFolder()
    // A limit on the size of each file; only the log becomes so large.
    let outcome = try Command.shell(
      "trap '' XFSZ; ulimit -f 32; exec \"$0\" train text --data \"$1\" --out \"$2\" --hidden 4 --embedding 4 "
        + "--length 16 --batch 4 --epochs 30 --patience 30 --watch-every 0 --tensorboard",
      Sample.shared.get().file("text.txt"), folder.file("model"))
    #expect(outcome.code == 0, "\(outcome.errors)")
    #expect(outcome.errors.contains("the TensorBoard log is not complete: the file cannot be written"))
    #expect(outcome.errors.contains("finished: 30 epochs"))
    let events = try events(in: folder.file("model/tensorboard"))
    #expect(events.count > 50)
  }
}
