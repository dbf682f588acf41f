import Foundation
import Testing

/// Flags and commands that cannot be.
@Suite struct WrongFlagsTests {
  /// Flags of `train text`, with values that each refuses and, beside some, what the message says.
  static let trainingFlags: [(flag: String, values: [String])] = [
    ("layers", ["0", "-1", "65", "nan", "1e30", "99999999999999999999", "many", ""]),
    ("hidden", ["0", "-1", "1000000000", "inf", "0x10", "12.5", ""]),
    ("embedding", ["0", "-1", "1000000000", "nan", "tiny"]),
    ("dropout", ["-0.1", "1", "nan", "inf", "1e30", "half"]),
    ("input-dropout", ["-0.1", "1", "nan", "half"]), ("state-dropout", ["1", "inf"]), ("output-dropout", ["1"]),
    ("recurrent-dropout", ["1", "-1"]), ("zoneout", ["-0.1", "1", "nan", "all"]), ("drop-connect", ["1", "1e30"]),
    ("word-dropout", ["1", "-0.1"]), ("embedding-dropout", ["1", "nan"]), ("label-smoothing", ["1", "-1"]),
    ("activation-penalty", ["-1", "inf"]), ("temporal-penalty", ["-0.1", "nan"]), ("weight-decay", ["-1", "nan", "x"]),
    ("weight-decay-of", ["embedding", "embedding=-1", "=1", "embedding=x"]),
    ("length", ["0", "-1", "100000000", "9223372036854775807", "9223372036854775808", "nan"]),
    ("step", ["0", "-1", "17", "9223372036854775807", "nan"]),
    ("batch", ["0", "-1", "100000000", "9223372036854775807", "nan", "-9223372036854775808"]),
    ("epochs", ["-1", "9223372036854775807", "nan", "ten"]),
    ("learning-rate", ["0", "-1", "nan", "inf", "-inf", "fast"]),
    ("clip", ["-1", "nan", "inf", "none", "value=-1", "value=0", "adaptive=nan", "adaptive=", "percentile=1"]),
    ("momentum", ["0.5", "x"]),
    ("average", ["ema=0", "ema=1", "ema=x", "ema=", "mean", "nt-asgd=x"]),
    ("patience", ["-1", "nan", "99999999999999999999"]),
    ("checkpoint-every", ["0", "-1", "nan", "never"]),
    ("seed", ["-1", "nan", "18446744073709551616", "x"]),
    ("threads", ["0", "-1", "nan", "99999999999999999999", "all"]),
    ("cell", ["transformer", "", "LSTM "]), ("schedule", ["linear"]), ("optimizer", ["lion"]),
    ("tokens", ["syllables", ""]), ("vocabulary", ["0", "2", "-5", "1000001", "nan", "100"]),
    ("validation", ["text.txt"]), ("test", ["text.txt"]),
  ]

  @Test(arguments: trainingFlags) func trainingRefuses(_ row: (flag: String, values: [String])) throws {
    let sample = try Sample.shared.get()
    let folder = TestFolder()
    for value in row.values {
      let outcome = try Command.unroll(
        ["train", "text", "--data", sample.file("text.txt"), "--out", folder.file("model"), "--length", "16"]
          + ["--\(row.flag)", value, "--json"])
      // The message names the flag: by itself, or in the hint.
      try expectFailure(outcome, code: 2, ["--\(row.flag)"])
      #expect(!folder.exists("model"), "--\(row.flag) \(value)")
    }
  }

  @Test func trainingsThatCannotFitIntoMemoryAreRefused() throws {
    let sample = try Sample.shared.get()
    let folder = TestFolder()
    let outcome = try Command.unroll(
      ["train", "text", "--data", sample.file("text.txt"), "--out", folder.file("model"), "--json"]
        + ["--hidden", "16384", "--layers", "64", "--length", "8", "--batch", "2"], gibibytes: 1)
    try expectFailure(outcome, code: 2, ["training takes at least", "GiB of memory", "make --hidden"])
    #expect(!folder.exists("model"))
  }

