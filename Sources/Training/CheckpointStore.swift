import Foundation
import Interchange

/// The files of a training in a model folder: `weights.safetensors`, `history.jsonl` and the newest two
/// `checkpoints/update-00001234.safetensors`.
package struct CheckpointStore {
  let folder: String

  package init(folder: String) { self.folder = folder }

  var weights: String { folder + "/weights.safetensors" }
  /// One line for each complete epoch.
  var history: JSONLines { JSONLines(folder + "/history.jsonl") }
  /// One line for each watched update.
  var watched: JSONLines { JSONLines(folder + "/watch.jsonl") }
  /// One line for each update that was not made.
  var skipped: JSONLines { JSONLines(folder + "/skipped.jsonl") }
  /// The ``Machine`` that trains.
  package var machine: String { folder + "/machine.json" }
  private var checkpointFolder: String { folder + "/checkpoints" }

  func path(ofUpdate update: Int) -> String {
    let digits = String(update)
    let zeros = String(repeating: "0", count: max(0, 8 - digits.count))
    return "\(checkpointFolder)/update-\(zeros)\(digits).safetensors"
  }

  /// Makes the folders, and removes temporary files that a killed training left in them.
  package func prepare() throws(UnrollError) {
    try Self.makeFolder(folder)
    try Self.makeFolder(checkpointFolder)
    // An atomic write of `name` goes through `.name.tmp`.
    remove(["config.json", "vocabulary.json", "weights.safetensors", "machine.json"].map { "\(folder)/.\($0).tmp" })
    remove(try names(in: checkpointFolder).filter(Self.isTemporary).map { "\(checkpointFolder)/\($0)" })
  }

  /// Makes a folder and those above it, unless it is there. `flag` names another place.
  package static func makeFolder(_ path: String, flag: String = "--out") throws(UnrollError) {
    guard !path.isEmpty else {
      throw UnrollError(.usage, "the path of a folder is empty", hint: "name one: \(flag) DIR")
    }
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw UnrollError(
        .inputOutput, "the folder cannot be made: \(cause(of: error))", at: path,
        hint: "choose another place: \(flag); or make room there and permissions for it")
    }
  }

  /// Drops what is told of updates that a resumed training makes again.
  func keepWatched(updates: Int) throws(UnrollError) {
    let reports = try watched.read(WatchReport.self)
    try watched.keep(first: reports.prefix { $0.updatesDone <= updates }.count)
    let others = try skipped.read(SkippedUpdate.self)
    try skipped.keep(first: others.prefix { $0.updatesDone <= updates }.count)
  }

  /// Whether a training has begun in the folder: it has a checkpoint or a complete epoch. One that was killed before is
  /// begun again from its seed.
  package var hasTraining: Bool {
    get throws(UnrollError) {
      let size = try? FileManager.default.attributesOfItem(atPath: history.path)[.size] as? Int
      return try !checkpoints().isEmpty || (size ?? 0) > 0
    }
  }

  /// Whether the folder holds what a new training would overwrite.
  package var isTaken: Bool {
    get throws(UnrollError) {
      for path in [folder + "/config.json", weights] where FileManager.default.fileExists(atPath: path) { return true }
      return try hasTraining
    }
  }

  /// Checkpoints that are there, newest first.
  func checkpoints() throws(UnrollError) -> [(update: Int, path: String)] {
    try names(in: checkpointFolder)
      .compactMap { name in Self.update(of: name).map { ($0, "\(checkpointFolder)/\(name)") } }
      .sorted { $0.0 > $1.0 }
  }

  /// Writes a checkpoint, then removes all but it and the newest before it. Later ones are of a training that was
  /// resumed from before them: they were damaged, or they will be made again.
  func write(_ checkpoint: SafeTensors, update: Int) throws(UnrollError) -> String {
    let path = path(ofUpdate: update)
    try checkpoint.write(to: path)
    // It is saved, whatever becomes of the others.
    guard let known = try? checkpoints() else { return path }
    let previous = known.first { $0.update < update }?.update
    remove(known.filter { $0.update != update && $0.update != previous }.map(\.path))
    return path
  }

  private static func update(of name: String) -> Int? {
    guard name.hasPrefix("update-"), name.hasSuffix(".safetensors") else { return nil }
    let digits = name.dropFirst("update-".count).dropLast(".safetensors".count)
    return digits.count >= 8 && digits.allSatisfy { $0.isASCII && $0.isNumber } ? Int(digits) : nil
  }

  private static func isTemporary(_ name: String) -> Bool {
    name.hasPrefix(".") && name.hasSuffix(".tmp") && update(of: String(name.dropFirst().dropLast(".tmp".count))) != nil
  }

  /// Names in a folder; none when it is not there. A folder that cannot be read must not look like an empty one, in
  /// which a training would begin.
  private func names(in folder: String) throws(UnrollError) -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: folder)
    } catch {
      if let code = Self.systemCode(of: error), code == ENOENT || code == ENOTDIR { return [] }
      throw UnrollError(
        .inputOutput, "the folder cannot be read: \(Self.cause(of: error))", at: folder,
        hint: "see what the system says of it: ls \(folder)")
    }
  }

  /// The system's reason, which Foundation's own words hide.
  private static func cause(of error: any Error) -> String {
    systemCode(of: error).map { String(cString: strerror($0)) } ?? error.localizedDescription
  }

  private static func systemCode(of error: any Error) -> Int32? {
    let error = error as NSError
    if let inner = error.userInfo[NSUnderlyingErrorKey] as? any Error { return systemCode(of: inner) }
    return error.domain == NSPOSIXErrorDomain ? Int32(truncatingIfNeeded: error.code) : nil
  }

  // What cannot be removed does no harm but the room it takes.
  private func remove(_ paths: [String]) {
    for path in paths { try? FileManager.default.removeItem(atPath: path) }
  }
}
