import Foundation
import Interchange
import Training

/// The file of a ladder.
enum LadderFile {
  static let name = "ladder.json"
  /// The newest version of the file.
  static let newestVersion = 3

  /// Throws when a ladder is too new.
  static func demandKnown(_ header: ModelFolder.Header, at path: String) throws(UnrollError) {
    guard header.version <= newestVersion else {
      throw UnrollError(
        .unsupportedVersion, "the ladder has version \(header.version), this program knows \(newestVersion)", at: path,
        hint: "go on with the newer program that wrote it")
    }
  }

  /// What is wrong with a ladder whose numbers cannot be.
  static func contradiction(at path: String) -> UnrollError {
    UnrollError(
      .invalidData, "the ladder's numbers contradict one another", at: path,
      hint: "begin anew in another folder: --out")
  }

  /// Throws when a folder holds a model, or a ladder.
  static func demandRoom(in folder: String) throws(UnrollError) {
    let isLadder = FileManager.default.fileExists(atPath: folder + "/" + name)
    let isModel = try CheckpointStore(folder: folder).isTaken
    guard !isLadder, !isModel else {
      throw UnrollError(
        .usage, "the folder holds a \(isLadder ? "ladder" : "model") already", at: folder,
        hint: isLadder ? "go on with it: --resume; or choose another folder: --out" : "choose another folder: --out")
    }
  }

  /// Reads the ladder in a folder. Throws when there is none, it is too new, or of another kind of model.
  static func read<Configuration: GrowingConfiguration>(
    _ configuration: Configuration.Type, of paradigm: String, in folder: String
  ) throws(UnrollError) -> Ladder<Configuration> {
    let path = folder + "/" + name
    guard FileManager.default.fileExists(atPath: path) else {
      throw UnrollError(
        .missing, "the folder holds no ladder", at: folder, hint: "begin one: leave --resume out")
    }
    let header = try StrictJSON.read(ModelFolder.Header.self, from: path)
    try demandKnown(header, at: path)
    guard header.paradigm == paradigm else {
      throw UnrollError(
        .invalidData, "this is a ladder of the paradigm `\(header.paradigm)`, not `\(paradigm)`", at: path,
        hint: "go on with it: unroll grow \(header.paradigm) --out \(folder) --resume")
    }
    let ladder = try StrictJSON.read(Ladder<Configuration>.self, from: path)
    let known = ladder.rungs.count + (ladder.running == nil ? 0 : 1)
    guard ladder.shapes.count == known, ladder.isConsistent else { throw contradiction(at: path) }
    return ladder
  }
}
