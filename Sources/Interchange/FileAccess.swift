import Foundation

/// Reading files that a user named: whole, with a limit on their size, and with errors that say how to mend.
public enum FileAccess {
  /// Returns the content of a regular file.
  ///
  ///     let text = try FileAccess.read(from: "poems.txt", limit: 200 << 20)
  ///
  /// - Parameters:
  ///   - path: The file; only this one is opened.
  ///   - limit: The largest size in bytes that is read; a larger file is refused before memory is taken.
  /// - Throws: `UnrollError` of kind `.missing` when nothing is there, `.invalidData` when the file is larger than
  ///   `limit`, `.inputOutput` for a folder, a device, a lack of permission or memory, or a failing disk.
  public static func read(from path: String, limit: Int) throws(UnrollError) -> Data {
    let file = try ReadableFile(path)
    guard file.size <= limit else {
      throw UnrollError(
        .invalidData, "the file has \(file.size) bytes; at most \(limit) are read here", at: path,
        hint: "check that this is the file you mean")
    }
    guard file.size > 0 else { return Data() }
    guard let memory = malloc(file.size) else { throw .memory(bytes: file.size, path: path) }
    do {
      try file.read(into: UnsafeMutableRawBufferPointer(start: memory, count: file.size))
    } catch {
      free(memory)
      throw error
    }
    return Data(bytesNoCopy: memory, count: file.size, deallocator: .free)
  }
}

/// A regular file that is open for reading from its beginning; closed when it goes out of scope.
struct ReadableFile: ~Copyable {
  let path: String
  /// Bytes in the file when it was opened.
  let size: Int
  private let descriptor: Int32

  init(_ path: String) throws(UnrollError) {
    try checkPath(path)
    // O_NONBLOCK: a pipe that nobody writes to must be refused, not waited for.
    let descriptor = openFile(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .reading(path, errno) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      let code = errno
      close(descriptor)
      throw .reading(path, code)
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw .notAFile(path, mode: status.st_mode)
    }
    self.path = path
    self.descriptor = descriptor
    size = Int(status.st_size)
  }

  deinit { close(descriptor) }

  /// Fills `buffer` with the next bytes.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(UnrollError) {
    var done = 0
    while done < buffer.count {
      // Linux moves at most 2 GiB a call.
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer[done..<min(buffer.count, done + 1 << 30)])
      let got = readBytes(descriptor, part)
      guard got >= 0 else { throw .reading(path, errno) }
      guard got > 0 else {
        throw UnrollError(
          .inputOutput, "the file became shorter while it was read", at: path,
          hint: "let the program that writes it finish, then try again")
      }
      done += got
    }
  }
}

extension ReadableFile {
  /// The next bytes.
  func bytes(_ count: Int) throws(UnrollError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    try bytes.withUnsafeMutableBytes { buffer in
      Result { () throws(UnrollError) in try read(into: buffer) }
    }.get()
    return bytes
  }
}

/// Refuses paths that the system would cut or misread.
func checkPath(_ path: String) throws(UnrollError) {
  guard !path.isEmpty else { throw UnrollError(.usage, "the path of a file is empty") }
  guard !path.utf8.contains(0) else {
    throw UnrollError(.usage, "the path contains a NUL character", at: path.replacing("\0", with: "\\0"))
  }
}

/// Throws unless a block of this many bytes can be had: Swift's own allocation would end the process.
func checkMemory(_ bytes: Int, path: String) throws(UnrollError) {
  guard bytes > 0 else { return }
  guard bytes <= Int(clamping: ProcessInfo.processInfo.physicalMemory),
    let block = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0), block != MAP_FAILED
  else { throw .memory(bytes: bytes, path: path) }
  munmap(block, bytes)
}

// The system's calls, repeated when a signal interrupts them.

func openFile(_ path: String, _ flags: Int32, mode: mode_t = 0o666) -> Int32 {
  while true {
    let descriptor = open(path, flags, mode)
    if descriptor >= 0 || errno != EINTR { return descriptor }
  }
}

private func readBytes(_ descriptor: Int32, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
  while true {
    let count = read(descriptor, buffer.baseAddress, buffer.count)
    if count >= 0 || errno != EINTR { return count }
  }
}

/// One call of `write`; returns the bytes that were taken, or -1.
func writeBytes(_ descriptor: Int32, _ buffer: UnsafeRawBufferPointer) -> Int {
  while true {
    let count = write(descriptor, buffer.baseAddress, buffer.count)
    if count >= 0 || errno != EINTR { return count }
  }
}

extension UnrollError {
  static func reading(_ path: String, _ code: Int32) -> UnrollError {
    switch code {
    case ENOENT, ENOTDIR:
      UnrollError(.missing, "the file is not there", at: path, hint: "check the spelling of the path")
    case EACCES, EPERM:
      UnrollError(
        .inputOutput, "the file may not be read: permission denied", at: path, hint: "chmod u+r \(quoted(path))")
    default:
      UnrollError(.inputOutput, "the file cannot be read: \(String(cString: strerror(code)))", at: path)
    }
  }

  static func writing(_ path: String, _ code: Int32) -> UnrollError {
    let folder = folder(of: path)
    return switch code {
    case ENOENT:
      UnrollError(
        .missing, "the file cannot be written: its folder is not there", at: path, hint: "mkdir -p \(quoted(folder))")
    case ENOTDIR:
      UnrollError(
        .inputOutput, "the file cannot be written: a part of its path is a file, not a folder", at: path,
        hint: "choose another path")
    case EACCES, EPERM, EROFS:
      UnrollError(
        .inputOutput, "the file cannot be written: \(String(cString: strerror(code)))", at: path,
        hint: "make the folder writable (chmod u+w \(quoted(folder))) or choose another one")
    case ENOSPC, EDQUOT:
      UnrollError(
        .inputOutput, "the file cannot be written: the disk is full", at: path,
        hint: "free some space (df -h \(quoted(folder))) or choose another disk; what was there before is unharmed")
    default:
      UnrollError(.inputOutput, "the file cannot be written: \(String(cString: strerror(code)))", at: path)
    }
  }

  static func notAFile(_ path: String, mode: mode_t) -> UnrollError {
    mode & S_IFMT == S_IFDIR
      ? UnrollError(.inputOutput, "this is a folder, not a file", at: path, hint: "name a file inside it")
      : UnrollError(
        .inputOutput, "this is a device or a pipe, not a regular file", at: path, hint: "copy it into a file first")
  }

  static func memory(bytes: Int, path: String) -> UnrollError {
    UnrollError(
      .inputOutput, "the file's content takes \(bytes) bytes of memory, more than can be had", at: path,
      hint: "close other programs, or use a machine with more memory")
  }
}

/// The folder that holds a path's file; `.` for a bare name.
func folder(of path: String) -> String {
  guard let slash = path.lastIndex(of: "/") else { return "." }
  return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// The path as a shell takes it.
private func quoted(_ path: String) -> String {
  path.allSatisfy { $0.isLetter || $0.isNumber || "/._-".contains($0) }
    ? path : "'" + path.replacing("'", with: "'\\''") + "'"
}