  @Test func textsTooShortForTheSizesAreRefused() throws {
    let sample = try Sample.shared.get()
    let folder = TestFolder()
    for sizes in [["--length", "10000000"], ["--batch", "1000000"], ["--length", "9000000", "--batch", "900000"]] {
      let outcome = try Command.unroll(
        ["train", "text", "--data", sample.file("text.txt"), "--out", folder.file("model"), "--json"]
          + ["--hidden", "8", "--layers", "1"] + sizes)
      try expectFailure(outcome, code: 2, ["hint: "])
      #expect(!folder.exists("model"))
    }
  }

  static let otherFlags: [(arguments: [String], parts: [String])] = [
    (["generate", "MODEL", "--length", "-1"], ["--length is -1, and must be at least 0", "unroll generate --help"]),
    (["generate", "MODEL", "--length", "9223372036854775808"], ["--length"]),
    (["generate", "MODEL", "--temperature", "-0.5"], ["--temperature is -0.5, and must be 0 or more"]),
    (["generate", "MODEL", "--temperature", "nan"], ["--temperature is nan"]),
    (["generate", "MODEL", "--temperature", "inf"], ["--temperature is inf"]),
    (["generate", "MODEL", "--temperature", "hot"], ["The value 'hot' is invalid for '--temperature"]),
    (["generate", "MODEL", "--top-k", "0"], ["--top-k is 0, and must be at least 1"]),
    (["generate", "MODEL", "--top-k", "-3"], ["--top-k is -3"]),
    (["generate", "MODEL", "--seed", "-1"], ["--seed"]),
    (["generate", "MODEL", "--threads", "0"], ["--threads is 0, and must be at least 1"]),
    (["generate", "MODEL", "--lenght", "3"], ["Unknown option '--lenght'. Did you mean '--length'?"]),
    (["generate", "MODEL", "more"], ["Unexpected argument 'more'"]),
    (["generate"], ["Missing expected argument '<folder>'"]),
    (["evaluate", "MODEL"], ["Missing expected argument '--data <data>'"]),
    (["evaluate", "MODEL", "--data", "TEXT", "--part", "half"], ["'half' is invalid", "training"]),
    (["inspect", "MODEL", "--steps", "0"], ["--steps is 0, and must be in 1...20"]),
    (["inspect", "MODEL", "--steps", "21", "--picture", "step-unrolled"], ["--steps is 21"]),
    (["inspect", "MODEL", "--layer", "1"], ["there is no layer 1", "hint: --layer 0"]),
    (["inspect", "MODEL", "--layer", "-1"], ["there is no layer -1"]),
    (["inspect", "MODEL", "--layer", "9223372036854775807"], ["there is no layer"]),
    (["inspect", "MODEL", "--picture", "cell"], ["'cell' is invalid", "step-unrolled"]),
    (["inspect", "MODEL", "--format", "svg"], ["--format and --out need a --picture"]),
    (["inspect", "MODEL", "--picture", "step", "--format", "png"], ["'png' is invalid", "svg"]),
    (["demo", "--epochs", "-1"], ["epochs, not -1"]),
    (["train", "text"], ["Missing expected argument '--out <out>'"]),
    (["train", "text", "--out", "x"], ["there is no text to train on", "hint: name a file: --data FILE"]),
    (["trian"], ["there is no command `trian` in `unroll`", "did you mean `unroll train`?"]),
    (["train", "txt"], ["there is no command `txt` in `unroll train`", "did you mean `unroll train text`?"]),
    (["help", "genrate"], ["did you mean `unroll generate`?"]),
    (["xylophone"], ["there is no command `xylophone`", "demo, train, grow, generate, evaluate, predict, inspect"]),
    ([""], ["there is no command ``", "unroll --help"]),
    (["--verbose"], ["Unknown option '--verbose'"]),
  ]

  @Test(arguments: otherFlags) func isRefused(_ row: (arguments: [String], parts: [String])) throws {
    let sample = try Sample.shared.get()
    let arguments = row.arguments.map {
      $0.replacingOccurrences(of: "MODEL", with: sample.file("model"))
        .replacingOccurrences(of: "TEXT", with: sample.file("text.txt"))
    }
    try expectFailure(Command.unroll(arguments + ["--json"]), code: 2, row.parts)
  }

