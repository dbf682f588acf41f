import Foundation
import Tensors

/// A picture as the content of a PNG file: red, green and blue, 8 bits each.
///
///     let red = PNGImage(width: 2, height: 1, pixels: [255, 0, 0, 128, 0, 0])
///     try AtomicFile.write(red.data, to: "red.png")
///
/// `PNGPicture` reads such files.
public struct PNGImage: Sendable {
  /// Pixels across and down.
  public let width, height: Int
  /// The content of the file.
  public let data: Data

  /// A picture of 3 · `width` · `height` values, row by row from the top. Traps when there are more or fewer, or none.
  public init(width: Int, height: Int, pixels: [UInt8]) {
    demand(
      width > 0 && height > 0 && pixels.count == 3 * width * height,
      "a picture of \(width) × \(height) pixels has \(3 * max(0, width) * max(0, height)) values, not \(pixels.count)")
    self.width = width
    self.height = height
    // 8 bits, colours; the usual compression and filters; not interlaced.
    let header: [UInt8] = Self.bigEndian(width) + Self.bigEndian(height) + [8, 2, 0, 0, 0]
    var rows: [UInt8] = []
    rows.reserveCapacity(pixels.count + height)
    for row in 0..<height {
      // Its filter: none.
      rows.append(0)
      rows += pixels[3 * width * row..<3 * width * (row + 1)]
    }
    var data = Data([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
    data += Self.chunk("IHDR", header)
    data += Self.chunk("IDAT", Gzip.compressedZlib(rows))
    data += Self.chunk("IEND", [])
    self.data = data
  }

  private static func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
    let named = Array(name.utf8) + content
    return bigEndian(content.count) + named + bigEndian(Int(Gzip.crc32(named)))
  }

  private static func bigEndian(_ value: Int) -> [UInt8] {
    withUnsafeBytes(of: UInt32(truncatingIfNeeded: value).bigEndian) { Array($0) }
  }
}
