import ArgumentParser
import Foundation
import Unroll

/// Where `--tensorboard` writes: beside the model, or where it says.
enum TensorBoardFolder: ExpressibleByArgument, CustomStringConvertible {
  case inModel
  case named(String)

  init?(argument: String) { self = .named(argument) }

  var description: String {
    switch self {
    case .inModel: "OUT/tensorboard"
    case .named(let path): path
    }
  }

  /// The same for one of several trainings: a folder inside it, of the model folder's name.
  func inside(_ folder: String) -> TensorBoardFolder {
    guard case .named(let path) = self, let name = folder.split(separator: "/").last else { return self }
    return .named("\(path)/\(name)")
  }

  /// A log of a training in a model folder, which begins with the model's configuration.
  func log(of folder: String, _ configuration: some Encodable) throws -> TensorBoardLog {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    let text = String(decoding: try encoder.encode(configuration), as: UTF8.self)
    let path = if case .named(let path) = self { path } else { folder + "/tensorboard" }
    return try TensorBoardLog(folder: path, configuration: "```json\n\(text)\n```\n")
  }
}

extension TensorBoardLog {
  /// Says why the log ended before the training did.
  func showFailure() {
    if let failure { Console.note("the TensorBoard log is not complete: \(failure)") }
  }
}
