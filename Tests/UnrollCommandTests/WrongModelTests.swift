import Foundation
import Testing

/// Model folders that are damaged, edited, or of something else. Address space is limited, so that a program that trusted a
/// number before it was checked would be ended by its allocation.
@Suite struct WrongModelTests {
  /// Runs every command that opens a model on the folder, and checks that each is refused with the parts.
  private func expectRefused(
    _ folder: TestFolder, _ parts: [String], resuming: Bool = true, _ location: SourceLocation = #_sourceLocation
  ) throws {
    let model = folder.file("model")
    var runs = [
      ["generate", model], ["evaluate", model, "--data", folder.file("text.txt")], ["inspect", model],
    ]
    if resuming { runs.append(["train", "text", "--out", model, "--resume", "--epochs", "2"]) }
    for arguments in runs {
      let outcome = try Command.unroll(arguments + ["--json", "--threads", "2"], gibibytes: 4)
      try expectFailure(outcome, code: 1, parts, location)
    }
  }

  @Test func missingFoldersAreRefused() throws {
    let folder = TestFolder()
    try expectRefused(folder, ["there is no model folder", folder.file("model"), "unroll train"])
    let file = try folder.write("text".utf8, to: "model")
    try expectRefused(folder, ["this is a file, not a model folder", file])
    try FileManager.default.removeItem(atPath: file)
    #expect(mkdir(file, 0o700) == 0)
    try expectRefused(folder, ["the folder holds no model: config.json is missing", file])
  }

  static let configurations: [(name: String, pairs: [(String, any Sendable)], parts: [String])] = [
    ("newer", [("version", 10)], ["version 10, this program knows 9", "config.json", "newer program"]),
    ("of no subwords", [("version", 5)], ["version 5", "config.json"]),
    ("no sampled softmax", [("version", 6)], ["version 6", "config.json"]),
    ("of no bytes", [("version", 7)], ["version 7", "config.json"]),
    ("of no sums", [("version", 8)], ["version 8", "config.json"]),
    ("of no scale", [("version", 9)], ["version 9", "config.json"]),
    ("too many samples", [("version", 6), ("sampledSoftmax", 1 << 40)], ["sampled-softmax is 1099511627776"]),
    ("rounded to nothing", [("version", 2)], ["version 2 and precision none", "config.json"]),
    ("rounded too early", [("precision", "int8")], ["version 1 and precision int8", "config.json"]),
    ("other precision", [("version", 2), ("precision", "int4")], ["`precision` cannot be read", "config.json:"]),
    ("far newer", [("version", Int.max)], ["this program knows 9"]),
    ("older", [("version", 0)], ["version 0"]),
    ("other paradigm", [("paradigm", "tagging")], ["tagging", "config.json"]),
    ("version of text", [("version", "1")], ["`version` is not a whole number"]),
    ("huge hidden", [("network.hidden", 1_000_000_000)], ["hidden is 1000000000, and must be in 1...16384"]),
    ("no hidden", [("network.hidden", 0)], ["hidden is 0"]),
    ("negative hidden", [("network.hidden", -12)], ["hidden is -12", "mend the number"]),
    ("least hidden", [("network.hidden", Int.min)], ["hidden is -9223372036854775808"]),
    ("broken hidden", [("network.hidden", 12.5)], ["config.json", "whole number"]),
    ("endless hidden", [("network.hidden", 1e300)], ["config.json"]),
    ("huge layers", [("network.layers", 1_000_000)], ["layers is 1000000, and must be in 1...64"]),
    ("no layers", [("network.layers", 0)], ["layers is 0"]),
    ("huge embedding", [("network.embedding", 1 << 40)], ["embedding is 1099511627776"]),
    ("negative dropout", [("network.dropout", -1)], ["dropout is -1.0", "config.json"]),
    ("full dropout", [("network.dropout", 1)], ["dropout is 1.0"]),
    ("huge dropout", [("network.dropout", 1e300)], ["config.json"]),
    ("other cell", [("network.cell", "transformer")], ["`network.cell` cannot be read", "config.json:"]),
    ("no batch", [("batch", 0)], ["batch is 0"]),
    ("huge batch", [("batch", Int.max)], ["batch is 9223372036854775807"]),
    ("huge length", [("length", Int.max)], ["length is 9223372036854775807"]),
    ("huge step", [("step", 17)], ["step is 17, and must be in 1...16"]),
    ("many tokens", [("tokens", 1_114_113)], ["tokens is 1114113"]),
    ("other tokens", [("tokens", 5)], ["vocabulary.json has", "config.json says 5"]),
    ("negative seed", [("seed", -1)], ["the value cannot be read", "config.json:"]),
    ("negative epochs", [("settings.epochs", -1)], ["epochs, not -1", "config.json"]),
    ("no learning rate", [("settings.learningRate", 0)], ["learning rate is above 0, not 0.0", "config.json"]),
    ("text as learning rate", [("settings.learningRate", "fast")], ["`settings.learningRate` is not a number"]),
    ("text as network", [("network", "lstm")], ["`network` is not", "config.json:"]),
  ]

