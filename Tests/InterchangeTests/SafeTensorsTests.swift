import Foundation
import Interchange
import Tensors
import Testing

@Suite struct SafeTensorsTests {
  let folder = TestFolder()

  static let sample = SafeTensors(
    tensors: [
      ("weight", Tensor([[1, -2.5, 3], [4, .infinity, 0.1]])), ("none", .zeros([0, 3])), ("bias", Tensor([-0.0])),
      ("scalar", Tensor(shape: [], values: [7])), ("also none", .zeros([2, 0])), ("four", .ones([1, 3, 2, 1])),
    ], metadata: ["step": "12", "quote \"": "line\nbreak\u{1}\\", "ключ": "🙂"])

  @Test func whatIsWrittenIsReadBackInOrder() throws {
    let path = folder.file("weights.safetensors")
    try Self.sample.write(to: path)
    #expect(content(try .read(from: path)) == content(Self.sample))
    #expect(folder.names == ["weights.safetensors"])
  }

  @Test func valuesThatAreNoNumbersKeepTheirBits() throws {
    let path = folder.file("odd")
    let odd = [Float(bitPattern: 0x7FA0_0001), .nan, -.infinity, .leastNonzeroMagnitude]
    try SafeTensors(tensors: [("odd", Tensor(odd))]).write(to: path)
    #expect(try SafeTensors.read(from: path)["odd"]?.values.map(\.bitPattern) == odd.map(\.bitPattern))
  }

  @Test(arguments: [[:], ["a": "b"]] as [[String: String]])
  func noTensorsAtAll(metadata: [String: String]) throws {
    let path = folder.file("empty")
    try SafeTensors(tensors: [], metadata: metadata).write(to: path)
    let file = try SafeTensors.read(from: path)
    #expect(file.tensors.isEmpty && file.metadata == metadata)
  }

  @Test(arguments: ["a", "x.0.weight", "ünï/\"\\\u{7}", String(repeating: "n", count: 1024), "checksum", "{}"])
  func names(name: String) throws {
    let path = folder.file("named")
    try SafeTensors(tensors: [(name, Tensor([3]))]).write(to: path)
    let file = try SafeTensors.read(from: path)
    #expect(file[name] == Tensor([3]))
    #expect(file["other"] == nil)
  }

  @Test func sameContentGivesSameBytes() throws {
    let (first, second) = (folder.file("1"), folder.file("2"))
    try Self.sample.write(to: first)
    var again = SafeTensors(tensors: Self.sample.tensors)
    for (key, value) in Self.sample.metadata.sorted(by: { $0.key > $1.key }) { again.metadata[key] = value }
    try again.write(to: second)
    #expect(bytes(of: first) == bytes(of: second))
    #expect(bytes(of: first)[0] % 8 == 0, "the data begins at a multiple of 8")
  }

  @Test func manyTensors() throws {
    let path = folder.file("many")
    let many = SafeTensors(tensors: (0..<2_000).map { ("t\($0)", Tensor([Float($0)])) })
    try many.write(to: path)
    #expect(content(try .read(from: path)) == content(many))
  }

  @Test func contentThatNoFileCanHoldIsNotWritten() {
    let one = Tensor([1])
    let refused: [(tensors: [(String, Tensor)], metadata: [String: String])] = [
      ([("", one)], [:]), ([("__metadata__", one)], [:]), ([(String(repeating: "é", count: 513), one)], [:]),
      ([("a", one), ("a", one)], [:]), (Array(repeating: ("a", one), count: 100_001), [:]),
      ([], ["format": "pt"]), ([], ["version": "1"]), ([], ["checksum.a": ""]),
      ([], ["long": String(repeating: "x", count: 16 << 20)]),
    ]
    for (index, (tensors, metadata)) in refused.enumerated() {
      let error = failure { () throws(UnrollError) in
        try SafeTensors(tensors: tensors, metadata: metadata).write(to: folder.file("refused"))
      }
      #expect(error?.kind == .usage && error?.hint != nil, "number \(index)")
    }
    #expect(folder.names.isEmpty)
  }

