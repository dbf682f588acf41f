import Foundation

/// A log with one JSON object a line, made to be appended to while a process may be killed at any time.
///
///     let history = JSONLines("model/history.jsonl")
///     try history.append(Epoch(number: 1, loss: 1.9))
///     let epochs = try history.read(Epoch.self)
///
/// A line counts when its newline is there: a last line that was torn by a kill or a power failure is not read, and
/// the next append or cut removes it.
public struct JSONLines: Sendable {
  /// The file's path.
  public let path: String
  /// The largest file that is read, in bytes.
  public static let limit = 1 << 30

  /// Names a log; the file is made by the first append.
  public init(_ path: String) { self.path = path }

  /// Appends a value as one line, in a single write. When that fails, the file is left as it was.
  ///
  /// The line is not forced to the disk: it survives the end of the process, not the end of power.
  ///
  /// - Throws: `UnrollError`, as `StrictJSON.write`.
  public func append<T: Encodable>(_ value: T) throws(UnrollError) {
    try checkPath(path)
    var line = try StrictJSON.encode(value, [.sortedKeys, .withoutEscapingSlashes], path: path)
    line.append(UInt8(ascii: "\n"))
    let descriptor = openFile(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .writing(path, errno) }
    defer { close(descriptor) }
    var size = lseek(descriptor, 0, SEEK_END)
    guard size >= 0 else { throw .writing(path, errno) }
    var last: UInt8 = 0
    if size > 0, pread(descriptor, &last, 1, size - 1) == 1, last != UInt8(ascii: "\n") {
      try keep(first: .max)
      size = lseek(descriptor, 0, SEEK_END)
    }
    let written = line.withUnsafeBytes { writeBytes(descriptor, $0) }
    guard written == line.count else {
      // A write that took only a part met the end of the disk.
      let code = written < 0 ? errno : ENOSPC
      if written > 0 { ftruncate(descriptor, size) }
      throw .writing(path, code)
    }
  }

  /// Returns the values of all whole lines, none when there is no file.
  ///
  /// - Throws: `UnrollError` of kind `.invalidData` with `path:line:column`, and as `FileAccess.read`.
  public func read<T: Decodable>(_ type: T.Type) throws(UnrollError) -> [T] {
    var values: [T] = []
    for (index, line) in try wholeLines().enumerated() {
      values.append(try StrictJSON.decode(type, from: line, path: path, firstLine: index + 1))
    }
    return values
  }

  /// Cuts the log to its first `count` lines; a shorter log keeps all the whole lines it has.
  ///
  /// - Returns: The number of lines that are there now.
  /// - Throws: `UnrollError` when the file cannot be read or written.
  @discardableResult
  public func keep(first count: Int) throws(UnrollError) -> Int {
    let kept = try wholeLines().prefix(max(0, count))
    let size = kept.reduce(0) { $0 + $1.count + 1 }
    guard truncate(path, off_t(size)) == 0 || (errno == ENOENT && kept.isEmpty) else { throw .writing(path, errno) }
    return kept.count
  }

  /// The lines that end with a newline, without it.
  private func wholeLines() throws(UnrollError) -> [Data] {
    do {
      let data = try FileAccess.read(from: path, limit: Self.limit)
      return data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast()
    } catch {
      guard error.kind == .missing else { throw error }
      return []
    }
  }
}
