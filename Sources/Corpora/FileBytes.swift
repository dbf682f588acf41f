import Foundation
import Interchange

/// Reads whole files, with typed errors.
enum FileBytes {
  /// The bytes of a file or pipe; see ``PlainText/init(contentsOf:limit:)`` for what is thrown.
  static func read(_ path: String, limit: Int) throws(UnrollError) -> [UInt8] {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw openError(errno, path) }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0 else { throw readError(errno, path) }
    guard status.st_mode & S_IFMT != S_IFDIR else {
      throw UnrollError(.inputOutput, "this is a folder, not a file", at: path, hint: "name a text file inside it")
    }
    let size = Int(status.st_size)
    guard size <= limit else { throw sizeError("\(size) bytes", limit, path) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(size)
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { chunk.deallocate() }
    while true {
      let count = Foundation.read(file, chunk.baseAddress, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw readError(errno, path) }
      guard count > 0 else { return bytes }
      // A pipe has no size, and a file may grow while it is read.
      guard count <= limit - bytes.count else { throw sizeError("more than \(limit) bytes", limit, path) }
      bytes.append(contentsOf: chunk.prefix(count))
    }
  }

  private static func openError(_ code: Int32, _ path: String) -> UnrollError {
    switch code {
    case ENOENT, ENOTDIR:
      UnrollError(.missing, "there is no such file", at: path, hint: "check the name; `ls` shows what is there")
    case EACCES, EPERM:
      UnrollError(.inputOutput, "the file may not be read", at: path, hint: "allow it: chmod +r on the file")
    default:
      UnrollError(.inputOutput, "the file cannot be opened: \(String(cString: strerror(code)))", at: path)
    }
  }

  private static func readError(_ code: Int32, _ path: String) -> UnrollError {
    UnrollError(.inputOutput, "reading failed: \(String(cString: strerror(code)))", at: path)
  }

  private static func sizeError(_ size: String, _ limit: Int, _ path: String) -> UnrollError {
    UnrollError(
      .invalidData, "the file is too large: \(size), and the limit is \(limit)", at: path,
      hint: "take a part of it, for example the first \(limit) bytes: head -c \(limit)")
  }
}
