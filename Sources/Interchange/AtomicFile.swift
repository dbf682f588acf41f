import Foundation

/// Writing a file so that its old or its new content is there at every moment, never a part.
///
/// The content goes to a temporary file in the same folder (`.name.tmp`), is forced to the disk, and takes the name by
/// one rename, which is forced to the disk too. Whatever fails before the rename leaves the old file and no temporary
/// one. A process that is killed leaves at most one temporary file, and the next write takes it over.
public enum AtomicFile {
  /// Writes `data` as the whole content of the file at `path`.
  ///
  /// A symbolic link is followed, and an existing file's permissions are kept. Writers of the same path, in this
  /// process or another, wait for each other.
  ///
  /// - Throws: `UnrollError` of kind `.missing` when the folder is not there, else `.inputOutput`.
  public static func write(_ data: Data, to path: String) throws(UnrollError) {
    try write(to: path) { (file) throws(UnrollError) in
      for region in data.regions {
        if let code = region.withUnsafeBytes({ file.append($0) }) { throw .writing(path, code) }
      }
    }
  }

  /// Writes what `body` appends as the whole content of the file at `path`.
  static func write(
    to path: String, _ body: (borrowing TemporaryFile) throws(UnrollError) -> Void
  ) throws(UnrollError) {
    try checkPath(path)
    var target = path
    var status = stat()
    var mode: mode_t?
    if stat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile(path, mode: status.st_mode) }
      mode = status.st_mode & 0o7777
      // The file that a link names is replaced, not the link.
      if let resolved = realpath(path, nil) {
        target = String(cString: resolved)
        free(resolved)
      }
    }
    let folder = folder(of: target)
    let name = target.split(separator: "/").last.map(String.init) ?? target
    let file = try TemporaryFile(folder + "/.\(name).tmp", for: path, mode: mode)
    do {
      try body(file)
      try file.take(target)
    } catch {
      file.remove()
      throw error
    }
    try file.finish(folder: folder)
  }
}

/// The temporary file of one atomic write, locked against other writers of the same path.
struct TemporaryFile: ~Copyable {
  private let descriptor: Int32
  private let temporary: String
  private let path: String

  /// Opens and empties the temporary file; `path` is the file that it will become.
  init(_ temporary: String, for path: String, mode: mode_t?) throws(UnrollError) {
    while true {
      let descriptor = openFile(temporary, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW)
      guard descriptor >= 0 else { throw .writing(path, errno) }
      // On a file system without locks, writers of one path are on their own.
      while flock(descriptor, LOCK_EX) != 0 && errno == EINTR {}
      // Whoever held the lock before may have given this file its final name, or removed it: then it is not ours.
      var held = stat()
      var named = stat()
      let heldCode = fstat(descriptor, &held) == 0 ? 0 : errno
      let namedCode = lstat(temporary, &named) == 0 ? 0 : errno
      guard heldCode == 0, namedCode == 0 || namedCode == ENOENT else {
        close(descriptor)
        throw .writing(path, max(heldCode, namedCode))
      }
      guard namedCode == 0, held.st_ino == named.st_ino, held.st_dev == named.st_dev else {
        close(descriptor)
        continue
      }
      guard ftruncate(descriptor, 0) == 0, mode.map({ fchmod(descriptor, $0) == 0 }) ?? true else {
        let code = errno
        unlink(temporary)
        close(descriptor)
        throw .writing(path, code)
      }
      self.descriptor = descriptor
      self.temporary = temporary
      self.path = path
      return
    }
  }

  /// Appends bytes; returns the system's error code when that fails.
  func append(_ bytes: UnsafeRawBufferPointer) -> Int32? {
    var done = 0
    while done < bytes.count {
      // Linux moves at most 2 GiB a call.
      let part = UnsafeRawBufferPointer(rebasing: bytes[done..<min(bytes.count, done + 1 << 30)])
      let count = writeBytes(descriptor, part)
      guard count > 0 else { return count < 0 ? errno : ENOSPC }
      done += count
    }
    return nil
  }

  /// Forces the content to the disk and gives it its name.
  func take(_ target: String) throws(UnrollError) {
    guard fsync(descriptor) == 0, rename(temporary, target) == 0 else { throw .writing(path, errno) }
  }

  /// Takes back a write that failed.
  func remove() {
    unlink(temporary)
    close(descriptor)
  }

  /// Closes the file, which gives the lock away, and forces its name to the disk.
  func finish(folder: String) throws(UnrollError) {
    guard close(descriptor) == 0 else { throw .writing(path, errno) }
    let directory = openFile(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard directory >= 0 else { throw .writing(path, errno) }
    // Some file systems cannot force a folder to the disk and say EINVAL.
    let code = fsync(directory) == 0 ? 0 : errno
    guard close(directory) == 0 else { throw .writing(path, errno) }
    guard code == 0 || code == EINVAL || code == ENOTSUP else { throw .writing(path, code) }
  }
}
