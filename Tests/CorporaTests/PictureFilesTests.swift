import Corpora
import Foundation
import Interchange
import Testing

/// Arrays of NumPy, PNG pictures, and pictures with captions.
@Suite final class PictureFilesTests {
  private struct Golden: Decodable {
    struct Entry: Decodable {
      let name, file: String
      let values: [Float]

      var data: Data { Data(base64Encoded: file) ?? Data() }
    }
    let width, height: Int
    let pictures, arrays: [Entry]
  }

  /// Files of `Tests/Golden/pictures.py`.
  private static let golden = Result {
    let path = #filePath.replacing("CorporaTests/PictureFilesTests.swift", with: "Golden/pictures.json")
    return try JSONDecoder().decode(Golden.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
  }
  private let folder = NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)"

  init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(atPath: folder) }

  private func write(_ data: Data, to name: String) throws -> String {
    try data.write(to: URL(fileURLWithPath: folder + "/" + name))
    return folder + "/" + name
  }

  private func write(_ text: String, to name: String) throws -> String { try write(Data(text.utf8), to: name) }

  // MARK: Arrays

  @Test func arraysOfAllTypesAreRead() throws {
    let arrays = try Self.golden.get().arrays
    #expect(arrays.count == 13)
    for entry in arrays {
      let array = try NPYArray(entry.data, at: entry.name)
      #expect(array.extents == [2, 3, 2] && array.values == entry.values, "\(entry.name)")
    }
  }

  private static func npy(_ header: String, _ values: [UInt8], version: UInt8 = 1) -> Data {
    let size = header.utf8.count
    return Data([0x93] + Array("NUMPY".utf8) + [version, 0, UInt8(size & 255), UInt8(size >> 8)])
      + Data(header.utf8) + Data(values)
  }

  static let headers: [(String, Int, String)] = [
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 7, "damaged"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", 9, "damaged"),
    ("{'descr': '>f4', 'fortran_order': False, 'shape': (2,), }", 8, "`>f4`"),
    ("{'descr': '<c8', 'fortran_order': False, 'shape': (2,), }", 16, "`<c8`"),
    ("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1), }", 8, "Fortran"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (-2,), }", 8, "header"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", 0, "too large"),
    ("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", 0, "header"),
    ("{'descr': '<f4', 'fortran_order': False, }", 8, "header"),
    ("{'descr': '<f4', 'descr': '<f4', 'shape': (2,), }", 8, "header"), ("{'descr", 8, "header"), ("", 8, "header"),
    ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }", 8, "header"),
  ]

  @Test(arguments: 0..<headers.count) func otherArraysAreErrors(index: Int) throws {
    let (header, bytes, part) = Self.headers[index]
    let data = Self.npy(header, [UInt8](repeating: 0, count: bytes))
    let error = try #require(throws: UnrollError.self) { try NPYArray(data, at: "a.npy") }
    #expect(error.place == "a.npy" && error.message.contains(part) && error.hint != nil, "\(error)")
  }

  @Test func whatIsCutOffIsAnError() throws {
    let golden = try Self.golden.get()
    for entry in golden.arrays.prefix(3) {
      for count in 0..<entry.data.count {
        #expect(throws: UnrollError.self) { try NPYArray(entry.data.prefix(count), at: "a") }
      }
    }
    for entry in golden.pictures {
      for count in 0..<entry.data.count {
        #expect(throws: UnrollError.self) { try PNGPicture(entry.data.prefix(count), at: "a") }
      }
    }
    let version = Self.npy("{}", [], version: 4)
    #expect(throws: UnrollError.self) { try NPYArray(version, at: "a") }
  }

  // MARK: Pictures

  @Test func picturesOfAllFormsAreRead() throws {
    let golden = try Self.golden.get()
    #expect(golden.pictures.count == 5)
    for entry in golden.pictures {
      let picture = try PNGPicture(entry.data, at: entry.name)
      #expect(picture.width == golden.width && picture.height == golden.height)
      #expect(picture.pixels.map(Float.init) == entry.values, "\(entry.name)")
    }
  }

  /// A changed byte is always found: chunks have checksums.
  @Test func damageIsFound() throws {
    for entry in try Self.golden.get().pictures {
      for place in 0..<entry.data.count {
        var data = entry.data
        data[place] ^= 0x10
        #expect(throws: UnrollError.self, "\(entry.name), byte \(place)") { try PNGPicture(data, at: "a") }
      }
    }
  }

  /// Header, pixels, end, with checksums that are right.
  private static func png(_ header: [UInt8], _ parts: [(String, [UInt8])]) -> Data {
    var data = Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
    func big(_ number: Int) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) } }
    for (name, content) in [("IHDR", header)] + parts + [("IEND", [])] {
      let body = Array(name.utf8) + content
      data += big(content.count) + body + big(Int(Gzip.crc32(body)))
    }
    return data
  }

  @Test(
    arguments: [
      ([0, 0, 0, 1, 0, 0, 0, 1, 16, 2, 0, 0, 0], "16 bits"), ([0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 1], "interlaced"),
      ([0, 0, 0, 0, 0, 0, 0, 1, 8, 2, 0, 0, 0], "0 x 1"),
      ([255, 255, 255, 255, 255, 255, 255, 255, 8, 2, 0, 0, 0], "x"),
      ([0, 0, 0, 1, 0, 0, 0, 1, 8, 5, 0, 0, 0], "known form"), ([0, 0, 0, 1], "4 bytes"),
      ([0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0], "damaged"),
    ] as [([UInt8], String)])
  func otherPicturesAreErrors(header: [UInt8], part: String) throws {
    let data = Self.png(header, [("IDAT", [1, 2, 3])])
    let error = try #require(throws: UnrollError.self) { try PNGPicture(data, at: "a.png") }
    #expect(error.message.contains(part) && error.place == "a.png", "\(error)")
  }

  // MARK: Captions

  private func described(
    _ names: String, skips: Bool = false
  ) throws(UnrollError) -> (samples: [DescribedPicture], skipped: [UnrollError]) {
    var bad = BadLines(skips: skips)
    let path = folder
    let files = try DescribedPictures.Files(names.split(separator: ",").map { path + "/" + $0 }.joined(separator: ","))
    return (try DescribedPictures(files, &bad).samples, bad.skipped)
  }

  private func features() throws {
    _ = try write(
      Self.npy("{'descr': '|u1', 'fortran_order': False, 'shape': (3, 2), }", [1, 2, 3, 4, 5, 6]), to: "f.npy")
  }

  @Test func namesLeadToCaptions() throws {
    try features()
    _ = try write("b.jpg\na.jpg\nc#x.jpg\n", to: "list.txt")
    _ = try write(
      "a.jpg#0\tOne .\r\na.jpg#1\tTwo\nd.jpg#0\tOther\nc#x.jpg\tThree\nb.jpg#0\tFour\tmore\n", to: "captions.txt")
    let samples = try described("f.npy,list.txt,captions.txt").samples
    #expect(samples.map(\.caption) == ["Four", "One .", "Two", "Three"])
    #expect(samples.map(\.picture.values) == [[1, 2], [3, 4], [3, 4], [5, 6]])
    #expect(samples[1].picture === samples[2].picture && samples[0].place == folder + "/captions.txt:5")
    // Without a list of names, line by line.
    _ = try write("x\tone\t\ny\ttwo\nz\tthree\n", to: "table.tsv")
    #expect(try described("f.npy,table.tsv").samples.map(\.caption) == ["one", "two", "three"])
    _ = try write("one\ntwo\nthree\n", to: "lines.txt")
    #expect(try described("f.npy,lines.txt").samples.map(\.caption) == ["one", "two", "three"])
  }

  @Test func badCaptionsAreErrorsOrCounted() throws {
    try features()
    _ = try write("a\nb\nc\n", to: "list.txt")
    _ = try write("a\tone\nno table\nb\t \n", to: "captions.txt")
    let error = try #require(throws: UnrollError.self) { try self.described("f.npy,list.txt,captions.txt") }
    #expect(error.place == folder + "/captions.txt:2")
    let (samples, skipped) = try described("f.npy,list.txt,captions.txt", skips: true)
    #expect(samples.map(\.caption) == ["one"] && skipped.count == 4)
    #expect(skipped.last?.place == folder + "/list.txt:3" && skipped.last?.message.contains("no caption") == true)
    _ = try write("a\nb\n", to: "list.txt")
    let count = try #require(throws: UnrollError.self) { try self.described("f.npy,list.txt", skips: true) }
    #expect(count.message.contains("3 pictures") && count.message.contains("2 lines"))
    for names in ["f.npy", "f.npy,list.txt,captions.txt,more", "none.npy,list.txt", "list.txt,list.txt"] {
      #expect(throws: UnrollError.self) { try self.described(names) }
    }
    #expect(throws: UnrollError.self) { try DescribedPictures.Files("a,,b") }
  }

  @Test func foldersOfPicturesAreKnownByName() throws {
    let golden = try Self.golden.get()
    for (name, entry) in zip(["b.png", "a.PNG"], golden.pictures) { _ = try write(entry.data, to: name) }
    _ = try write("b.png\tfirst\na\tsecond\nb\tthird\n", to: "t.tsv")
    var bad = BadLines(skips: false)
    let files = try DescribedPictures.Files("\(folder),\(folder)/t.tsv")
    let samples = try DescribedPictures(files, &bad).samples
    #expect(samples.map(\.caption) == ["first", "second", "third"] && samples[0].picture === samples[2].picture)
    #expect(samples[0].picture.extents == [golden.height, golden.width, 3])
    #expect(samples[1].picture.values == golden.pictures[1].values)
    _ = try write("none\tx\n", to: "t.tsv")
    let error = try #require(throws: UnrollError.self) { try DescribedPictures(files, &bad) }
    #expect(error.place == folder + "/t.tsv:1" && error.message.contains("`none`"))
    _ = try write(
      Self.png(
        [0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0], [("IDAT", [0x78, 1, 1, 2, 0, 0xFD, 0xFF, 0, 9, 0, 11, 0, 10])]),
      to: "c.png")
    let size = try #require(throws: UnrollError.self) { try Pictures(contentsOf: self.folder) }
    #expect(size.message.contains("1 x 1") && size.place == folder + "/c.png", "\(size)")
  }

  @Test func numbersThatAreNoneAreErrors() throws {
    _ = try write(
      Self.npy("{'descr': '<f2', 'fortran_order': False, 'shape': (1, 2), }", [0, 0x3C, 0, 0x7C]), to: "f.npy")
    let error = try #require(throws: UnrollError.self) { try Pictures(contentsOf: self.folder + "/f.npy") }
    #expect(error.message.contains("finite") && error.place == folder + "/f.npy: picture 1")
    _ = try write(Self.npy("{'descr': '|u1', 'fortran_order': False, 'shape': (0, 2), }", []), to: "f.npy")
    #expect(throws: UnrollError.self) { try Pictures(contentsOf: self.folder + "/f.npy") }
    _ = try write(Self.npy("{'descr': '|u1', 'fortran_order': False, 'shape': (2,), }", [1, 2]), to: "f.npy")
    #expect(throws: UnrollError.self) { try Pictures(contentsOf: self.folder + "/f.npy") }
  }
}
