import Foundation
import Tensors

/// The machine and the program that make a report.
package struct Machine: Sendable, Hashable {
  /// The program with its version; empty when nobody said.
  package let program: String
  /// The system and its version.
  package let system: String
  /// The processor's name; nil where the system does not tell.
  package let processor: String?
  /// Cores that can be used, and threads that are.
  package let cores, threads: Int
  /// The kernels' instruction set: `avx512`.
  package let instructions: String
  /// The date and time.
  package let date: String

  package init(
    program: String, system: String, processor: String?, cores: Int, threads: Int, instructions: String, date: String
  ) {
    self.program = program
    self.system = system
    self.processor = processor
    self.cores = cores
    self.threads = threads
    self.instructions = instructions
    self.date = date
  }

  /// The machine that runs this.
  package static func here(program: String) -> Machine {
    let information = ProcessInfo.processInfo
    // The file is made when it is read, and exists on Linux alone.
    let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n")
    let name = lines?.first { $0.hasPrefix("model name") }?.split(separator: ":", maxSplits: 1).last
    return Machine(
      program: program, system: information.operatingSystemVersionString,
      processor: name.map { $0.trimmingCharacters(in: .whitespaces) }, cores: information.activeProcessorCount,
      threads: Threads.count, instructions: Kernels.active.name, date: Date().formatted(.iso8601))
  }
}
