import Foundation
import Interchange

/// Model folders: what kind of model is in one, and what its `config.json` says.
public enum ModelFolder {
  /// The first fields of every `config.json`.
  struct Header: Decodable {
    let version: Int
    let paradigm: String
  }

  /// The paradigm of the model in a folder: `text`, `classify`. Throws when it holds none.
  public static func paradigm(of folder: String) throws(UnrollError) -> String { try header(of: folder).paradigm }

  /// The header of a folder's `config.json`, of a version that is known where `newest` says which is. Throws when the
  /// folder holds no model; `command` is what makes one.
  static func header(
    of folder: String, newest: Int = .max, madeBy command: String = "unroll train"
  ) throws(UnrollError) -> Header {
    let path = folder + "/config.json"
    var isFolder: ObjCBool = false
    let isThere = FileManager.default.fileExists(atPath: folder, isDirectory: &isFolder)
    guard isThere, isFolder.boolValue, FileManager.default.fileExists(atPath: path) else {
      let message =
        !isThere
        ? "there is no model folder"
        : isFolder.boolValue
          ? "the folder holds no model: config.json is missing" : "this is a file, not a model folder"
      throw UnrollError(
        .missing, message, at: folder.isEmpty ? nil : folder,
        hint: "train a model: \(command); then name its --out DIR here")
    }
    let header = try StrictJSON.read(Header.self, from: path)
    guard header.version <= newest else {
      throw UnrollError(
        .unsupportedVersion, "the model folder has version \(header.version), this program knows \(newest)", at: path,
        hint: "open it with the newer program that wrote it")
    }
    return header
  }

  /// The configuration of a model of examples.
  static func configuration<Shape: ModelShape>(
    _ shape: Shape.Type, of paradigm: String, in folder: String
  ) throws(UnrollError) -> ModelConfiguration<Shape> {
    let header = try header(of: folder, newest: ModelConfiguration<Shape>.newestVersion)
    let path = folder + "/config.json"
    guard header.paradigm == paradigm else {
      throw UnrollError(
        .invalidData, "this is a model of the paradigm `\(header.paradigm)`, not `\(paradigm)`", at: path,
        hint: "give the folder of a model that `unroll train \(paradigm)` made")
    }
    guard header.version >= 1 else {
      throw UnrollError(.invalidData, "a model folder has no version \(header.version)", at: path)
    }
    let configuration = try StrictJSON.read(ModelConfiguration<Shape>.self, from: path)
    try configuration.validate(at: path)
    return configuration
  }
}
