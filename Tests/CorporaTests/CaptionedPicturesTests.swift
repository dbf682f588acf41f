import Corpora
import Foundation
import Interchange
import Testing

/// Features of pictures with names and captions.
@Suite final class CaptionedPicturesTests {
  private let folder = NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)"

  init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(atPath: folder) }

  private func write(_ name: String, _ bytes: some Sequence<UInt8>) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: folder + "/" + name))
    return folder + "/" + name
  }

  private func features(_ shape: String, _ values: [Float]) throws -> String {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(shape)), }\n"
    return try write(
      "f.npy",
      [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(header.utf8.count), 0] + Array(header.utf8)
        + values.withUnsafeBytes { Array($0) })
  }

  private func read(
    _ paths: String, _ captions: String? = nil, skips: Bool = false
  ) throws(UnrollError) -> (pictures: [CaptionedPicture], skipped: Int) {
    var bad = BadLines(skips: skips)
    return (try CaptionedPictures.read(paths, captions: captions, &bad).pictures, bad.skipped.count)
  }

  @Test func captionsStandBesideNamesOrElsewhere() throws {
    let features = try features("3, 2", [1, 2, 3, 4, 5, 6])
    let list = try write("list.txt", "a.jpg\r\nb.jpg\tA dog .\nc.jpg\n".utf8)
    let captions = try write(
      "captions.txt", "a.jpg#0\tOne cat .\nc.jpg\tTwo.\na.jpg#1\tA cat\n\nd.jpg#0\tnobody\n".utf8)
    let pictures = try read("\(features),\(list)", captions).pictures
    #expect(pictures.map(\.name) == ["a.jpg", "b.jpg", "c.jpg"])
    #expect(pictures.map(\.captions) == [["One cat .", "A cat"], ["A dog ."], ["Two."]])
    #expect(pictures.map { Array($0.values) } == [[1, 2], [3, 4], [5, 6]] && pictures[2].place == list + ":3")
    #expect(CaptionedPictures.words("A dog, isn't it? 2 dogs .") == ["a", "dog", "isn't", "it", "2", "dogs"])
    let error = try #require(throws: UnrollError.self) { try self.read("\(features),\(list)") }
    #expect(error.place == list + ":1" && error.message.contains("a.jpg"))
    let rest = try read("\(features),\(list)", skips: true)
    #expect(rest.pictures.map(\.name) == ["b.jpg"] && rest.skipped == 2 && Array(rest.pictures[0].values) == [3, 4])
    #expect(try CaptionedPictures.read(features: features).map(\.name) == ["1", "2", "3"])
  }

  @Test func filesThatDoNotFitAreErrors() throws {
    let list = try write("list.txt", "a\tx\nb\ty\n".utf8)
    for (shape, values, message) in [
      ("3, 1", [1, 2, 3], "2 lines, and the features have 3 rows"), ("2", [1, 2], "extents [2]"),
      ("2, 1", [1, .nan], "picture 2 hold nan"), ("2, 0", [], "extents [2, 0]"), ("0, 2", [], "extents [0, 2]"),
    ] as [(String, [Float], String)] {
      let features = try features(shape, values)
      let error = try #require(throws: UnrollError.self) { try self.read("\(features),\(list)") }
      #expect(error.message.contains(message) && error.place?.hasPrefix(folder) == true, "\(error)")
    }
    let features = try features("2, 1", [1, 2])
    let bad = try write("captions.txt", "a\tx\nb\n".utf8)
    let error = try #require(throws: UnrollError.self) { try self.read("\(features),\(list)", bad) }
    #expect(error.place == bad + ":2")
    for paths in [features, "\(features),", "\(features),\(list),\(list)", "", "\(features),\(folder)/none"] {
      #expect(throws: UnrollError.self) { try self.read(paths) }
    }
  }
}