  @Test func promptsWithUnknownCharactersWriteNothing() throws {
    let model = try Sample.shared.get().file("model")
    let outcome = try Command.unroll(["generate", model, "--prompt", "the Ĉat"])
    #expect(outcome.code == 1)
    #expect(outcome.output.isEmpty)
    for part in ["error: the vocabulary has no `Ĉ` (U+0108)", "at prompt:1:5", "hint: ", "write `c` (U+0063) instead"] {
      #expect(outcome.errors.contains(part), "\(outcome.errors)")
    }
    for prompt in ["\u{1B}[31m", "the\0cat", "- ", String(repeating: "é", count: 10_000)] {
      // The system ends an argument at a NUL.
      guard !prompt.contains("\0") else { continue }
      try expectFailure(
        Command.unroll(["generate", model, "--prompt", prompt, "--json"]), code: 1, ["the vocabulary has no"])
    }
  }

  /// A group without a parameter is found before anything is written.
  @Test func groupsHaveMembers() throws {
    let sample = try Sample.shared.get()
    let folder = TestFolder()
    let outcome = try Command.unroll([
      "train", "text", "--data", sample.file("text.txt"), "--out", folder.file("model"), "--length", "16",
      "--weight-decay-of", "embeding=0", "--json",
    ])
    try expectFailure(outcome, code: 2, ["no parameter belongs to the group embeding", "embedding.table"])
    #expect(!folder.exists("model"))
    let tied = try Command.unroll([
      "train", "text", "--data", sample.file("text.txt"), "--out", folder.file("model"), "--length", "16",
      "--tie-embeddings", "--embedding", "7", "--json",
    ])
    try expectFailure(tied, code: 2, ["tied embeddings", "--embedding"])
    #expect(!folder.exists("model"))
  }

  @Test func resumingKeepsItsSettings() throws {
    let folder = try Sample.copy()
    let model = folder.file("model")
    let before = try folder.data("model/config.json")
    for (flag, value) in [
      ("cell", "gru"), ("layers", "2"), ("hidden", "13"), ("embedding", "7"), ("dropout", "0.5"), ("length", "8"),
      ("input-dropout", "0.1"), ("state-dropout", "0.1"), ("output-dropout", "0.1"), ("recurrent-dropout", "0.1"),
      ("zoneout", "0.1"), ("drop-connect", "0.1"),
      ("word-dropout", "0.1"), ("embedding-dropout", "0.1"), ("embedding-scale", "1"), ("label-smoothing", "0.1"),
      ("weight-decay", "0.1"),
      ("activation-penalty", "1"), ("temporal-penalty", "1"), ("weight-decay-of", "embedding=0"), ("step", "8"),
      ("batch", "5"), ("learning-rate", "0.1"), ("schedule", "cosine"), ("optimizer", "sgd"),
      ("clip", "1"), ("preserve-gradients", "1"), ("momentum", "0.5"), ("average", "ema"), ("checkpoint-every", "5"),
      ("recurrent-initializer", "identity"), ("chrono", "5"), ("seed", "2"),
    ] {
      try expectFailure(
        Command.unroll(["train", "text", "--out", model, "--resume", "--\(flag)", value, "--json"]), code: 2,
        ["--\(flag) cannot change in the middle of a training", "hint: leave it out"])
    }
    try expectFailure(
      Command.unroll(["train", "text", "--out", model, "--resume", "--epochs", "-1", "--json"]), code: 2, ["--epochs"])
    try expectFailure(
      Command.unroll(["train", "text", "--out", model, "--resume", "--patience", "-1", "--json"]), code: 2,
      ["--patience"])
    #expect(try folder.data("model/config.json") == before)
    let other = try folder.write(Data((Sample.text + Sample.text).utf8), to: "other.txt")
    try expectFailure(
      Command.unroll(["train", "text", "--out", model, "--resume", "--data", other, "--json"]), code: 1,
      ["not the text that the training began with", "other.txt", "hint: "])
    let changed = try folder.write(Data((Sample.text + "€").utf8), to: "changed.txt")
    try expectFailure(
      Command.unroll(["train", "text", "--out", model, "--resume", "--data", changed, "--json"]), code: 1,
      ["the vocabulary has no `€`", "changed.txt:121:1"])
  }
}
