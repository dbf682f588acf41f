// The reader's side of differential-safetensors.py.
//
//     differential-safetensors read FILE…     one JSON line a file: what is in it, or the error
//     differential-safetensors write FILE     a file with names, shapes and values of every kind

import Foundation
import Interchange
import Tensors

struct Found: Encodable {
  struct Item: Encodable { var name: String, shape: [Int], bytes: Data }
  var tensors: [Item]?
  var metadata: [String: String]?
  var error: String?
}

@main
enum Differential {
  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    if arguments.first == "write", let path = arguments.dropFirst().first { return try sample.write(to: path) }
    let encoder = JSONEncoder()
    for path in arguments.dropFirst() {
      var found = Found()
      do {
        let file = try SafeTensors.read(from: path)
        found.metadata = file.metadata
        found.tensors = file.tensors.map { name, tensor in
          Found.Item(name: name, shape: tensor.shape.extents, bytes: tensor.values.withUnsafeBytes { Data($0) })
        }
      } catch {
        found.error = "\(error.kind): \(error.message)"
      }
      print(String(decoding: try encoder.encode(found), as: UTF8.self))
    }
  }

  static let sample = SafeTensors(
    tensors: [
      ("weight", Tensor([[1, -2.5, 3], [4, .infinity, 0.1]])), ("none", .zeros([0, 3])), ("bias", Tensor([-0.0])),
      ("scalar", Tensor(shape: [], values: [7])), ("ünï \"\\\u{1}\n🙂", .ones([1, 3, 2, 1])), ("nan", Tensor([.nan])),
    ], metadata: ["step": "12", "quote \"": "line\nbreak\u{1}\\", "ключ": "🙂"])
}
