import Foundation
import Interchange
import Tensors
import Testing

/// A folder of a test's own, removed with its last use.
final class TestFolder {
  let path: String

  init() {
    path = NSTemporaryDirectory() + "/interchange-\(UUID().uuidString)"
    #expect(mkdir(path, 0o700) == 0)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { path + "/" + name }

  /// Puts a file there, bytes as given.
  func file(_ name: String, _ bytes: some Sequence<UInt8>) -> String {
    let path = file(name)
    let file = fopen(path, "w")
    #expect(file != nil)
    let bytes = Array(bytes)
    if let file {
      #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
      fclose(file)
    }
    return path
  }

  /// Every name in the folder, in order.
  var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? ["unreadable"]).sorted() }
}

/// The bytes of a file; empty when it is not there.
func bytes(of path: String) -> [UInt8] { FileManager.default.contents(atPath: path).map { [UInt8]($0) } ?? [] }

/// The error that `body` throws; an issue is recorded when it throws none.
func failure(_ body: () throws(UnrollError) -> Void, _ location: SourceLocation = #_sourceLocation) -> UnrollError? {
  do {
    try body()
    Issue.record("no error was thrown", sourceLocation: location)
    return nil
  } catch {
    return error
  }
}

/// A safetensors file from its parts, whatever they say.
func safeTensorsFile(_ header: some Sequence<UInt8>, data: Int = 0, length: UInt64? = nil) -> [UInt8] {
  let header = Array(header)
  let length = length ?? UInt64(header.count)
  return (0..<8).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) } + header + [UInt8](repeating: 0, count: data)
}

func safeTensorsFile(_ header: String, data: Int = 0, length: UInt64? = nil) -> [UInt8] {
  safeTensorsFile(header.utf8, data: data, length: length)
}

/// A file's content with all that must survive, in a form that can be compared.
func content(_ file: SafeTensors) -> [String] {
  file.tensors.map { "\($0.name) \($0.tensor.shape) \($0.tensor.values.map(\.bitPattern))" }
    + file.metadata.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
}
