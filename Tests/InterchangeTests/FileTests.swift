import Foundation
import Interchange
import Testing

@Suite struct AtomicFileTests {
  let folder = TestFolder()

  @Test(arguments: [0, 1, 70_000])
  func contentIsReplacedWhole(count: Int) throws {
    let path = folder.file("file")
    let data = Data((0..<count).map { UInt8(truncatingIfNeeded: $0) })
    try AtomicFile.write(Data("a longer content than some of the new ones".utf8), to: path)
    try AtomicFile.write(data, to: path)
    #expect(bytes(of: path) == [UInt8](data))
    #expect(folder.names == ["file"])
  }

  @Test func aFailedWriteLeavesNothing() throws {
    func error(_ path: String) -> UnrollError? {
      failure { () throws(UnrollError) in try AtomicFile.write(Data([1, 2]), to: path) }
    }
    let file = folder.file("file", [7])
    #expect(mkdir(folder.file("folder"), 0o700) == 0)
    #expect(error(folder.file("nowhere/file"))?.kind == .missing)
    #expect(error(file + "/inside")?.kind == .inputOutput)
    #expect(error(folder.file("folder"))?.kind == .inputOutput)
    #expect(error(folder.file(String(repeating: "n", count: 300)))?.kind == .inputOutput)
    #expect(error("/dev/null")?.kind == .inputOutput)
    #expect(error("")?.kind == .usage)
    #expect(error(folder.file("file\0"))?.kind == .usage)
    #expect(folder.names == ["file", "folder"])
    #expect(bytes(of: file) == [7])
  }

  @Test func aFolderThatMayNotBeWrittenKeepsTheOldFile() throws {
    let path = folder.file("file", [7])
    #expect(chmod(folder.path, 0o500) == 0)
    defer { chmod(folder.path, 0o700) }
    // Who may do everything (root in a container) is not refused: then there is nothing to see here.
    guard access(folder.path, W_OK) != 0 else { return }
    let error = failure { () throws(UnrollError) in try AtomicFile.write(Data([1]), to: path) }
    #expect(error?.kind == .inputOutput && error?.hint?.contains("chmod u+w") == true)
    #expect(bytes(of: path) == [7] && folder.names == ["file"])
  }

  @Test func aFailureWhileWritingLeavesTheOldFile() throws {
    let path = folder.file("weights", [7])
    let bad = SafeTensors(tensors: [("same", .ones([2])), ("same", .ones([2]))])
    #expect(failure { () throws(UnrollError) in try bad.write(to: path) } != nil)
    #expect(bytes(of: path) == [7] && folder.names == ["weights"])
  }

  @Test func theRestOfAKilledWriterIsTakenOver() throws {
    let path = folder.file("file", [7])
    let rest = folder.file(".file.tmp", Array(repeating: 9, count: 1_000))
    try AtomicFile.write(Data([1, 2]), to: path)
    #expect(bytes(of: path) == [1, 2])
    #expect(access(rest, F_OK) != 0)
  }

  @Test func aLinkAndThePermissionsStay() throws {
    let path = folder.file("file", [7])
    #expect(chmod(path, 0o640) == 0)
    let link = folder.file("link")
    #expect(symlink("file", link) == 0)
    try AtomicFile.write(Data([1, 2]), to: link)
    #expect(bytes(of: path) == [1, 2])
    var status = stat()
    #expect(lstat(link, &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
    #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o640)
    #expect(folder.names == ["file", "link"])
  }

  @Test func writersOfOnePathDoNotMix() async throws {
    let path = folder.file("file")
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<4 {
        group.addTask {
          for round in 1...20 { try AtomicFile.write(Data(repeating: UInt8(writer), count: round * 997), to: path) }
        }
      }
      try await group.waitForAll()
    }
    let result = bytes(of: path)
    #expect(result.count == 20 * 997 && Set(result).count == 1)
    #expect(folder.names == ["file"])
  }
}

@Suite struct FileAccessTests {
  let folder = TestFolder()

  @Test func wholeFilesUpToTheLimit() throws {
    let path = folder.file("file", [1, 2, 3])
    #expect(try [UInt8](FileAccess.read(from: path, limit: 3)) == [1, 2, 3])
    #expect(try FileAccess.read(from: folder.file("empty", []), limit: 0).isEmpty)
    let error = failure { () throws(UnrollError) in _ = try FileAccess.read(from: path, limit: 2) }
    #expect(error?.kind == .invalidData && error?.message.contains("3 bytes; at most 2") == true)
  }

  @Test func whatCannotBeRead() {
    func kind(_ path: String) -> UnrollError.Kind? {
      failure { () throws(UnrollError) in _ = try FileAccess.read(from: path, limit: 1 << 20) }?.kind
    }
    #expect(kind(folder.file("nothing")) == .missing)
    #expect(kind(folder.path) == .inputOutput)
    #expect(kind("/dev/zero") == .inputOutput)
    let closed = folder.file("closed", [1])
    #expect(chmod(closed, 0) == 0)
    if access(closed, R_OK) != 0 { #expect(kind(closed) == .inputOutput) }
    // Linux says that this file has 4096 bytes, and gives fewer.
    let shrinking = "/sys/devices/system/cpu/online"
    if access(shrinking, R_OK) == 0 { #expect(kind(shrinking) == .inputOutput) }
  }
}
