import Corpora
import Foundation
import Interchange
import Testing

/// PNG pictures, arrays that NumPy wrote, and pictures with captions in folders and IDX files.
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

  @Test func arraysOfAllTypesAreRead() throws {
    let arrays = try Self.golden.get().arrays
    #expect(arrays.count == 13)
    for entry in arrays {
      let array = try NumPyArray(entry.data, at: entry.name)
      #expect(array.extents == [2, 3, 2] && array.values == entry.values, "\(entry.name)")
    }
  }

  @Test func whatIsCutOffIsAnError() throws {
    for entry in try Self.golden.get().pictures {
      for count in 0..<entry.data.count {
        #expect(throws: UnrollError.self) { try PNGPicture(entry.data.prefix(count), at: "a") }
      }
    }
  }

  @Test func picturesOfAllFormsAreRead() throws {
    let golden = try Self.golden.get()
    #expect(golden.pictures.count == 5)
    for entry in golden.pictures {
      let picture = try PNGPicture(entry.data, at: entry.name)
      #expect(picture.width == golden.width && picture.height == golden.height)
      #expect(picture.pixels.map(Float.init) == entry.values, "\(entry.name)")
    }
  }

  @Test func whatIsWrittenIsRead() throws {
    for (width, height) in [(1, 1), (5, 3), (700, 400)] {
      let pixels = (0..<3 * width * height).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) }
      let picture = try PNGPicture(PNGImage(width: width, height: height, pixels: pixels).data, at: "a.png")
      #expect(picture.width == width && picture.height == height && picture.pixels == pixels)
    }
    // One colour takes next to no room.
    #expect(PNGImage(width: 500, height: 500, pixels: [UInt8](repeating: 9, count: 750_000)).data.count < 3_000)
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

  private func read(
    _ list: String, captions: String? = nil, skips: Bool = false
  ) throws(UnrollError) -> (pictures: [CaptionedPicture], skipped: [UnrollError]) {
    try? Data(list.utf8).write(to: URL(fileURLWithPath: folder + "/list.tsv"))
    var bad = BadLines(skips: skips)
    return (try CaptionedPictures.read("\(folder),\(folder)/list.tsv", captions: captions, &bad).pictures, bad.skipped)
  }

  @Test func foldersOfPicturesAreKnownByName() throws {
    let golden = try Self.golden.get()
    for (name, entry) in zip(["b.png", "a.PNG", "c.png"], golden.pictures) { _ = try write(entry.data, to: name) }
    let pictures = try read("b.png\tfirst\tmore\na\tsecond\nb\tthird\n").pictures
    #expect(pictures.map(\.captions) == [["first", "third"], ["second"]])
    #expect(pictures[0].features.extents == [3, golden.height, golden.width, 3])
    #expect(Array(pictures[0].values) == golden.pictures[0].values)
    #expect(Array(pictures[1].values) == golden.pictures[1].values)
    #expect(try CaptionedPictures.read(features: folder).map(\.name) == ["a", "b", "c"])
    let captions = try write(Data("a.png#0\tone\na.png#1\ttwo\n".utf8), to: "captions.txt")
    #expect(try read("a.png\n", captions: captions).pictures.map(\.captions) == [["one", "two"]])
    let error = try #require(throws: UnrollError.self) { try self.read("a\tx\nnone\ty\n") }
    #expect(error.place == folder + "/list.tsv:2" && error.message.contains("`none`") && error.hint != nil)
    let (kept, skipped) = try read("a\tx\nnone\ty\nb\n", skips: true)
    #expect(kept.map(\.name) == ["a"] && skipped.map(\.place) == [2, 3].map { "\(folder)/list.tsv:\($0)" })
    let pixel: [UInt8] = [0x78, 1, 1, 2, 0, 0xFD, 0xFF, 0, 9, 0, 11, 0, 10]
    _ = try write(Self.png([0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0], [("IDAT", pixel)]), to: "d.png")
    let size = try #require(throws: UnrollError.self) { try self.read("a\tx\n") }
    #expect(size.message.contains("1 x 1") && size.place == folder + "/d.png", "\(size)")
  }

  @Test func foldersWithoutPicturesAreErrors() {
    #expect(throws: UnrollError.self) { try self.read("a\tx\n") }
    #expect(throws: UnrollError.self) { try CaptionedPictures.read(features: self.folder) }
  }

  @Test func pixelsComeFromIDXFiles() throws {
    let file = try write(Data([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 7, 8, 9, 255]), to: "images-idx3-ubyte")
    let pictures = try CaptionedPictures.read(features: file)
    #expect(pictures.map { Array($0.values) } == [[7, 8], [9, 255]])
    #expect(pictures[0].features.extents == [2, 1, 2, 1])
    let colours = try write(
      Data([0, 0, 8, 4, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3]), to: "colours")
    #expect(try CaptionedPictures.read(features: colours)[0].features.extents == [1, 1, 1, 3])
    for bytes in [[0, 0, 8, 1, 0, 0, 0, 1, 5], [0, 0, 8, 3, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1]] as [[UInt8]] {
      let other = try write(Data(bytes), to: "other")
      #expect(throws: UnrollError.self) { try CaptionedPictures.read(features: other) }
    }
  }
}
