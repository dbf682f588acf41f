import Foundation
import Interchange
import Tensors
import Testing

/// Values that are no 32-bit floats in the file.
@Suite struct ElementTypeTests {
  let folder = TestFolder()
  static let all = Set(SafeTensors.ElementType.allCases)

  @Test func everyNumberOfATypeIsReadBack() throws {
    let path = folder.file("all")
    let halves = (0..<1 << 16).map { Float(bitPattern: UInt32($0) << 16) }
    let file = SafeTensors(
      tensors: [
        ("bytes", Tensor(shape: [4, 64], values: (-128..<128).map(Float.init))), ("floats", Tensor([0.1, -.infinity])),
        ("halves", Tensor(shape: [256, 256], values: halves)), ("none", .zeros([0, 3])), ("no bytes", .zeros([2, 0])),
      ], metadata: ["a": "b"], elementTypes: ["bytes": .int8, "halves": .bfloat16, "no bytes": .int8])
    try file.write(to: path)
    let back = try SafeTensors.read(from: path, accepting: Self.all)
    #expect(back.tensors.map(\.name) == ["floats", "none", "halves", "bytes", "no bytes"], "wide values first")
    for (name, tensor) in file.tensors {
      #expect(back[name]?.shape == tensor.shape)
      #expect(back[name]?.values.map(\.bitPattern) == tensor.values.map(\.bitPattern), "\(name)")
    }
    #expect(back.elementTypes == file.elementTypes && back.metadata == file.metadata)
    #expect(bytes(of: path).count < 8 + 2048 + 2 * 65_536 + 256 + 8)
  }

  /// The reference's bytes: BF16 is the upper half of a float, low byte first.
  @Test func filesOfOtherWritersAreRead() throws {
    let header =
      "{\"b\":{\"dtype\":\"BF16\",\"shape\":[3],\"data_offsets\":[0,6]},"
      + "\"i\":{\"dtype\":\"I8\",\"shape\":[1,2],\"data_offsets\":[6,8]}}"
    let path = folder.file("other", safeTensorsFile(header.utf8) + [0x80, 0x3F, 0x20, 0xC1, 0x80, 0x7F, 0x80, 0x7F])
    let file = try SafeTensors.read(from: path, accepting: Self.all)
    #expect(file["b"]?.values == [1, -10, .infinity])
    #expect(file["i"] == Tensor([[-128, 127]]))
  }

  @Test func valuesOfOtherTypesAreNotWritten() {
    let refused: [(Float, SafeTensors.ElementType)] = [
      (0.1, .bfloat16), (Float(bitPattern: 0x7F80_0001), .bfloat16), (0.5, .int8), (128, .int8), (-129, .int8),
      (.nan, .int8), (.infinity, .int8),
    ]
    for (value, type) in refused {
      let error = failure { () throws(UnrollError) in
        try SafeTensors(tensors: [("a", Tensor([1, value]))], elementTypes: ["a": type]).write(to: folder.file("no"))
      }
      #expect(error?.kind == .usage && error?.message.contains("no number of \(type.rawValue)") == true)
    }
    let error = failure { () throws(UnrollError) in
      try SafeTensors(tensors: [("a", Tensor([1]))], elementTypes: ["b": .int8]).write(to: folder.file("no"))
    }
    #expect(error?.message.contains("no tensor `b`") == true)
    #expect(folder.names.isEmpty)
  }

  static func entry(_ type: String, _ shape: String, _ end: Int) -> String {
    "\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":[0,\(end)]"
  }
  static let bad = [
    BadFile("BF16 of 4 bytes a value", entry: entry("BF16", "[2]", 8), data: 8, says: "takes 4 bytes"),
    BadFile("half a BF16", entry: entry("BF16", "[2]", 3), data: 3, says: "takes 4 bytes"),
    BadFile("I8 of 4 bytes a value", entry: entry("I8", "[2]", 8), data: 8, says: "takes 2 bytes"),
    BadFile("I8 that is cut", entry: entry("I8", "[5]", 5), data: 4, says: "tells of 5 bytes"),
    BadFile("2^62 bytes", entry: entry("I8", "[4611686018427387904]", 4), says: "too large"),
    BadFile("2^60 bytes", entry: entry("I8", "[1152921504606846976]", 4), says: "takes 1152921504606846976 bytes"),
    BadFile("U8", entry: entry("U8", "[4]", 4), says: "dtype `U8`; only BF16 and F32 and I8 are read"),
    BadFile("small letters", entry: entry("bf16", "[2]", 4), says: "dtype `bf16`"),
  ]

  @Test(arguments: bad) func isRefused(bad: BadFile) {
    let path = folder.file("bad", bad.bytes)
    let error = failure { () throws(UnrollError) in _ = try SafeTensors.read(from: path, accepting: Self.all) }
    #expect(error?.kind == .invalidData && error?.message.contains(bad.says) == true, "\(error?.description ?? "-")")
    #expect(error?.place?.hasPrefix(path) == true)
  }

  @Test func typesThatAreNotAskedForAreRefused() throws {
    let path = folder.file("bytes")
    try SafeTensors(tensors: [("a", Tensor([1]))], elementTypes: ["a": .int8]).write(to: path)
    let error = failure { () throws(UnrollError) in _ = try SafeTensors.read(from: path) }
    #expect(error?.message.contains("dtype `I8`; only F32 is read") == true)
  }

