import Foundation
import Interchange

/// A picture in a PNG file: 8 bits a channel, grey, colours, or colours of a palette, with or without transparency; not
/// interlaced.
///
///     let picture = try PNGPicture(contentsOf: "train/1f600.png")
///     picture.pixels.count   // 3 · width · height
///
/// Whatever the file's form, pixels are red, green and blue; what is transparent is seen on white.
public struct PNGPicture: Sendable {
  /// Pixels across and down.
  public let width, height: Int
  /// Red, green and blue of each pixel, row by row from the top.
  public let pixels: [UInt8]

  /// The largest number of pixels that is read.
  static let limit = 1 << 24

  /// Reads a file. Throws when it is no PNG file, is damaged or cut off, or is of a form that is not read here.
  public init(contentsOf path: String) throws(UnrollError) {
    try self.init(FileAccess.read(from: path, limit: 1 << 28), at: path)
  }

  /// Reads the content of a file; `place` is for messages.
  public init(_ data: Data, at place: String) throws(UnrollError) {
    let file = try Chunks([UInt8](data), place)
    (width, height) = (file.form.width, file.form.height)
    let channels = file.form.channels
    let row = width * channels
    let size = height * (row + 1)
    let content: Data
    do throws(UnrollError) {
      content = try Gzip.uncompressedZlib(file.compressed, limit: size, at: place)
    } catch {
      throw Self.damaged(error.message, place)
    }
    guard content.count == size else {
      throw Self.damaged("it holds \(content.count) bytes of pixels, and \(size) by its size", place)
    }
    guard let bytes = Self.unfiltered([UInt8](content), row: row, pixel: channels) else {
      throw Self.damaged("a row's filter is unknown", place)
    }
    guard let pixels = file.colours(of: bytes) else { throw Self.damaged("a colour is not in its palette", place) }
    self.pixels = pixels
  }

  static func damaged(_ what: String, _ place: String) -> UnrollError {
    UnrollError(.invalidData, "the PNG file is damaged: \(what)", at: place, hint: "write it again, or remove it")
  }

  /// The rows without their filters (PNG specification, section 9); nil when a filter is unknown.
  private static func unfiltered(_ bytes: [UInt8], row: Int, pixel: Int) -> [UInt8]? {
    var result = [UInt8](repeating: 0, count: bytes.count / (row + 1) * row)
    for y in 0..<(bytes.count / (row + 1)) {
      let filter = bytes[y * (row + 1)]
      let (from, to) = (y * (row + 1) + 1, y * row)
      for x in 0..<row {
        let left = x >= pixel ? Int(result[to + x - pixel]) : 0
        let above = y > 0 ? Int(result[to - row + x]) : 0
        let corner = x >= pixel && y > 0 ? Int(result[to - row + x - pixel]) : 0
        let guess: Int
        switch filter {
        case 0: guess = 0
        case 1: guess = left
        case 2: guess = above
        case 3: guess = (left + above) / 2
        case 4: guess = nearest(left, above, corner)
        default: return nil
        }
        result[to + x] = bytes[from + x] &+ UInt8(guess)
      }
    }
    return result
  }

  /// Which of the three is nearest to left + above - corner.
  private static func nearest(_ left: Int, _ above: Int, _ corner: Int) -> Int {
    let (a, b, c) = (abs(above - corner), abs(left - corner), abs(left + above - 2 * corner))
    return a <= b && a <= c ? left : b <= c ? above : corner
  }
}

extension PNGPicture {
  /// What `IHDR` says.
  struct Form {
    let width, height: Int
    /// 0 grey, 2 colours, 3 palette, 4 grey and alpha, 6 colours and alpha.
    let colour: UInt8

    var channels: Int {
      switch colour {
      case 2: 3
      case 4: 2
      case 6: 4
      default: 1
      }
    }

