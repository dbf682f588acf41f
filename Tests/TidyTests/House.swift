import Foundation

/// The package as text: its sources and what Package.swift says of its rooms.
struct House: Sendable {
  struct File: Sendable {
    /// From the package's root: `Sources/Tensors/Tensor.swift`.
    let path: String
    let lines: [Substring]

    /// The modules that the file imports: `@_exported import Tensors`, `import struct Foundation.Data`.
    var imports: [String] {
      lines.compactMap { line in
        guard line.contains("import ") else { return nil }
        let pattern =
          /(?:@\w+\s+)*(?:\w+\s+)?import\s+(?:(?:struct|class|enum|func|var|let|protocol)\s+)?(\w+)[\w.]*\s*/
        return line.wholeMatch(of: pattern).map { String($0.1) }
      }
    }
  }

  /// A target of the package.
  struct Room: Sendable {
    let name: String
    let folder: String
    /// The rooms that it declares to import; products of other packages are left out.
    let dependencies: [String]
  }

  let files: [File]
  let rooms: [Room]

  init() {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    files = ["Sources", "Tests"].flatMap { Self.files(in: root, $0) }.sorted { $0.path < $1.path }
    rooms = Self.rooms(
      in: (try? String(contentsOf: root.appendingPathComponent("Package.swift"), encoding: .utf8)) ?? "")
  }

  /// Whether a module is a room of this package.
  func isRoom(_ module: String) -> Bool { rooms.contains { $0.name == module } }

  /// The lines of some folders that a rule does not allow, as `path:line: text`.
  func lines(in folders: [String], where isWrong: (Substring) -> Bool) -> [String] {
    files.filter { file in folders.contains { file.path.hasPrefix($0 + "/") } }.flatMap { file in
      file.lines.enumerated().filter { isWrong($0.element) }.map { "\(file.path):\($0.offset + 1): \($0.element)" }
    }
  }

  private static func files(in root: URL, _ folder: String) -> [File] {
    let paths = FileManager.default.enumerator(atPath: root.appendingPathComponent(folder).path)
    let kinds: Set = ["swift", "c", "h", "inc"]
    return (paths?.allObjects as? [String] ?? []).compactMap { path in
      guard kinds.contains((path as NSString).pathExtension) else { return nil }
      let text = try? String(contentsOf: root.appendingPathComponent(folder + "/" + path), encoding: .utf8)
      return text.map { text in
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        return File(path: folder + "/" + path, lines: lines)
      }
    }
  }

  /// Targets in the order of Package.swift. Each is `.target(name: "…", dependencies: ["…", …])`, on one line or several.
  private static func rooms(in package: String) -> [Room] {
    package.matches(of: /\.(target|executableTarget|testTarget|systemLibrary)\(\s*name: "(\w+)"/).map { match in
      let rest = package[match.range.upperBound...]
      let end =
        rest.firstMatch(of: /\.(target|executableTarget|testTarget|systemLibrary)\(/)?.range.lowerBound ?? rest.endIndex
      let list = rest[..<end].firstMatch(of: /dependencies: \[((?:[^\]])*)\]/)?.1 ?? ""
      let dependencies = list.replacing(/\.product\([^)]*\)/, with: "").matches(of: /"(\w+)"/).map { String($0.1) }
      let folder = (match.1 == "testTarget" ? "Tests/" : "Sources/") + match.2
      return Room(name: String(match.2), folder: folder, dependencies: dependencies)
    }
  }
}
