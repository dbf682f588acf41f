import CZlib
import Foundation
import Tensors

/// Files compressed by gzip.
public enum Gzip {
  /// Whether bytes begin as a gzip file does.
  public static func isCompressed(_ data: Data) -> Bool { data.prefix(2).elementsEqual([0x1f, 0x8b]) }

  /// Returns the content of a regular file, uncompressed when it is a gzip file, whatever its name.
  ///
  ///     let images = try Gzip.read(from: "train-images-idx3-ubyte.gz", limit: 1 << 30)
  ///
  /// Throws as ``FileAccess/read(from:limit:)`` does, and when a gzip file is damaged, cut off, or its content larger
  /// than `limit`.
  public static func read(from path: String, limit: Int) throws(UnrollError) -> Data {
    let data = try FileAccess.read(from: path, limit: limit)
    return isCompressed(data) ? try uncompressed(data, limit: limit, at: path) : data
  }

  /// The content of gzip data of one or more members. `place` is for messages.
  public static func uncompressed(_ data: Data, limit: Int, at place: String) throws(UnrollError) -> Data {
    try inflated(data, windowBits: 15 + 16, limit: limit, at: place)
  }

  /// The content of data in zlib's own form, as it stands in other files.
  package static func uncompressedZlib(_ data: Data, limit: Int, at place: String) throws(UnrollError) -> Data {
    try inflated(data, windowBits: 15, limit: limit, at: place)
  }

  /// Bytes in zlib's own form.
  static func compressedZlib(_ bytes: [UInt8]) -> [UInt8] {
    var count = compressBound(uLong(bytes.count))
    var result = [UInt8](repeating: 0, count: Int(count))
    let status = compress2(&result, &count, bytes, uLong(bytes.count), Z_DEFAULT_COMPRESSION)
    // The room is enough, so that only memory can be lacking.
    demand(status == Z_OK, "zlib: there is no memory to compress \(bytes.count) bytes")
    return Array(result.prefix(Int(count)))
  }

  /// CRC-32 of some bytes, as gzip and PNG have it.
  package static func crc32(_ bytes: some Sequence<UInt8>) -> UInt32 {
    let bytes = Array(bytes)
    return UInt32(truncatingIfNeeded: CZlib.crc32(0, bytes, uInt(bytes.count)))
  }

  private static func inflated(
    _ data: Data, windowBits: Int32, limit: Int, at place: String
  ) throws(UnrollError) -> Data {
    var stream = z_stream()
    guard ur_inflate_begin(&stream, windowBits) == Z_OK else {
      throw UnrollError(.inputOutput, "there is no memory to uncompress the file", at: place)
    }
    defer { inflateEnd(&stream) }
    var input = [UInt8](data)
    var output = Data()
    var piece = [UInt8](repeating: 0, count: 1 << 18)
    var fault: UnrollError?
    input.withUnsafeMutableBufferPointer { bytes in
      stream.next_in = bytes.baseAddress
      var left = bytes.count
      while fault == nil {
        if stream.avail_in == 0 {
          stream.avail_in = uInt(min(left, 1 << 30))
          left -= Int(stream.avail_in)
        }
        let before = stream.avail_in
        let (status, count) = piece.withUnsafeMutableBufferPointer { buffer in
          stream.next_out = buffer.baseAddress
          stream.avail_out = uInt(buffer.count)
          return (inflate(&stream, Z_NO_FLUSH), buffer.count - Int(stream.avail_out))
        }
        output.append(contentsOf: piece[..<count])
        fault = problem(
          status, size: output.count, limit: limit, isStuck: count == 0 && stream.avail_in == before, place)
        if status == Z_STREAM_END {
          if stream.avail_in == 0, left == 0 { return }
          // Another member follows.
          if inflateReset(&stream) != Z_OK { fault = damaged("what follows is no compressed data", place) }
        }
      }
    }
    if let fault { throw fault }
    return output
  }

  private static func problem(_ status: Int32, size: Int, limit: Int, isStuck: Bool, _ place: String) -> UnrollError? {
    if size > limit {
      return UnrollError(
        .invalidData, "the file holds more than \(limit) bytes uncompressed; at most so many are read here", at: place,
        hint: "check that this is the file you mean")
    }
    switch status {
    case Z_STREAM_END: return nil
    case Z_OK: return isStuck ? damaged("it ends too early", place) : nil
    case Z_BUF_ERROR: return damaged("it ends too early", place)
    case Z_MEM_ERROR: return UnrollError(.inputOutput, "there is no memory to uncompress the file", at: place)
    default: return damaged("its data or its checksum is wrong", place)
    }
  }

  private static func damaged(_ what: String, _ place: String) -> UnrollError {
    UnrollError(
      .invalidData, "the compressed data are damaged: \(what)", at: place,
      hint: "download it again, or test it: gzip -t")
  }
}