    init(_ bytes: ArraySlice<UInt8>, _ place: String) throws(UnrollError) {
      let bytes = Array(bytes)
      guard bytes.count == 13 else { throw PNGPicture.damaged("its header has \(bytes.count) bytes", place) }
      (width, height) = (bytes[0..<4].number, bytes[4..<8].number)
      colour = bytes[9]
      guard width > 0, height > 0, width <= PNGPicture.limit, height <= PNGPicture.limit,
        width * height <= PNGPicture.limit
      else {
        throw UnrollError(
          .invalidData, "the PNG file is of \(width) x \(height) pixels; 1 to \(PNGPicture.limit) are read", at: place,
          hint: "make the picture smaller")
      }
      func refused(_ what: String) -> UnrollError {
        UnrollError(
          .invalidData, "the PNG file \(what), which is not read here", at: place,
          hint: "write it again with 8 bits a channel, not interlaced: convert IN -depth 8 -interlace none png24:OUT")
      }
      guard [0, 2, 3, 4, 6].contains(colour), bytes[10] == 0, bytes[11] == 0 else {
        throw PNGPicture.damaged("its header is of no known form", place)
      }
      guard bytes[8] == 8 else { throw refused("has \(bytes[8]) bits a channel") }
      guard bytes[12] == 0 else { throw refused("is interlaced") }
    }
  }

  /// The chunks of a file, checked.
  struct Chunks {
    let form: Form
    private(set) var compressed = Data()
    private var palette: [UInt8] = []
    private var transparency: [UInt8] = []

    init(_ bytes: [UInt8], _ place: String) throws(UnrollError) {
      guard bytes.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) else {
        throw UnrollError(.invalidData, "this is no PNG file", at: place, hint: "convert it: convert IN png24:OUT.png")
      }
      var form: Form?
      var start = 8
      while true {
        guard bytes.count - start >= 12 else { throw PNGPicture.damaged("it ends too early", place) }
        let length = bytes[start..<start + 4].number
        guard length <= bytes.count - start - 12 else { throw PNGPicture.damaged("it ends too early", place) }
        let kind = bytes[start + 4..<start + 8]
        let content = bytes[start + 8..<start + 8 + length]
        guard
          Int(Gzip.crc32(bytes[start + 4..<start + 8 + length]))
            == bytes[start + 8 + length..<start + 12 + length].number
        else { throw PNGPicture.damaged("a checksum is wrong", "\(place):byte \(start)") }
        start += 12 + length
        let name = String(decoding: kind, as: UTF8.self)
        guard form != nil || name == "IHDR" else { throw PNGPicture.damaged("it does not begin with IHDR", place) }
        switch name {
        case "IHDR":
          guard form == nil else { throw PNGPicture.damaged("it has two headers", place) }
          form = try Form(content, place)
        case "PLTE": palette = Array(content)
        case "tRNS": transparency = Array(content)
        case "IDAT": compressed.append(contentsOf: content)
        case "IEND":
          guard let form else { throw PNGPicture.damaged("it has no header", place) }
          self.form = form
          return
        default:
          // A capital says that the picture cannot be shown without it.
          guard kind[kind.startIndex] & 0x20 != 0 else {
            throw PNGPicture.damaged("it has a part `\(name)` of no known kind", place)
          }
        }
      }
    }

    /// Red, green and blue of each pixel, on white; nil when a colour is not in the palette.
    func colours(of bytes: [UInt8]) -> [UInt8]? {
      var pixels: [UInt8] = []
      pixels.reserveCapacity(3 * form.width * form.height)
      func append(_ red: UInt8, _ green: UInt8, _ blue: UInt8, alpha: UInt8 = 255) {
        for colour in [red, green, blue] {
          let (own, white) = (Int(colour) * Int(alpha), 255 * (255 - Int(alpha)))
          pixels.append(UInt8((own + white + 127) / 255))
        }
      }
      for i in stride(from: 0, to: bytes.count, by: form.channels) {
        switch form.colour {
        case 0: append(bytes[i], bytes[i], bytes[i])
        case 2: append(bytes[i], bytes[i + 1], bytes[i + 2])
        case 4: append(bytes[i], bytes[i], bytes[i], alpha: bytes[i + 1])
        case 6: append(bytes[i], bytes[i + 1], bytes[i + 2], alpha: bytes[i + 3])
        default:
          let entry = Int(bytes[i])
          guard 3 * entry + 2 < palette.count else { return nil }
          append(
            palette[3 * entry], palette[3 * entry + 1], palette[3 * entry + 2],
            alpha: entry < transparency.count ? transparency[entry] : 255)
        }
      }
      return pixels
    }
  }
}

extension Collection<UInt8> {
  /// The big-endian number of these bytes.
  fileprivate var number: Int { reduce(0) { $0 << 8 | Int($1) } }
}
