import Foundation
import Testing

/// Flags of `unroll train X` that choose how weights begin, are moved, averaged and kept.
@Suite struct TrainingFlagsTests {
  private func train(_ folder: TestFolder, _ name: String, _ arguments: [String]) throws -> Outcome {
    try Command.unroll(
      ["train", "text", "--data", Sample.shared.get().file("text.txt"), "--out", folder.file(name)] + Sample.sizes
        + arguments)
  }

  /// `config.json` of a model, without white space.
  private func configuration(_ folder: TestFolder, _ name: String) throws -> String {
    try folder.text(name + "/config.json").filter { !$0.isWhitespace }
  }

  @Test(arguments: [
    (["--clip", "1"], #""clipping":{"norm":{"_0":1}}"#), (["--clip", "0"], #""clipping":{"none":{}}"#),
    (["--clip", "value=0.5"], #""clipping":{"value":{"_0":0.5}}"#),
    (["--preserve-gradients", "0.5"], #""gradientPreservation":0.5"#),
    (["--clip", "adaptive=0.25"], #""clipping":{"adaptive":{"_0":0.25}}"#),
    (["--average", "ema"], #""decay":0.999"#), (["--average", "ema=0.5"], #""decay":0.5"#),
    (["--average", "nt-asgd", "--optimizer", "sgd", "--momentum", "0"], #""momentum":0,"#),
    (["--recurrent-initializer", "identity"], #""recurrentInitializer":{"identity":{"scale":1}}"#),
    (["--recurrent-initializer", "orthogonal=1.5"], #"{"orthogonal":{"gain":1.5}}"#),
    (["--chrono", "50"], #""longestMemory":50"#), (["--chrono"], #""longestMemory":0"#),
    (["--patience", "3"], #""earlyStopping":{"minimumImprovement":0,"patience":3}"#),
    ([], #""earlyStopping":{"minimumImprovement":0,"patience":5}"#),
  ])
  func flagsAreSettings(arguments: [String], part: String) throws {
    let folder = TestFolder()
    let outcome = try train(folder, "model", arguments)
    #expect(outcome.code == 0, "\(outcome.errors)")
    let text = try configuration(folder, "model")
    #expect(text.contains(part), "\(text)")
    if arguments.first == "--average", arguments[1] != "nt-asgd" {
      #expect(outcome.errors.contains("validation, averaged, "), "\(outcome.errors)")
    }
  }

  @Test func eachOfThemChangesWhatIsLearnt() throws {
    let folder = TestFolder()
    var files: Set<Data> = []
    for (i, arguments) in [
      [], ["--preserve-gradients", "4"], ["--clip", "value=0.01"], ["--clip", "adaptive=0.01"], ["--average", "ema"],
      ["--chrono"],
      ["--chrono", "300"], ["--recurrent-initializer", "identity"], ["--recurrent-initializer", "glorot"],
    ].enumerated() {
      #expect(try train(folder, "\(i)", arguments).code == 0)
      files.insert(try folder.data("\(i)/weights.safetensors"))
    }
    #expect(files.count == 9)
  }

  @Test func patienceOfZeroNeverStops() throws {
    let folder = TestFolder()
    #expect(try train(folder, "model", ["--patience", "0"]).code == 0)
    #expect(try !configuration(folder, "model").contains("earlyStopping"))
  }

  /// A rate of 0 would never improve: with one that hardly does, training ends after the usual patience.
  @Test func trainingStopsByItself() throws {
    let folder = TestFolder()
    let arguments = ["--epochs", "40", "--schedule", "constant", "--learning-rate", "1e-30"]
    let outcome = try train(folder, "model", arguments)
    #expect(outcome.errors.contains("stopped early, the loss no longer falls: 6 epochs"), "\(outcome.errors)")
    #expect(try train(folder, "patient", arguments + ["--patience", "0"]).errors.contains("finished: 40 epochs"))
    // Gone on with, it has to be told to be more patient.
    for (patience, text) in [("7", "longer falls: 8 epochs"), ("0", "finished: 9 epochs")] {
      let resumed = try Command.unroll([
        "train", "text", "--out", folder.file("model"), "--resume", "--epochs", "9", "--patience", patience,
      ])
      #expect(resumed.errors.contains(text), "\(resumed.errors)")
    }
  }

  @Test func whatDoesNotGoTogetherIsRefused() throws {
    let folder = TestFolder()
    for (arguments, parts) in [
      (["--average", "nt-asgd"], ["NT-ASGD averages", "--optimizer sgd"]),
      (["--average", "nt-asgd=0", "--optimizer", "sgd"], ["averaging waits", "--average"]),
      (["--average", "nt-asgd=9223372036854775807", "--optimizer", "sgd"], ["averaging waits", "--average"]),
      (["--optimizer", "sgd", "--momentum", "1"], ["a momentum is in 0..<1", "--momentum"]),
      (["--chrono", "--cell", "elman"], ["no recurrent layer has gates", "--chrono", "--cell"]),
      (["--chrono", "1"], ["chrono is 1", "--chrono"]),
      (["--recurrent-initializer", "zeros"], ["--recurrent-initializer"]),
    ] {
      try expectFailure(train(folder, "model", arguments + ["--json"]), code: 2, parts)
      #expect(!folder.exists("model"))
    }
    let rows = (0..<40).map { "\($0),\($0 % 2)" }.joined(separator: "\n")
    let file = try folder.write(rows.utf8, to: "a.csv")
    for flags in [["--chrono"], ["--recurrent-initializer", "identity"]] {
      let outcome = try Command.unroll(
        ["train", "recognize", "--data", file, "--out", folder.file("model"), "--json"] + flags)
      try expectFailure(outcome, code: 2, ["recurrent layer", flags[0]])
      #expect(!folder.exists("model"))
    }
  }

  /// By the longest example of those that are trained on; resumed before its first checkpoint a training begins alike.
  @Test func examplesBeginAsTheyAreLong() throws {
    let folder = TestFolder()
    let rows = (0..<60).map { "\($0 % 2 == 0 ? "good fine so well done" : "bad sad")\t\($0 % 2)" }
    let data = try folder.write(rows.joined(separator: "\n").utf8, to: "a.tsv")
    func train(_ name: String, _ chrono: [String]) throws -> Data {
      let outcome = try Command.unroll(
        ["train", "classify", "--data", data, "--out", folder.file(name), "--hidden", "4", "--embedding", "4"]
          + ["--epochs", "2"] + chrono)
      #expect(outcome.code == 0, "\(outcome.errors)")
      return try folder.data(name + "/weights.safetensors")
    }
    let longest = try train("longest", ["--chrono"])
    #expect(try longest == train("five", ["--chrono", "5"]))
    #expect(try longest != train("plain", []))
    for name in ["checkpoints", "history.jsonl", "weights.safetensors"] {
      try FileManager.default.removeItem(atPath: folder.file("longest/" + name))
    }
    let again = try Command.unroll(["train", "classify", "--out", folder.file("longest"), "--resume"])
    #expect(again.code == 0, "\(again.errors)")
    #expect(try folder.data("longest/weights.safetensors") == longest)
  }
}