  @Test(arguments: configurations.indices) func configurationsAreRefused(index: Int) throws {
    let row = Self.configurations[index]
    let folder = try Sample.copy()
    try edit(folder, row.pairs)
    try expectRefused(folder, row.parts)
  }

  /// Numbers that are possible, but not those of the weights: no network of their size may be built.
  @Test(arguments: [(16_384, 64), (16_384, 1), (13, 1), (12, 2), (1, 1)])
  func configurationsOfOtherWeightsAreRefused(hidden: Int, layers: Int) throws {
    let folder = try Sample.copy()
    try edit(folder, [("network.hidden", hidden), ("network.layers", layers)])
    try expectRefused(folder, ["weights.safetensors", "hint: "], resuming: false)
    let outcome = try Command.unroll(
      ["train", "text", "--out", folder.file("model"), "--resume", "--epochs", "2", "--json"], gibibytes: 20)
    try expectFailure(
      outcome, code: 1, hidden == 16_384 && layers == 64 ? ["GiB of memory", "config.json"] : ["checkpoints"])
  }

  static let texts: [(name: String, content: String, parts: [String])] = [
    ("config.json", "", ["there is nothing here; JSON was expected", "config.json"]),
    ("config.json", "{", ["config.json:1:2"]),
    ("config.json", "[]", ["config.json:1:1"]),
    (
      "config.json", "{\"version\": 1, \"version\": 1, \"paradigm\": \"text\"}",
      ["`version`", "twice", "config.json:1:"]
    ),
    ("config.json", "{\"version\": 1, \"paradigm\": \"text\"}", ["is missing", "config.json"]),
    ("config.json", String(repeating: "[", count: 100_000), ["config.json:1:"]),
    ("config.json", "\0", ["config.json"]),
    (
      "vocabulary.json", "{\"version\":1,\"kind\":\"characters\",\"characters\":[\"a\",\"b\",\"a\"]}",
      ["is there twice", "vocabulary.json"]
    ),
    ("vocabulary.json", "{\"version\":1,\"kind\":\"characters\",\"characters\":[]}", ["no characters"]),
    ("vocabulary.json", "{\"version\":1,\"kind\":\"characters\",\"characters\":[\"ab\"]}", ["characters[0]"]),
    (
      "vocabulary.json", "{\"version\":1,\"kind\":\"characters\",\"characters\":[\"a\",\"b\"]}",
      ["vocabulary.json has 2 characters"]
    ),
    ("vocabulary.json", "{\"version\":2,\"kind\":\"characters\",\"characters\":[\"a\"]}", ["version 2"]),
    ("vocabulary.json", "{\"version\":1,\"kind\":\"words\",\"characters\":[\"a\"]}", ["vocabulary of `words`"]),
  ]

  @Test(arguments: texts) func filesAreRefused(_ row: (name: String, content: String, parts: [String])) throws {
    let folder = try Sample.copy()
    _ = try folder.write(row.content.utf8, to: "model/" + row.name)
    try expectRefused(folder, row.parts)
  }

