import Foundation
import Interchange

/// The pictures of a file or a folder, as numbers.
struct PictureFile {
  /// [pictures, values], [pictures, places, values] or [pictures, height, width, channels].
  let array: NumPyArray
  /// The names of a folder's pictures, without `.png`, each at its row; nil: they have none.
  let names: [String]?
  private let rows: [String: Int]

  /// Reads an array (`.npy`, ``NumPyArray``), a folder of PNG pictures of one size (``PNGPicture``), or, whatever else
  /// it is called, pictures in IDX form (``IDXArray``): [pictures, height, width], or with channels behind.
  ///
  /// Throws for files that cannot be read or are damaged, numbers that are not finite, and pictures of different sizes.
  init(contentsOf path: String) throws(UnrollError) {
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
      let (names, array) = try Self.folder(path)
      (self.array, self.names) = (array, names)
      rows = Dictionary(names.enumerated().map { ($1, $0) }) { first, _ in first }
    } else {
      array = try Self.file(path)
      (names, rows) = (nil, [:])
    }
  }

  /// The row of a picture's name, with or without `.png`; nil when the folder has none.
  func row(named name: String) -> Int? { rows[Self.stem(name)] }

  private static func stem(_ name: String) -> String {
    name.lowercased().hasSuffix(".png") ? String(name.dropLast(4)) : name
  }

  private static func file(_ path: String) throws(UnrollError) -> NumPyArray {
    let data = try Gzip.read(from: path, limit: 8 << 30)
    guard data.starts(with: [0x93]) || path.lowercased().hasSuffix(".npy") else { return try pixels(data, path) }
    let array = try NumPyArray(data, at: path)
    guard (2...4).contains(array.extents.count), array.extents.allSatisfy({ $0 > 0 }) else {
      throw UnrollError(
        .invalidData, "the features have extents \(array.extents)", at: path,
        hint: "a row for each picture: [pictures, values], [pictures, places, values] or "
          + "[pictures, height, width, channels]")
    }
    if let index = array.values.firstIndex(where: { !$0.isFinite }) {
      let row = index / (array.values.count / array.extents[0])
      throw UnrollError(
        .invalidData, "the features of picture \(row + 1) hold \(array.values[index])", at: path,
        hint: "mend what made them")
    }
    return array
  }

  private static func pixels(_ data: Data, _ path: String) throws(UnrollError) -> NumPyArray {
    let array = try IDXArray(data, at: path)
    guard (3...4).contains(array.extents.count), array.extents.allSatisfy({ $0 > 0 }) else {
      throw UnrollError(
        .invalidData, "the IDX file has extents \(array.extents)", at: path,
        hint: "pictures are [pictures, height, width] or [pictures, height, width, channels]")
    }
    return NumPyArray(
      extents: array.extents + (array.extents.count == 3 ? [1] : []), values: array.values.map(Float.init))
  }

  private static func folder(_ path: String) throws(UnrollError) -> (names: [String], array: NumPyArray) {
    var (names, values) = ([String](), [Float]())
    var size: (width: Int, height: Int)?
    for file in try FolderContent.names(in: path) where file.lowercased().hasSuffix(".png") {
      let place = path + "/" + file
      let picture = try PNGPicture(contentsOf: place)
      let own = size ?? (picture.width, picture.height)
      guard own == (picture.width, picture.height) else {
        throw UnrollError(
          .invalidData,
          "the picture is of \(picture.width) x \(picture.height) pixels, and those before it of "
            + "\(own.width) x \(own.height)", at: place, hint: "scale all to one size")
      }
      size = own
      names.append(stem(file))
      values += picture.pixels.lazy.map(Float.init)
    }
    guard let size else {
      throw UnrollError(
        .invalidData, "there are no pictures in the folder", at: path, hint: "put pictures NAME.png into it")
    }
    return (names, NumPyArray(extents: [names.count, size.height, size.width, 3], values: values))
  }
}
