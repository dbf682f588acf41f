import Foundation
import Tensors

/// A machine as far as a training depends on it: `machine.json` of a model folder says where it trained last.
package struct Machine: Sendable, Hashable, Codable {
  /// The system and its version.
  package let system: String
  /// The processor's name; nil where the system does not tell.
  package let processor: String?
  /// Cores that can be used, and threads that are.
  package let cores, threads: Int
  /// The kernels' instruction set: `avx512`.
  package let instructions: String

  package init(system: String, processor: String?, cores: Int, threads: Int, instructions: String) {
    self.system = system
    self.processor = processor
    self.cores = cores
    self.threads = threads
    self.instructions = instructions
  }

  /// The machine that runs this.
  package static var here: Machine {
    let information = ProcessInfo.processInfo
    // The file is made when it is read, and exists on Linux alone.
    let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n")
    let name = lines?.first { $0.hasPrefix("model name") }?.split(separator: ":", maxSplits: 1).last
    return Machine(
      system: information.operatingSystemVersionString,
      processor: name.map { $0.trimmingCharacters(in: .whitespaces) }, cores: information.activeProcessorCount,
      threads: Threads.count, instructions: Kernels.active.name)
  }
}
