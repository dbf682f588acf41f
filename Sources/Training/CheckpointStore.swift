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
  private var checkpointFolder: String { folder + "/checkpoints" }

  func path(ofUpdate update: Int) -> String {
    let digits = String(update)
    let zeros = String(repeating: "0", count: max(0, 8 - digits.count))
    return "\(checkpointFolder)/update-\(zeros)\(digits).safetensors"
  }

  /// Makes the folders, and removes temporary files that a killed training left in them.
  func prepare() throws(UnrollError) {
    try Self.makeFolder(checkpointFolder)
    // An atomic write of `name` goes through `.name.tmp`; one of the other files is taken over by their next write.
    remove(names(in: checkpointFolder).filter(Self.isTemporary).map { "\(checkpointFolder)/\($0)" })
  }

  /// Makes a folder and those above it, unless it is there.
  package static func makeFolder(_ path: String) throws(UnrollError) {
    guard !path.isEmpty else { throw UnrollError(.usage, "the path of a folder is empty", hint: "name one: --out DIR") }
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      // Foundation's own words hide the system's reason.
      let system = (error as NSError).userInfo[NSUnderlyingErrorKey] as? any Error
      let code = ((system ?? error) as NSError).code
      let isSystem = system != nil || (error as NSError).domain == NSPOSIXErrorDomain
      let cause = isSystem ? String(cString: strerror(Int32(truncatingIfNeeded: code))) : error.localizedDescription
      throw UnrollError(
        .inputOutput, "the folder cannot be made: \(cause)", at: path,
        hint: "choose another place: --out; or make room there and permissions for it")
    }
  }

  /// Whether a training has begun in the folder: it has a checkpoint or a complete epoch. One that was killed before is
  /// begun again from its seed.
  package var hasTraining: Bool {
    let size = try? FileManager.default.attributesOfItem(atPath: history.path)[.size] as? Int
    return !checkpoints().isEmpty || (size ?? 0) > 0
  }

  /// Whether the folder holds what a new training would overwrite.
  package var isTaken: Bool {
    FileManager.default.fileExists(atPath: folder + "/config.json")
      || FileManager.default.fileExists(atPath: weights) || hasTraining
  }

  /// Checkpoints that are there, newest first.
  func checkpoints() -> [(update: Int, path: String)] {
    names(in: checkpointFolder)
      .compactMap { name in Self.update(of: name).map { ($0, "\(checkpointFolder)/\(name)") } }
      .sorted { $0.0 > $1.0 }
  }

  /// Writes a checkpoint, then removes all but it and the newest before it. Later ones are of a training that was
  /// resumed from before them: they were damaged, or they will be made again.
  func write(_ checkpoint: SafeTensors, update: Int) throws(UnrollError) -> String {
    let path = path(ofUpdate: update)
    try checkpoint.write(to: path)
    let known = checkpoints()
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

  private func names(in folder: String) -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
  }

  // What cannot be removed does no harm but the room it takes.
  private func remove(_ paths: [String]) {
    for path in paths { try? FileManager.default.removeItem(atPath: path) }
  }
}