  @Test(arguments: ["vocabulary.json", "weights.safetensors"]) func missingFilesAreNamed(name: String) throws {
    let folder = try Sample.copy()
    try FileManager.default.removeItem(atPath: folder.file("model/" + name))
    try expectRefused(folder, ["the file is not there", name], resuming: name == "vocabulary.json")
  }

  @Test func weightsAreRefused() throws {
    let original = try Weights(Sample.shared.get().data("model/weights.safetensors"))
    let path = "model/weights.safetensors"
    func expect(_ bytes: Data, _ parts: [String], _ location: SourceLocation = #_sourceLocation) throws {
      let folder = try Sample.copy()
      _ = try folder.write(bytes, to: path)
      try expectRefused(folder, parts + ["weights.safetensors"], resuming: false, location)
    }
    let bytes = original.bytes
    for count in [0, 1, 7, 8, 9, 100, bytes.count / 2, bytes.count - 1] { try expect(bytes.prefix(count), ["hint: "]) }
    try expect(bytes + [0], ["bytes of data"])
    for length in [0, 1, UInt64(bytes.count), 1 << 40, .max] { try expect(original.encoded(length: length), ["byte"]) }

    var changed = original
    changed.change("readout.bias") { $0["dtype"] = "F16" }
    try expect(changed.encoded(), ["tensor `readout.bias` has dtype `F16`; only F32 is read"])
    changed = original
    changed.change("embedding.table") { $0["shape"] = ($0["shape"] as? [Int]).map { Array($0.reversed()) } }
    try expect(changed.encoded(), ["tensor embedding.table has shape [6, 21]", "[21, 6] in the model"])
    changed = original
    changed.change("embedding.table") { $0["shape"] = [1 << 31, 1 << 31] }
    try expect(changed.encoded(), ["`embedding.table`"])
    changed.change("embedding.table") { $0["shape"] = [1 << 40] }
    try expect(changed.encoded(), ["takes 4398046511104 bytes"])
    changed = original
    changed.header["surplus"] = ["dtype": "F32", "shape": [0], "data_offsets": [0, 0]] as [String: Any]
    try expect(changed.encoded(), ["surplus"])
    changed = original
    changed.header["readout.offset"] = changed.header.removeValue(forKey: "readout.bias")
    try expect(changed.encoded(), ["readout."])
  }

  /// Changes numbers of config.json by their path.
  private func edit(_ folder: TestFolder, _ pairs: [(String, any Sendable)]) throws {
    func set(_ object: Any?, _ path: ArraySlice<Substring>, _ value: Any) -> Any {
      guard let key = path.first else { return value }
      var object = object as? [String: Any] ?? [:]
      object[String(key)] = set(object[String(key)], path.dropFirst(), value)
      return object
    }
    var object = try JSONSerialization.jsonObject(with: folder.data("model/config.json"))
    for (path, value) in pairs { object = set(object, path.split(separator: ".")[...], value) }
    _ = try folder.write(JSONSerialization.data(withJSONObject: object), to: "model/config.json")
  }
}

/// A safetensors file that can be changed by hand.
private struct Weights {
  var header: [String: Any]
  let data: Data
  let bytes: Data

  init(_ bytes: Data) throws {
    self.bytes = bytes
    let length = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    header = try #require(JSONSerialization.jsonObject(with: bytes[8..<8 + length]) as? [String: Any])
    // Without it no checksum tells of the changes.
    header["__metadata__"] = nil
    data = bytes[(8 + length)...]
  }

  mutating func change(_ tensor: String, _ body: (inout [String: Any]) -> Void) {
    var entry = header[tensor] as? [String: Any] ?? [:]
    body(&entry)
    header[tensor] = entry
  }

  func encoded(length: UInt64? = nil) throws -> Data {
    let text = try JSONSerialization.data(withJSONObject: header)
    let length = length ?? UInt64(text.count)
    return Data((0..<8).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) }) + text + data
  }
}
