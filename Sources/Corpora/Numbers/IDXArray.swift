import Foundation
import Interchange

/// An array of bytes in the IDX form of the MNIST data (LeCun et al. 1998): pictures [count, height, width], labels
/// [count].
///
///     let images = try IDXArray(contentsOf: "train-images-idx3-ubyte.gz")
///     images.extents   // [60000, 28, 28]
public struct IDXArray: Sendable {
  /// Extents of the axes, outermost first.
  public let extents: [Int]
  /// The values, row by row.
  public let values: [UInt8]

  /// Reads a file, compressed by gzip or not. Throws when it is no IDX file of bytes, is cut off, or holds more than it
  /// says.
  public init(contentsOf path: String) throws(UnrollError) {
    try self.init(Gzip.read(from: path, limit: 1 << 30), at: path)
  }

  /// Reads the content of a file; `place` is for messages.
  public init(_ data: Data, at place: String) throws(UnrollError) {
    let bytes = [UInt8](data)
    func damaged(_ message: String) -> UnrollError {
      UnrollError(
        .invalidData, message, at: place,
        hint: "an IDX file begins with 0 0 8 and the number of its axes: check the file")
    }
    guard bytes.count >= 4, bytes[0] == 0, bytes[1] == 0 else { throw damaged("this is no IDX file") }
    guard bytes[2] == 8 else {
      throw damaged("the IDX file has values of type 0x\(String(bytes[2], radix: 16)), not bytes (0x8)")
    }
    let axes = Int(bytes[3])
    guard axes > 0, bytes.count >= 4 + 4 * axes else { throw damaged("the IDX file's header is cut off") }
    var extents: [Int] = []
    var count = 1
    for axis in 0..<axes {
      let extent = bytes[(4 + 4 * axis)..<(8 + 4 * axis)].reduce(0) { $0 << 8 | Int($1) }
      let (product, overflow) = count.multipliedReportingOverflow(by: extent)
      guard !overflow else { throw damaged("the IDX file's extents are too large") }
      extents.append(extent)
      count = product
    }
    guard bytes.count - 4 - 4 * axes == count else {
      throw damaged(
        "the IDX file holds \(bytes.count - 4 - 4 * axes) values, and \(count) by its extents "
          + extents.map(String.init).joined(separator: " x "))
    }
    self.extents = extents
    values = Array(bytes[(4 + 4 * axes)...])
  }
}
