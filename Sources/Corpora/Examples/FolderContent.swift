import Foundation
import Interchange

/// What is in a folder.
enum FolderContent {
  /// The names of its files and folders in order, but for hidden ones. Throws when it cannot be read.
  static func names(in folder: String) throws(UnrollError) -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: folder).filter { !$0.hasPrefix(".") }.sorted()
    } catch {
      throw UnrollError(.inputOutput, "the folder cannot be read", at: folder, hint: "see what is wrong: ls \(folder)")
    }
  }
}
