import Foundation
import Interchange

/// A picture, as numbers, and what is said of it.
public struct CaptionedPicture: Sendable {
  /// Its name: the first column of its line.
  public let name: String
  /// Its row among the features.
  public let row: Int
  /// All pictures' numbers: [pictures, values], [pictures, places, values] or [pictures, height, width, channels].
  public let features: NumPyArray
  /// Its captions; none, where nothing is said of it.
  public internal(set) var captions: [String]
  /// File and line that name it.
  public let place: String

  /// The picture at a row of some features.
  public init(name: String, row: Int, features: NumPyArray, captions: [String], place: String = "") {
    (self.name, self.row, self.features) = (name, row, features)
    (self.captions, self.place) = (captions, place)
  }

  /// Its numbers.
  public var values: ArraySlice<Float> {
    let size = features.extents.dropFirst().reduce(1, *)
    return features.values[row * size..<(row + 1) * size]
  }
}

/// Reads pictures, or features of them, with their names and captions.
///
///     var bad = BadLines(skips: false)
///     let (pictures, _) = try CaptionedPictures.read("train.npy,train.txt", captions: "captions.txt", &bad)
///
/// `PICTURES,LIST` belong together. Pictures are features in an array `.npy` (see ``CaptionedPicture/features``), or
/// pixels: such an array, an IDX file, or a folder of PNG pictures of one size. Line i of the list is for row i of the
/// file; in a folder the list's names choose the pictures, with or without `.png`. A line begins with the picture's
/// name; behind a tab a caption may stand, further columns are left out. Other captions come from a file of lines
/// `name TAB caption`, as many as there are for a picture, `#` and a number behind its name or not: Flickr8k's form.
public enum CaptionedPictures {
  /// The pictures of two files, in order, and a checksum of all that was read.
  ///
  /// - Parameters:
  ///   - paths: `PICTURES,LIST`.
  ///   - captions: The file of captions; nil: they stand in the list.
  ///   - needsCaptions: Whether a picture without any is a bad line.
  ///   - bad: What becomes of bad lines.
  /// - Throws: for files that cannot be read or are damaged, another number of lines than rows, and bad lines unless
  ///   they are skipped.
  public static func read(
    _ paths: String, captions: String?, needsCaptions: Bool = true, _ bad: inout BadLines
  ) throws(UnrollError) -> (pictures: [CaptionedPicture], checksum: String) {
    let parts = paths.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else {
      throw UnrollError(
        .usage, "`\(paths.prefix(80))` does not name two files",
        hint: "pictures and their names: FEATURES.npy,LIST or FOLDER,LIST")
    }
    let file = try PictureFile(contentsOf: parts[0])
    let features = file.array
    let list = try TextLines(contentsOf: parts[1])
    guard file.names != nil || list.lines.count == features.extents[0] else {
      throw UnrollError(
        .invalidData, "the list has \(list.lines.count) lines, and the features have \(features.extents[0]) rows",
        at: parts[1], hint: "line i names the picture of row i")
    }
    var checksum = features.checksum + list.checksum
    var table: [String: [String]] = [:]
    if let captions {
      let (own, sum) = try self.captions(in: captions, &bad)
      (table, checksum) = (own, checksum + sum)
    }
    var pictures: [CaptionedPicture] = []
    var places: [Int: Int] = [:]
    for (number, line) in list.lines.enumerated() {
      let columns = line.text.split(separator: "\t", omittingEmptySubsequences: false).map {
        $0.trimmingCharacters(in: .whitespaces)
      }
      let name = columns[0]
      let own = columns.count > 1 && !columns[1].isEmpty ? [columns[1]] : []
      let all = own + (table[name] ?? [])
      if name.isEmpty || needsCaptions && all.isEmpty {
        try bad.found(
          UnrollError(
            .invalidData,
            name.isEmpty ? "the line names no picture" : "nothing is said of the picture `\(name.prefix(60))`",
            at: list.place(line.number),
            hint: "captions stand behind a tab, or in a file of lines `name TAB caption`: --captions FILE; leave such "
              + "pictures out: --skip-bad-lines"))
        continue
      }
      guard let row = file.names == nil ? number : file.row(named: name) else {
        try bad.found(
          UnrollError(
            .invalidData, "there is no picture `\(name.prefix(60))` in \(parts[0])", at: list.place(line.number),
            hint: "name pictures of the folder; or skip such lines: --skip-bad-lines"))
        continue
      }
      // A picture of a folder may be named again, with another caption.
      if let place = places[row] {
        pictures[place].captions += own
        continue
      }
      places[row] = pictures.count
      pictures.append(
        CaptionedPicture(
          name: name, row: row, features: features, captions: all, place: list.place(line.number)))
    }
    return (pictures, Array(checksum.utf8).withUnsafeBytes { Checksum($0).description })
  }

  /// Pictures without captions, which are called as in their folder, or by their numbers, from 1.
  public static func read(features path: String) throws(UnrollError) -> [CaptionedPicture] {
    let file = try PictureFile(contentsOf: path)
    return (0..<file.array.extents[0]).map {
      CaptionedPicture(
        name: file.names?[$0] ?? "\($0 + 1)", row: $0, features: file.array, captions: [], place: "")
    }
  }

  private static func captions(
    in path: String, _ bad: inout BadLines
  ) throws(UnrollError) -> (table: [String: [String]], checksum: String) {
    let lines = try TextLines(contentsOf: path)
    var table: [String: [String]] = [:]
    for line in lines.lines where !line.text.isEmpty {
      let columns = line.text.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
      guard columns.count == 2, !columns[0].isEmpty, columns[1].contains(where: { !$0.isWhitespace }) else {
        try bad.found(
          UnrollError(
            .invalidData, "the line is not `name TAB caption`", at: lines.place(line.number),
            hint: "set them apart by a tabulator; or skip such lines: --skip-bad-lines"))
        continue
      }
      // name.jpg#2
      let name = columns[0].replacing(/#[0-9]+$/, with: "")
      table[String(name), default: []].append(columns[1].trimmingCharacters(in: .whitespaces))
    }
    return (table, lines.checksum)
  }

  /// The words of a caption as they are learnt and measured: in lower case, without marks.
  public static func words(_ caption: String) -> [String] {
    PlainTokens.split(caption, lowercasing: true).filter { token in
      token.unicodeScalars.contains { $0.properties.isAlphabetic || $0.properties.numericType != nil }
    }
  }
}
