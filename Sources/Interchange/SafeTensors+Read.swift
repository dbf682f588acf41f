import Foundation
import Tensors

extension SafeTensors {
  /// Reads a file. All sizes are checked against the size of the file before memory is taken.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - types: What values may be in it: F32 only by default.
  /// - Throws: `UnrollError` of kind `.missing`; `.invalidData` for a file that breaks the format in any way, is
  ///   damaged, or holds other values than those or more than 4 axes; `.unsupportedVersion` for a file of a newer
  ///   version of this library; `.inputOutput` when reading fails or memory is lacking.
  public static func read(
    from path: String, accepting types: Set<ElementType> = [.float32]
  ) throws(UnrollError) -> SafeTensors {
    let file = try ReadableFile(path)
    guard file.size >= 8 else {
      throw UnrollError(
        .invalidData, "the file has \(file.size) bytes; a safetensors file has 8 or more", at: path,
        hint: "the file was cut: copy it again, or use an older one")
    }
    let length = try file.bytes(8).reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
    guard length <= UInt64(headerLimit) else {
      throw UnrollError(
        .invalidData, "the header is said to have \(length) bytes; at most \(headerLimit) are read",
        at: "\(path):byte 0",
        hint: "is this a safetensors file?")
    }
    guard Int(length) <= file.size - 8 else {
      throw UnrollError(
        .invalidData, "the header is said to have \(length) bytes, but only \(file.size - 8) follow",
        at: "\(path):byte 0", hint: "the file was cut: copy it again, or use an older one")
    }
    let text = try file.bytes(Int(length))
    let dataCount = file.size - 8 - text.count
    let header = try SafeTensorsHeader(text, dataCount: dataCount, path: path, accepting: types)
    // A value has 4 bytes in memory, and at least one in the file, so the product is a number.
    try checkMemory(header.entries.reduce(0) { $0 + 4 * $1.shape.count }, path: path)
    var tensors: [(name: String, tensor: Tensor)] = []
    for entry in header.entries {
      let storage = Storage(count: entry.shape.count)
      // Its bytes go to the end of its memory, where they become floats from the beginning on.
      let memory = UnsafeMutableRawBufferPointer(start: storage.floats, count: 4 * storage.count)
      let bytes = UnsafeMutableRawBufferPointer(rebasing: memory.suffix(entry.end - entry.begin))
      try file.read(into: bytes)
      try header.check(UnsafeRawBufferPointer(bytes), of: entry.name)
      entry.type.expand(bytes, into: memory)
      tensors.append((entry.name, Tensor(shape: entry.shape, storage: storage)))
    }
    let metadata = header.isSealed ? header.metadata.filter { !Key.isReserved($0.key) } : header.metadata
    let types = Dictionary(header.entries.map { ($0.name, $0.type) }, uniquingKeysWith: { first, _ in first })
    return SafeTensors(
      tensors: tensors, metadata: metadata, elementTypes: types.filter { $0.value != .float32 })
  }
}
