import Tensors

/// What a safetensors header says, checked in itself and against the size of the file.
struct SafeTensorsHeader {
  struct Entry {
    var name: String
    var shape: Shape
    var type: SafeTensors.ElementType
    var begin: Int
    var end: Int
  }
  /// The tensors in the order of their data.
  private(set) var entries: [Entry] = []
  private(set) var metadata: [String: String] = [:]
  /// Where the value of the header's own checksum ends in the text.
  private var checksumEnd: Int?
  private let path: String

  /// Reads a header of a file whose data area has `dataCount` bytes, and values of some types.
  init(
    _ text: [UInt8], dataCount: Int, path: String, accepting types: Set<SafeTensors.ElementType>
  ) throws(UnrollError) {
    self.path = path
    guard text.first == UInt8(ascii: "{") else {
      throw UnrollError(
        .invalidData, "the header does not begin with `{`", at: "\(path):byte 8", hint: "is this a safetensors file?")
    }
    var scanner = JSONScanner(text, path: path, place: .bytes(start: 8))
    var result = (entries: [Entry](), metadata: [String: String](), checksumEnd: Int?.none)
    try scanner.object { (scanner, name) throws(UnrollError) in
      guard name != "__metadata__" else {
        try scanner.object { (scanner, key) throws(UnrollError) in
          result.metadata[key] = try scanner.string("a string (metadata holds nothing else)")
          if key == SafeTensors.Key.checksum { result.checksumEnd = scanner.position }
        }
        return
      }
      guard result.entries.count < SafeTensors.tensorLimit else {
        throw scanner.error("there are more than \(SafeTensors.tensorLimit) tensors", hint: "split the file")
      }
      result.entries.append(try Self.entry(name, &scanner, accepting: types))
    }
    try scanner.end()
    (entries, metadata, checksumEnd) = result
    try orderByData(dataCount)
    try checkSeal(text)
  }

  private static func entry(
    _ name: String, _ scanner: inout JSONScanner, accepting types: Set<SafeTensors.ElementType>
  ) throws(UnrollError) -> Entry {
    let start = scanner.position
    guard !name.isEmpty, name.utf8.count <= SafeTensors.nameLimit else {
      throw scanner.error("a tensor's name has \(name.utf8.count) bytes; 1 to \(SafeTensors.nameLimit) are read")
    }
    let name = (text: name, shown: "tensor `\(clipped(name))`")
    var kind: String?
    var extents: [Int]?
    var offsets: [Int]?
    try scanner.object { (scanner, key) throws(UnrollError) in
      switch key {
      case "dtype": kind = try scanner.string()
      case "shape": extents = try numbers(&scanner, limit: SafeTensors.axisLimit, "\(name.shown): axes")
      case "data_offsets": offsets = try numbers(&scanner, limit: 2, "\(name.shown): data offsets")
      default: throw scanner.error("\(name.shown): the key `\(clipped(key))` is unknown")
      }
    }
    guard let kind, let extents, let offsets, offsets.count == 2 else {
      throw scanner.error("\(name.shown) lacks a dtype, a shape or two data offsets", at: start)
    }
    guard let type = SafeTensors.ElementType(rawValue: kind), types.contains(type) else {
      let known = types.map(\.rawValue).sorted()
      throw scanner.error(
        "\(name.shown) has dtype `\(clipped(kind))`; only \(known.joined(separator: " and ")) "
          + (known.count == 1 ? "is read" : "are read"), at: start,
        hint: "convert the file in Python: save_file({k: v.float() for k, v in load_file(old).items()}, new)")
    }
    // Extents of 0 are left out, so that no product of extents of a shape that is let in can overflow.
    // In memory a value has 4 bytes, whatever it has in the file.
    var size = 4
    for extent in extents where extent > 0 {
      let (product, overflow) = size.multipliedReportingOverflow(by: extent)
      guard !overflow else { throw scanner.error("\(name.shown): the shape \(extents) is too large", at: start) }
      size = product
    }
    size = extents.contains(0) ? 0 : size / 4 * type.byteCount
    guard offsets[0] <= offsets[1], offsets[1] - offsets[0] == size else {
      throw scanner.error(
        "\(name.shown): the shape \(extents) takes \(size) bytes, not those from \(offsets[0]) to \(offsets[1])",
        at: start)
    }
    return Entry(name: name.text, shape: Shape(extents), type: type, begin: offsets[0], end: offsets[1])
  }

