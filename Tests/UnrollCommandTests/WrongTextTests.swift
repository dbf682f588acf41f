import Foundation
import Testing

/// Texts that cannot be trained on, and places where a model cannot go: nothing may be left behind.
@Suite struct WrongTextTests {
  static let texts: [(name: String, bytes: [UInt8], parts: [String])] = [
    ("empty", [], ["the text is empty", "empty.txt", "hint: give a file with text in it"]),
    ("mark", [0xEF, 0xBB, 0xBF], ["the text is empty"]),
    ("one", [0x61], ["the text is too short to learn from: 1 character,", "one.txt"]),
    ("short", Array("It was the best of times, it was the worst.\n".utf8), ["32 rows of 64 steps", "--length"]),
    (
      "latin1", Array("caf\u{E9} ".unicodeScalars.map { UInt8($0.value) }),
      ["not UTF-8: byte 0xE9 at offset 3", "iconv"]
    ),
    ("zeros", Array("abc\0def".utf8), ["byte 0x00 at offset 3 is NUL", "zeros.txt:1"]),
    ("utf16", [0xFF, 0xFE, 0x61, 0x00], ["not UTF-8", "iconv -f UTF-16"]),
    ("cut", Array("line\n€".utf8.dropLast()), ["not UTF-8: byte 0xE2 at offset 5", "cut.txt:2"]),
    ("surrogate", [0x61, 0xED, 0xA0, 0x80], ["not UTF-8: byte 0xED at offset 1"]),
  ]

  @Test(arguments: texts) func textsAreRefused(_ text: (name: String, bytes: [UInt8], parts: [String])) throws {
    let folder = TestFolder()
    let path = try folder.write(text.bytes, to: "\(text.name).txt")
    let outcome = try Command.unroll(["train", "text", "--data", path, "--out", folder.file("model"), "--json"])
    // The text is right, and the default sizes are too large for it: that is wrong usage.
    try expectFailure(outcome, code: text.name == "short" ? 2 : 1, text.parts)
    #expect(!folder.exists("model"))
    let score = try Command.unroll(
      ["evaluate", Sample.shared.get().file("model"), "--data", path, "--json"])
    if text.name != "short" { try expectFailure(score, code: 1, [text.name + ".txt"]) }
  }

  @Test func placesAreRefused() throws {
    let folder = TestFolder()
    func train(_ path: String) throws -> Outcome {
      try Command.unroll(["train", "text", "--data", path, "--out", folder.file("model"), "--json"])
    }
    try expectFailure(train(folder.file("nothing.txt")), code: 1, ["the file is not there", "nothing.txt", "hint: "])
    try expectFailure(train(folder.path), code: 1, ["this is a folder, not a file", folder.path])
    try expectFailure(train("/dev/null"), code: 1, ["not a regular file", "/dev/null"])
    try expectFailure(train(""), code: 2, ["there is no text to train on", "--data FILE"])
    #expect(!folder.exists("model"))
  }

  @Test func aTextTooLargeIsRefusedUnread() throws {
    let folder = TestFolder()
    let file = try folder.emptyFile("huge.txt")
    try file.truncate(atOffset: (1 << 30) + 1)
    let outcome = try Command.unroll(
      ["train", "text", "--data", folder.file("huge.txt"), "--out", folder.file("model"), "--json"], gibibytes: 1)
    try expectFailure(outcome, code: 1, ["the file has 1073741825 bytes", "huge.txt", "hint: "])
  }

  @Test func foldersThatCannotBeMadeAreNamed() throws {
    let folder = try Sample.copy()
    func train(_ out: String) throws -> Outcome {
      try Command.unroll(
        ["train", "text", "--data", folder.file("text.txt"), "--out", out, "--json"] + Sample.sizes)
    }
    let file = try folder.write("content".utf8, to: "file")
    try expectFailure(train(file), code: 1, ["the folder cannot be made: File exists", file, "hint: "])
    try expectFailure(train(file + "/model"), code: 1, ["the folder cannot be made: Not a directory", file + "/model"])
    try expectFailure(train("/proc/model"), code: 1, ["the folder cannot be made", "/proc/model"])
    try expectFailure(train(""), code: 2, ["the path of a folder is empty", "--out DIR"])
    #expect(try folder.text("file") == "content")
    let before = try folder.data("model/weights.safetensors")
    try expectFailure(train(folder.file("model")), code: 2, ["the folder holds a model already", "--resume"])
    try FileManager.default.removeItem(atPath: folder.file("model/config.json"))
    try expectFailure(train(folder.file("model")), code: 2, ["the folder holds a model already", "--resume"])
    #expect(!folder.exists("model/config.json"))
    #expect(try folder.data("model/weights.safetensors") == before)
  }

  // For root every folder is writable.
  @Test(.enabled(if: getuid() != 0)) func foldersWithoutPermissionAreRefused() throws {
    let folder = try Sample.copy()
    #expect(mkdir(folder.file("locked"), 0o500) == 0)
    let outcome = try Command.unroll(
      ["train", "text", "--data", folder.file("text.txt"), "--out", folder.file("locked/model"), "--json"])
    try expectFailure(outcome, code: 1, ["the folder cannot be made: Permission denied", "locked/model"])
  }
}
