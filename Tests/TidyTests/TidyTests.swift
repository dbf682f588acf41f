import Foundation
import Testing

/// Rules of the house that a machine can check.
@Suite struct TidyTests {
  private static let house = House()

  private func expectNone(_ findings: [String], _ rule: String) {
    if !findings.isEmpty { Issue.record("\(rule):\n\(findings.joined(separator: "\n"))") }
  }

  @Test func theHouseIsFound() {
    #expect(Self.house.files.count > 100)
    #expect(Self.house.rooms.count > 15)
    #expect(Self.house.files.contains { $0.path == "Sources/Tensors/Tensor.swift" })
  }

  @Test func filesAreShort() {
    let long = Self.house.files.filter { $0.lines.count > 420 }
    expectNone(long.map { "\($0.path): \($0.lines.count) lines" }, "a file has at most 420 lines, one subject each")
  }

  @Test func cellsReadLikeTheTextbook() {
    // The register, the protocol, and four variants in one.
    let others = ["CellKind", "RecurrentCell", "VariantLSTM"].map { "Sources/Networks/Cells/\($0).swift" }
    let files = Self.house.files.filter {
      $0.path.hasPrefix("Sources/Networks/Cells/") && !others.contains($0.path)
    }
    #expect(files.count > 20)
    let long = files.filter { $0.lines.count >= 120 }
    expectNone(long.map { "\($0.path): \($0.lines.count) lines" }, "a cell's file has less than 120 lines")
  }

  @Test func linesAreShort() {
    let findings = Self.house.lines(in: ["Sources"]) { $0.count > 120 }
    expectNone(findings, "a line has at most 120 characters")
  }

  @Test func linesAreIndentedWithSpaces() {
    expectNone(Self.house.lines(in: ["Sources", "Tests"]) { $0.contains("\t") }, "no tabs")
  }

  @Test func nothingIsPutOff() {
    // The words are put together here, so that this file does not find itself.
    let words = ["TO" + "DO", "FIX" + "ME"]
    let findings = Self.house.lines(in: ["Sources", "Tests"]) { line in words.contains { line.contains($0) } }
    expectNone(findings, "what is to be done is done, or is not in the code")
  }

  /// The compiler of recurrences is for all cells, so it cannot know one.
  @Test func theCompilerKnowsNoCell() {
    let folders = ["Trace", "Passes", "Plan", "Adjoint", "Run"].map { "Sources/Recurrence/\($0)" }
    let findings = Self.house.lines(in: folders) { line in
      ["LSTM", "GRU", "Elman"].contains { line.localizedCaseInsensitiveContains($0) }
    }
    expectNone(findings, "no cell's name in the compiler")
  }

  /// Release builds stop without a word at a failed `precondition`; `demand` and `mistake` say what is wrong in all builds.
  @Test func mistakesHaveMessagesInReleaseBuilds() {
    let findings = Self.house.lines(in: ["Sources"]) {
      $0.contains("precondition" + "(") || $0.contains("precondition" + "Failure(")
    }
    expectNone(findings, "use demand and mistake")
  }

  /// Package.swift lists rooms bottom first; each imports only rooms that stand before it and that it declares, or that
  /// those declare.
  @Test func roomsImportDownwards() {
    var findings: [String] = []
    var within: [String: Set<String>] = [:]
    for room in Self.house.rooms {
      for dependency in room.dependencies where within[dependency] == nil {
        findings.append("Package.swift: \(room.name) depends on \(dependency), which is not listed before it")
      }
      let reach = room.dependencies.reduce(into: Set(room.dependencies)) { $0.formUnion(within[$1] ?? []) }
      within[room.name] = reach
      for file in Self.house.files where file.path.hasPrefix(room.folder + "/") {
        for imported in file.imports where !reach.contains(imported) && Self.house.isRoom(imported) {
          findings.append("\(file.path): \(room.name) may not import \(imported)")
        }
      }
    }
    expectNone(findings, "imports go downwards")
  }
}