  private static func numbers(
    _ scanner: inout JSONScanner, limit: Int, _ what: String
  ) throws(UnrollError) -> [Int] {
    var numbers: [Int] = []
    try scanner.array { (scanner, index) throws(UnrollError) in
      guard index < limit else { throw scanner.error("\(what): more than \(limit) are not read") }
      numbers.append(try scanner.count())
    }
    return numbers
  }

  /// Sorts the tensors by their data, and checks that they cover all of it, each byte once.
  private mutating func orderByData(_ dataCount: Int) throws(UnrollError) {
    // Equal places (tensors without values) keep the header's order.
    let order = entries.indices.sorted {
      (entries[$0].begin, entries[$0].end, $0) < (entries[$1].begin, entries[$1].end, $1)
    }
    entries = order.map { entries[$0] }
    var position = 0
    for entry in entries {
      guard entry.begin == position else {
        throw UnrollError(
          .invalidData,
          "tensor `\(clipped(entry.name))` begins at byte \(entry.begin) of the data, where byte \(position) is next: "
            + (entry.begin > position ? "the data has a hole" : "two tensors overlap"), at: path,
          hint: "write the file again with a safetensors library")
      }
      position = entry.end
    }
    guard position == dataCount else {
      throw UnrollError(
        .invalidData, "the header tells of \(position) bytes of data, the file has \(dataCount)", at: path,
        hint: position > dataCount
          ? "the file was cut: copy it again, or use an older one"
          : "bytes follow that belong to no tensor: write the file again")
    }
  }
}

extension SafeTensorsHeader {
  /// Whether this library wrote the file: then it has checksums. Two marks say so, as damage may hit one of them.
  var isSealed: Bool {
    metadata[SafeTensors.Key.format] == SafeTensors.format
      || metadata[SafeTensors.Key.checksum]?.hasPrefix(Checksum.prefix) == true
  }

  /// Checks the version and the header's own checksum, if the file has them.
  private func checkSeal(_ text: [UInt8]) throws(UnrollError) {
    guard isSealed else { return }
    var text = text
    if let end = checksumEnd, end > Checksum.digits {
      let zeros = [UInt8](repeating: UInt8(ascii: "0"), count: Checksum.digits)
      text.replaceSubrange(end - 1 - Checksum.digits..<end - 1, with: zeros)
    }
    let actual = text.withUnsafeBytes { Checksum($0) }
    let stated = metadata[SafeTensors.Key.checksum]
    // A flipped bit may make another version of this one: with a checksum that does not fit, the file is damaged.
    if let version = metadata[SafeTensors.Key.version].flatMap(Int.init), version > SafeTensors.version,
      stated == nil || stated == actual.description
    {
      throw UnrollError(
        .unsupportedVersion, "the file is of version \(version); this program knows \(SafeTensors.version)", at: path,
        hint: "use a newer version of this program")
    }
    guard stated == actual.description else {
      throw .damaged("the header", at: path)
    }
  }

  /// Checks the values of a tensor, if the file has a checksum for them.
  func check(_ bytes: UnsafeRawBufferPointer, of name: String) throws(UnrollError) {
    guard isSealed else { return }
    guard metadata[SafeTensors.Key.checksum(of: name)] == Checksum(bytes).description else {
      throw .damaged("tensor `\(clipped(name))`", at: path)
    }
  }
}

extension UnrollError {
  fileprivate static func damaged(_ what: String, at path: String) -> UnrollError {
    UnrollError(
      .invalidData, "\(what) does not fit its checksum: the file was damaged or changed after it was written", at: path,
      hint: "copy the file again or use an older one; if a program changed it on purpose, let it drop the metadata")
  }
}