  @Test(arguments: [SafeTensors.ElementType.bfloat16, .int8]) func aFlippedBitIsFound(type: SafeTensors.ElementType)
    throws
  {
    let path = folder.file("flipped")
    try SafeTensors(tensors: [("a", Tensor([1, 2, 3, 4]))], elementTypes: ["a": type]).write(to: path)
    var changed = bytes(of: path)
    changed[changed.count - 2] ^= 1
    let error = failure { () throws(UnrollError) in
      _ = try SafeTensors.read(from: folder.file("changed", changed), accepting: Self.all)
    }
    #expect(error?.message.contains("tensor `a` does not fit its checksum") == true)
  }
}

/// Weights in files of fewer bits.
@Suite struct StoredPrecisionTests {
  let folder = TestFolder()
  static let weights: [(name: String, tensor: Tensor)] = {
    var random = RandomSource(seed: 6)
    return [
      ("table", random.uniform([5, 7], in: -2...1)), ("bias", random.uniform([7])), ("none", .zeros([0, 4])),
      ("zeros", .zeros([3, 2])), ("tiny", Tensor([[.leastNonzeroMagnitude * 99, 0], [3e38, -1e30]])),
      ("scaled.scale", Tensor([2])),
    ]
  }()

  @Test(arguments: Precision.allCases) func weightsAreNearAndRoundingIsDoneOnce(precision: Precision) throws {
    let path = folder.file("weights")
    try SafeTensors(weights: Self.weights, as: precision).write(to: path)
    let types = SafeTensors.elementTypes(of: precision)
    let back = try SafeTensors.read(from: path, accepting: types).weights(as: precision, at: path)
    let byName = Dictionary(uniqueKeysWithValues: back.map { ($0.name, $0.tensor) })
    #expect(back.count == Self.weights.count)
    for (name, tensor) in Self.weights {
      let stored = try #require(byName[name])
      #expect(stored.shape == tensor.shape)
      if tensor.shape.rank != 2 || precision == .float32 { #expect(stored == tensor) }
      for row in 0..<tensor.shape.rows {
        let columns = tensor.shape.last
        let own = row * columns..<(row + 1) * columns
        let largest = tensor.values[own].map(abs).max() ?? 0
        for i in own {
          let allowed = precision == .int8 ? largest / 254 : abs(tensor.values[i]) / 256
          #expect(abs(stored.values[i] - tensor.values[i]) <= allowed * 1.0001 + 1e-35, "\(name) \(i)")
        }
      }
    }
    // A second rounding changes nothing.
    try SafeTensors(weights: back, as: precision).write(to: folder.file("again"))
    let again = try SafeTensors.read(from: folder.file("again"), accepting: types).weights(as: precision, at: path)
    for (first, second) in zip(back, again) {
      for (a, b) in zip(first.tensor.values, second.tensor.values) { #expect(abs(a - b) <= abs(a) * 1e-6) }
    }
  }

  @Test(arguments: [Float.nan, .infinity]) func matricesThatAreNotFiniteAreNotRounded(value: Float) {
    for precision in [Precision.bfloat16, .int8] {
      let error = failure { () throws(UnrollError) in
        _ = try SafeTensors(weights: [("a", Tensor([[1, value]]))], as: precision)
      }
      #expect(error?.kind == .notFinite && error?.place == "a")
    }
  }

  static let matrix = ("m", Tensor([[1, 2], [3, 4]]))
  static let wrong: [(what: String, file: SafeTensors, precision: Precision, says: String)] = [
    ("no scale", SafeTensors(tensors: [matrix], elementTypes: ["m": .int8]), .int8, "missing: `m.scale`"),
    (
      "scale of another shape",
      SafeTensors(tensors: [matrix, ("m.scale", Tensor([1, 2, 3]))], elementTypes: ["m": .int8]), .int8, "should be [2]"
    ),
    (
      "scale of two axes",
      SafeTensors(tensors: [matrix, ("m.scale", .ones([2, 1]))], elementTypes: ["m": .int8]), .int8, "should be [2]"
    ),
    (
      "scale in bytes",
      SafeTensors(tensors: [matrix, ("m.scale", .ones([2]))], elementTypes: ["m": .int8, "m.scale": .int8]), .int8,
      "in F32"
    ),
    (
      "NaN for a scale",
      SafeTensors(tensors: [matrix, ("m.scale", Tensor([1, .nan]))], elementTypes: ["m": .int8]), .int8, "nan for row 1"
    ),
    (
      "negative scale",
      SafeTensors(tensors: [matrix, ("m.scale", Tensor([-1, 1]))], elementTypes: ["m": .int8]), .int8, "-1.0 for row 0"
    ),
    (
      "endless scale",
      SafeTensors(tensors: [matrix, ("m.scale", Tensor([.infinity, 1]))], elementTypes: ["m": .int8]), .int8, "inf"
    ),
    ("a matrix of floats", SafeTensors(tensors: [matrix]), .int8, "is F32; in int8 it is I8"),
    ("a matrix of floats", SafeTensors(tensors: [matrix]), .bfloat16, "is F32; in bfloat16 it is BF16"),
    ("a vector of bytes", SafeTensors(tensors: [("v", Tensor([1]))], elementTypes: ["v": .int8]), .int8, "it is F32"),
    ("bytes for floats", SafeTensors(tensors: [matrix], elementTypes: ["m": .int8]), .float32, "in float32 it is F32"),
  ]

  @Test(arguments: wrong.indices) func isRefused(index: Int) {
    let row = Self.wrong[index]
    let error = failure { () throws(UnrollError) in _ = try row.file.weights(as: row.precision, at: "weights.x") }
    #expect(error?.kind == .invalidData && error?.place == "weights.x" && error?.hint != nil, "\(row.what)")
    #expect(error?.message.contains(row.says) == true, "\(row.what): \(error?.message ?? "-")")
  }
}
