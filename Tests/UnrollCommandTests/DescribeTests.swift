import Foundation
import Testing

/// `train describe`, `predict` and `evaluate` of what it made.
@Suite struct DescribeTests {
  private static let sizes = [
    "--hidden", "16", "--embedding", "8", "--features", "8", "--minimum-count", "1", "--batch", "4",
    "--learning-rate", "0.02", "--dropout", "0", "--feature-dropout", "0", "--output-dropout", "0",
    "--label-smoothing", "0", "--schedule", "constant",
  ]

  private static func features(_ values: [[Float]]) -> [UInt8] {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(values.count), \(values[0].count)), }\n"
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8)
      + values.flatMap { $0 }.withUnsafeBytes { Array($0) }
  }

  @Test func everyPictureHasALine() throws {
    let folder = TestFolder()
    let values: [[Float]] = (0..<20).map { [Float($0 % 2), 1 - Float($0 % 2)] }
    let features = try folder.write(Self.features(values), to: "f.npy")
    let list = try folder.write((0..<20).map { "p\($0)\n" }.joined().utf8, to: "list.txt")
    let captions = try folder.write(
      (0..<20).map { "p\($0)#0\t\($0 % 2 == 0 ? "an owl in a tree" : "two cats sleep on the mat")\n" }.joined().utf8,
      to: "captions.txt")
    let model = folder.file("model")
    let data = "\(features),\(list)"
    let first = try Command.unroll(
      [
        "train", "describe", "--data", data, "--validation", data, "--test", data, "--captions", captions, "--out",
        model,
        "--epochs", "2",
      ] + Self.sizes)
    #expect(first.code == 0, "\(first.errors)")
    let more = try Command.unroll(["train", "describe", "--out", model, "--resume", "--epochs", "25"])
    #expect(more.code == 0 && more.errors.contains("test: BLEU-1…4"), "\(more.errors)")
    let lines = try Command.unroll(["predict", model, "--data", features, "--beam", "1"]).output
    #expect(lines == String(repeating: "an owl in a tree\ntwo cats sleep on the mat\n", count: 10))
    let objects = try Command.unroll(["predict", model, "--data", data, "--beam", "1", "--json"]).objects()
    #expect(
      objects.count == 20 && objects[3]["name"] as? String == "p3"
        && objects[3]["text"] as? String == "two cats sleep on the mat")
    let score = try Command.unroll(["evaluate", model, "--data", data, "--beam", "1", "--json"]).objects()[0]
    #expect(score["exact"] as? Double == 1 && score["pictures"] as? Int == 20)
    try expectFailure(Command.unroll(["predict", model, "a line", "--json"]), code: 2, ["answers a file"])
  }

  private struct Golden: Decodable {
    struct Entry: Decodable {
      let file: String
    }
    let pictures: [Entry]
  }

  /// A folder of PNG files; a name in place of a line's number.
  @Test func foldersOfPicturesHaveALineEach() throws {
    let folder = TestFolder()
    let path = #filePath.replacing("UnrollCommandTests/DescribeTests.swift", with: "Golden/pictures.json")
    let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    let names = ["one", "two", "three", "four", "five"]
    for (name, entry) in zip(names, golden.pictures) {
      _ = try folder.write(Data(base64Encoded: entry.file) ?? Data(), to: name + ".png")
    }
    let list = try folder.write(names.map { "\($0).png\tnumber \($0)\n" }.joined().utf8, to: "list.tsv")
    let (pictures, model) = (folder.file("one.png").replacing("/one.png", with: ""), folder.file("model"))
    let data = "\(pictures),\(list)"
    let outcome = try Command.unroll(
      ["train", "describe", "--data", data, "--test", data, "--out", model, "--epochs", "60", "--channels", "4,6"]
        + Self.sizes)
    #expect(outcome.code == 0 && outcome.errors.contains("11 x 7 pixels by 2 convolutions"), "\(outcome.errors)")
    #expect(outcome.errors.contains("exact match 100.00 %"), "\(outcome.errors)")
    let answers = try Command.unroll(["predict", model, "--data", data, "--beam", "2"]).output
    #expect(answers == names.map { "number \($0)\n" }.joined())
    let objects = try Command.unroll(["predict", model, "--data", pictures, "--json"]).objects()
    #expect(objects.compactMap { $0["name"] as? String } == names.sorted())
    _ = try folder.write([0x89, 0x50], to: "bad.png")
    try expectFailure(
      Command.unroll(["predict", model, "--data", pictures, "--json"]), code: 1, ["bad.png", "no PNG file"])
    try expectFailure(
      Command.unroll(["train", "describe", "--out", model, "--resume", "--json", "--channels", "4"]), code: 2,
      ["--channels"])
  }

  @Test func wrongUseIsAnError() throws {
    let folder = TestFolder()
    let features = try folder.write(Self.features([[1, 2], [3, 4]]), to: "f.npy")
    let list = try folder.write("a\tone\nb\n".utf8, to: "list.txt")
    let short = try folder.write("a\tone\n".utf8, to: "short.txt")
    let out = folder.file("model")
    let train = ["train", "describe", "--out", out, "--json", "--data"]
    try expectFailure(Command.unroll(train + [features]), code: 2, ["two files", "FEATURES.npy,LIST"])
    try expectFailure(Command.unroll(train + ["\(features),\(short)"]), code: 1, ["short.txt", "1 lines", "2 rows"])
    try expectFailure(
      Command.unroll(train + ["\(features),\(list)"]), code: 1, ["list.txt:2", "nothing is said", "--captions"])
    try expectFailure(Command.unroll(train + ["\(list),\(list)"]), code: 1, ["list.txt", "no IDX file"])
    for (flag, value) in [
      ("hidden", "0"), ("longest", "0"), ("feature-dropout", "1"), ("minimum-count", "0"),
      ("channels", "8,x"), ("shift", "-1"),
    ] {
      try expectFailure(
        Command.unroll(train + ["\(features),\(list)", "--\(flag)", value]), code: 2, ["--\(flag)"])
    }
    let empty = try folder.write("".utf8, to: "empty.txt")
    try expectFailure(Command.unroll(train + ["\(features),\(empty)"]), code: 1, ["empty.txt", "empty"])
    try expectFailure(Command.unroll(train + ["\(empty),\(list)"]), code: 1, ["empty.txt"])
    #expect(!folder.exists("model"))
  }
}
