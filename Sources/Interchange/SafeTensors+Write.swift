import Foundation
import Tensors

extension SafeTensors {
  /// Writes the file, atomically. The same content gives the same bytes.
  ///
  /// - Throws: `UnrollError` of kind `.usage` for a name or a metadata key that cannot be, else as `AtomicFile.write`.
  public func write(to path: String) throws(UnrollError) {
    try check(path: path)
    let stored = try stored(path: path)
    let header = try header(stored, path: path)
    try AtomicFile.write(to: path) { (file) throws(UnrollError) in
      var length = UInt64(header.count).littleEndian
      var failure = withUnsafeBytes(of: &length) { file.append($0) } ?? header.withUnsafeBytes { file.append($0) }
      for tensor in stored where failure == nil { failure = tensor.withBytes { file.append($0) } }
      if let failure { throw .writing(path, failure) }
    }
  }

  /// A tensor as it stands in the file.
  private struct Stored {
    let name: String
    let tensor: Tensor
    let type: ElementType
    /// Its bytes when they are not those in memory.
    let encoded: [UInt8]?

    var count: Int { tensor.shape.count * type.byteCount }

    /// Floats go as they lie in memory: little-endian on every machine that Swift runs on.
    func withBytes<R>(_ body: (UnsafeRawBufferPointer) -> R) -> R {
      encoded?.withUnsafeBytes(body) ?? body(UnsafeRawBufferPointer(tensor.storage.buffer))
    }
  }

  /// The tensors in the order of the file: wide values first, so that each stands at a multiple of its size.
  private func stored(path: String) throws(UnrollError) -> [Stored] {
    var stored: [Stored] = []
    for type in ElementType.allCases {
      for (name, tensor) in tensors where elementTypes[name, default: .float32] == type {
        let encoded = type == .float32 ? nil : type.encode(tensor.storage.buffer)
        if let value = encoded?.misfit {
          throw UnrollError(
            .usage, "tensor `\(clipped(name))` holds \(value), which is no number of \(type.rawValue)", at: path,
            hint: "round the values before they are written")
        }
        stored.append(Stored(name: name, tensor: tensor, type: type, encoded: encoded?.bytes))
      }
    }
    return stored
  }

  /// The header: metadata first, then the tensors in order, spaces up to a multiple of 8, and its own checksum in it.
  private func header(_ stored: [Stored], path: String) throws(UnrollError) -> [UInt8] {
    var own = [Key.format: Self.format, Key.version: String(Self.version)]
    for tensor in stored { own[Key.checksum(of: tensor.name)] = tensor.withBytes { Checksum($0).description } }
    // The checksum is taken with zeros in its own place. It stands first, so that the place is known.
    var text = "{\"__metadata__\":{\"\(Key.checksum)\":\"\(Checksum.prefix)"
    let place = text.utf8.count
    text += String(repeating: "0", count: Checksum.digits) + "\""
    for (key, value) in own.merging(metadata, uniquingKeysWith: { own, _ in own }).sorted(by: { $0.key < $1.key }) {
      text += ",\(quoted(key)):\(quoted(value))"
    }
    text += "}"
    var begin = 0
    for entry in stored {
      let end = begin + entry.count
      let extents = entry.tensor.shape.extents.map(String.init).joined(separator: ",")
      text += ",\(quoted(entry.name)):{\"dtype\":\"\(entry.type.rawValue)\",\"shape\":[\(extents)],"
      text += "\"data_offsets\":[\(begin),\(end)]}"
      begin = end
    }
    text += "}"
    var header = Array(text.utf8)
    header += [UInt8](repeating: UInt8(ascii: " "), count: (8 - header.count % 8) % 8)
    guard header.count <= Self.headerLimit else {
      throw UnrollError(
        .usage, "the names and metadata take \(header.count) bytes, more than \(Self.headerLimit)", at: path,
        hint: "write several files")
    }
    let checksum = header.withUnsafeBytes { Checksum($0) }.description.utf8.dropFirst(Checksum.prefix.utf8.count)
    header.replaceSubrange(place..<place + Checksum.digits, with: checksum)
    return header
  }

  private func check(path: String) throws(UnrollError) {
    func refuse(_ message: String, _ hint: String) -> UnrollError { UnrollError(.usage, message, at: path, hint: hint) }
    guard tensors.count <= Self.tensorLimit else {
      throw refuse("\(tensors.count) tensors are more than \(Self.tensorLimit)", "write several files")
    }
    var names: Set<String> = []
    for (name, _) in tensors {
      guard !name.isEmpty, name.utf8.count <= Self.nameLimit, name != "__metadata__" else {
        throw refuse(
          "a tensor cannot be called `\(clipped(name))`", "choose a name of 1 to \(Self.nameLimit) bytes")
      }
      guard names.insert(name).inserted else {
        throw refuse("two tensors are called `\(clipped(name))`", "choose another name for one of them")
      }
    }
    if let name = elementTypes.keys.filter({ !names.contains($0) }).min() {
      throw refuse("there is no tensor `\(clipped(name))` to be of a type", "leave it out of the element types")
    }
    if let key = metadata.keys.filter(Key.isReserved).min() {
      throw refuse("the metadata key `\(clipped(key))` is the format's own", "choose another key")
    }
  }
}

/// A string as JSON, in its shortest form.
private func quoted(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case "\u{0}"..."\u{1F}":
      let digits = String(scalar.value, radix: 16)
      result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}
