// What differential-safetensors.py and fuzz-write-faults.sh drive.
//
//     read FILE…            one JSON line a file: what is in it, or the error
//     write FILE [FLOATS]   a file with names, shapes and values of every kind, and a tensor of that many zeros
//     append FILE LINES     that many lines at the end of a log; prints how many the log then has
//     bomb FILE…            for each file, the bytes by which reading it made the process grow
//
// Exits with 74 when a file cannot be written.

import Foundation
import Interchange
import Tensors

struct Found: Encodable {
  struct Item: Encodable { var name: String, type: String, shape: [Int], bytes: Data }
  var tensors: [Item]?
  var metadata: [String: String]?
  var error: String?
}

@main
enum Differential {
  static func main() throws {
    let arguments = Array(CommandLine.arguments.dropFirst())
    let number = arguments.count > 2 ? Int(arguments[2]) : nil
    do {
      switch arguments[0] {
      case "write":
        var file = sample
        if let number { file.tensors.append(("large", .zeros([number]))) }
        try file.write(to: arguments[1])
      case "append":
        let log = JSONLines(arguments[1])
        for index in 0..<(number ?? 1) { try log.append(["line": index]) }
        print(try log.read([String: Int].self).count)
      case "bomb":
        for path in arguments.dropFirst() {
          let before = peakMemory()
          _ = try? SafeTensors.read(from: path, accepting: allTypes)
          print(peakMemory() - before)
        }
      default: try read(arguments.dropFirst())
      }
    } catch {
      FileHandle.standardError.write(Data("\(error)\n".utf8))
      exit(74)
    }
  }

  static func peakMemory() -> Int {
    var usage = rusage()
    getrusage(0, &usage)  // 0: this process
    return usage.ru_maxrss * 1024
  }

  static func read(_ paths: some Sequence<String>) throws {
    let encoder = JSONEncoder()
    for path in paths {
      var found = Found()
      do {
        let file = try SafeTensors.read(from: path, accepting: allTypes)
        found.metadata = file.metadata
        found.tensors = file.tensors.map { name, tensor in
          let type = file.elementTypes[name, default: .float32]
          return Found.Item(
            name: name, type: type.rawValue, shape: tensor.shape.extents, bytes: bytes(of: tensor.values, as: type))
        }
      } catch {
        found.error = "\(error.kind): \(error.message)"
      }
      print(String(decoding: try encoder.encode(found), as: UTF8.self))
    }
  }

  static let allTypes = Set(SafeTensors.ElementType.allCases)

  /// The values as they stood in the file.
  static func bytes(of values: [Float], as type: SafeTensors.ElementType) -> Data {
    switch type {
    case .float32: values.withUnsafeBytes { Data($0) }
    case .bfloat16: values.map { UInt16($0.bitPattern >> 16) }.withUnsafeBytes { Data($0) }
    case .int8: values.map { Int8($0) }.withUnsafeBytes { Data($0) }
    }
  }

  static let sample = SafeTensors(
    tensors: [
      ("weight", Tensor([[1, -2.5, 3], [4, .infinity, 0.1]])), ("none", .zeros([0, 3])), ("bias", Tensor([-0.0])),
      ("scalar", Tensor(shape: [], values: [7])), ("ünï \"\\\u{1}\n🙂", .ones([1, 3, 2, 1])), ("nan", Tensor([.nan])),
      ("halves", Tensor([[1, -2.5, .infinity], [-0.0, 0x1p-130, 0x1.FEp127]])), ("whole", Tensor([-128, 127, 0])),
    ], metadata: ["step": "12", "quote \"": "line\nbreak\u{1}\\", "ключ": "🙂"],
    elementTypes: ["halves": .bfloat16, "whole": .int8])
}