  @Test func filesOfTheReferenceWriter() throws {
    func read(_ text: String) throws -> SafeTensors {
      let data = try #require(Data(base64Encoded: text))
      return try SafeTensors.read(from: folder.file("reference", data))
    }
    let numpy = try read(ReferenceFiles.numpyFile)
    #expect(numpy.tensors.count == 5 && numpy.metadata.isEmpty)
    #expect(numpy["weight"] == Tensor([[-1, -0.75, -0.5], [-0.25, 0, 0.25]]))
    #expect(numpy["scalar"] == Tensor(shape: [], values: [2.5]))
    #expect(numpy["empty"] == .zeros([0, 3]))
    #expect(numpy["ünï \"quoted\""] == Tensor([0, 1]))
    #expect(numpy["four"] == Tensor(shape: [1, 2, 1, 2], values: [0, 1, 2, 3]))
    let torch = try read(ReferenceFiles.torchFile)
    #expect(torch["lstm.weight_ih_l0"] == Tensor([[0, 1], [2, 3], [4, 5], [6, 7]]))
    #expect(torch["lstm.bias_ih_l0"] == Tensor(shape: [4], repeating: -0.5))
    #expect(torch.metadata == ["format": "pt", "note": "line\nbreak"])
    #expect(try read(ReferenceFiles.noTensors).tensors.isEmpty)
    let error = failure { () throws(UnrollError) in
      _ = try SafeTensors.read(
        from: folder.file("half", Data(base64Encoded: ReferenceFiles.halfFile) ?? Data()))
    }
    #expect(error?.message.contains("`weight` has dtype `F16`") == true && error?.hint?.contains("float()") == true)
  }

  /// The values are those of the reference implementation, python-xxhash 4.1.0.
  @Test(arguments: [
    (0, "ef46db3751d8e999"), (1, "f592c0c7639c4cb6"), (3, "22c08528601d4f27"), (4, "fb1e5cf2f1ae4d95"),
    (8, "57cb2b7521f3e21a"), (31, "e4a0e629e519a4ae"), (32, "cc6b8aaada790b2d"), (33, "35ec49850475a832"),
    (100, "4826e367566ea023"), (1003, "14a8d9427f0822bc"),
  ])
  func checksums(count: Int, expected: String) {
    let bytes = (0..<count).map { UInt8(($0 * 37 + 11) % 256) }
    #expect(bytes.withUnsafeBytes { Checksum($0) }.description == "xxh64:" + expected)
  }
}

/// Damage: whatever happens to a file, it is told and never loaded.
@Suite struct SafeTensorsDamageTests {
  let folder = TestFolder()

  private func written() throws -> [UInt8] {
    let path = folder.file("whole")
    try SafeTensors(
      tensors: [("weight", Tensor([[1, -2.5], [3, 4]])), ("none", .zeros([0, 3]))], metadata: ["step": "12"]
    ).write(to: path)
    return bytes(of: path)
  }

  @Test func everyTruncationIsFound() throws {
    let whole = try written()
    for length in whole.indices {
      let path = folder.file("cut", whole[..<length])
      let error = failure { () throws(UnrollError) in _ = try SafeTensors.read(from: path) }
      #expect(error?.kind == .invalidData && error?.place?.hasPrefix(path) == true, "\(length) bytes")
    }
  }

  @Test func everyFlippedBitIsFound() throws {
    let whole = try written()
    var kinds: [UnrollError.Kind: Int] = [:]
    for bit in 0..<whole.count * 8 {
      var damaged = whole
      damaged[bit / 8] ^= 1 << (bit % 8)
      let path = folder.file("flipped", damaged)
      let error = failure { () throws(UnrollError) in _ = try SafeTensors.read(from: path) }
      #expect(error?.place?.hasPrefix(path) == true, "bit \(bit)")
      if let error { kinds[error.kind, default: 0] += 1 }
    }
    #expect(whole.count * 8 > 500)
    // Even the version's digit, which becomes 3, 5 or 9.
    #expect(kinds == [.invalidData: whole.count * 8])
  }

  @Test func exchangedTensorsAreFound() throws {
    var whole = try written()
    let data = whole.count - 4 * 4
    whole.swapAt(data + 3, data + 7)
    let path = folder.file("exchanged", whole)
    let error = failure { () throws(UnrollError) in _ = try SafeTensors.read(from: path) }
    #expect(error?.message.contains("tensor `weight`") == true)
  }
}
