/// A strict walk over JSON text (RFC 8259), value by value, that builds nothing.
///
/// Foundation's decoder keeps the first of two equal keys where others keep the last, so that one file would show
/// different content to different programs; this walk refuses such files, and limits depth.
///
///     var scanner = JSONScanner(bytes, path: "config.json", place: .lines(first: 1))
///     try scanner.object { scanner, key in try scanner.skipValue() }
///     try scanner.end()
struct JSONScanner {
  /// How the place of an error is told.
  enum Place {
    /// `path:line:column`, columns in bytes, where the text begins at line `first`.
    case lines(first: Int)
    /// `path:byte N`, where the text begins at byte `start`.
    case bytes(start: Int)
  }

  /// Arrays and objects inside one another, at most.
  static let depthLimit = 100

  private let bytes: [UInt8]
  private let path: String
  private let placing: Place
  private var depth = 0
  /// The next byte.
  private(set) var position = 0

  init(_ bytes: [UInt8], path: String, place: Place) {
    self.bytes = bytes
    self.path = path
    placing = place
  }

  /// The kind of value that comes next, by its first byte; nil at the end.
  mutating func peek() -> UInt8? {
    skipSpace()
    return position < bytes.count ? bytes[position] : nil
  }

  /// Reads an object; `member` is called after each key and must read its value.
  mutating func object(
    _ member: (inout JSONScanner, String) throws(UnrollError) -> Void
  ) throws(UnrollError) {
    try open("{", "an object")
    var keys: Set<String> = []
    var isFirst = true
    while try !isClosed("}", &isFirst) {
      _ = peek()
      let start = position
      let key = try string("a key in quotes")
      guard keys.insert(key).inserted else {
        throw error("the key `\(clipped(key))` is there twice", at: start, hint: "keep one of the two")
      }
      try expect(":", "a colon after the key")
      try member(&self, key)
    }
  }

  /// Reads an array; `element` is called before each element, with its index, and must read it.
  mutating func array(_ element: (inout JSONScanner, Int) throws(UnrollError) -> Void) throws(UnrollError) {
    try open("[", "an array")
    var index = 0
    var isFirst = true
    while try !isClosed("]", &isFirst) {
      try element(&self, index)
      index += 1
    }
  }

  /// Reads a string.
  mutating func string(_ wanted: String = "a string in quotes") throws(UnrollError) -> String {
    try expect("\"", wanted)
    var text: [UInt8] = []
    while true {
      let start = position
      while position < bytes.count, bytes[position] >= 0x20, !"\"\\".utf8.contains(bytes[position]) { position += 1 }
      text += bytes[start..<position]
      guard position < bytes.count else { throw error("the text ends inside a string") }
      guard bytes[position] >= 0x20 else {
        throw error("a control character stands inside a string", hint: "write it as \\u00\(hex(bytes[position]))")
      }
      position += 1
      if bytes[position - 1] == UInt8(ascii: "\"") { break }
      text += Array(String(try escape()).utf8)
    }
    guard let string = String(validating: text, as: UTF8.self) else {
      throw error("a string is not UTF-8", at: position - 1)
    }
    return string
  }

  /// Reads a whole number that is not negative.
  mutating func count() throws(UnrollError) -> Int {
    _ = peek()
    let start = position
    try number()
    guard let text = String(validating: bytes[start..<position], as: UTF8.self), text.utf8.allSatisfy(isDigit) else {
      throw error("a whole number, 0 or more, was expected", at: start)
    }
    guard let value = Int(text) else { throw error("the number is too large", at: start) }
    return value
  }

  /// Reads any value and forgets it.
  mutating func skipValue() throws(UnrollError) {
    switch peek() {
    case UInt8(ascii: "{"): try object { (scanner, _) throws(UnrollError) in try scanner.skipValue() }
    case UInt8(ascii: "["): try array { (scanner, _) throws(UnrollError) in try scanner.skipValue() }
    case UInt8(ascii: "\""): _ = try string()
    case UInt8(ascii: "t"): try word("true")
    case UInt8(ascii: "f"): try word("false")
    case UInt8(ascii: "n"): try word("null")
    case nil: throw error("the text ends where a value was expected", hint: "the file may have been cut")
    default: try number()
    }
  }

  /// Checks that only white space is left.
  mutating func end() throws(UnrollError) {
    guard peek() == nil else { throw error("something follows after the end of the value") }
  }

  /// An error at a byte of the text, by default the next one.
  func error(_ message: String, at offset: Int? = nil, hint: String? = nil) -> UnrollError {
    UnrollError(.invalidData, message, at: place(offset ?? position), hint: hint ?? usualHint)
  }

  private var usualHint: String {
    switch placing {
    case .lines: "correct the text there; any editor that knows JSON shows the place"
    case .bytes: "the file is damaged or was written wrongly: write it again, or use an older one"
    }
  }

  /// How a byte's place is told to a person.
  func place(_ offset: Int) -> String {
    switch placing {
    case .bytes(let start): return "\(path):byte \(start + offset)"
    case .lines(let first):
      let before = bytes[..<min(offset, bytes.count)]
      let line = before.count { $0 == UInt8(ascii: "\n") } + first
      let lineStart = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
      return "\(path):\(line):\(before.count - lineStart + 1)"
    }
  }
}

extension JSONScanner {
  private mutating func skipSpace() {
    while position < bytes.count, " \n\r\t".utf8.contains(bytes[position]) { position += 1 }
  }

  private mutating func expect(_ character: Unicode.Scalar, _ wanted: String) throws(UnrollError) {
    guard peek() == UInt8(ascii: character) else { throw error("\(wanted) was expected") }
    position += 1
  }

  private mutating func open(_ bracket: Unicode.Scalar, _ wanted: String) throws(UnrollError) {
    try expect(bracket, wanted)
    depth += 1
    guard depth <= Self.depthLimit else {
      throw error(
        "more than \(Self.depthLimit) brackets are open", at: position - 1, hint: "nest the values less deeply")
    }
  }

  /// Whether the bracket closes here; reads the bracket, or the comma between two elements.
  private mutating func isClosed(_ bracket: Unicode.Scalar, _ isFirst: inout Bool) throws(UnrollError) -> Bool {
    if peek() == UInt8(ascii: bracket) {
      position += 1
      depth -= 1
      return true
    }
    if !isFirst { try expect(",", "a comma or `\(bracket)`") }
    isFirst = false
    return false
  }

  private mutating func word(_ word: String) throws(UnrollError) {
    guard bytes[position...].starts(with: word.utf8) else { throw error("`\(word)` was expected") }
    position += word.utf8.count
  }

  private mutating func number() throws(UnrollError) {
    let start = position
    func digits() -> Int {
      let first = position
      while position < bytes.count, isDigit(bytes[position]) { position += 1 }
      return position - first
    }
    func accept(_ characters: String) -> Bool {
      guard position < bytes.count, characters.utf8.contains(bytes[position]) else { return false }
      position += 1
      return true
    }
    _ = accept("-")
    let first = position
    let whole = digits()
    guard whole > 0 else { throw error("a value was expected", at: start) }
    guard whole == 1 || bytes[first] != UInt8(ascii: "0") else { throw error("a number begins with 0", at: start) }
    if accept("."), digits() == 0 { throw error("a digit was expected after the point") }
    if accept("eE") {
      _ = accept("+-")
      if digits() == 0 { throw error("a digit was expected in the exponent") }
    }
  }

  /// The character of an escape, after its backslash.
  private mutating func escape() throws(UnrollError) -> Unicode.Scalar {
    let start = position - 1
    guard position < bytes.count else { throw error("the text ends inside a string") }
    position += 1
    switch bytes[position - 1] {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      let unit = try codeUnit()
      if let scalar = Unicode.Scalar(unit) { return scalar }
      if unit < 0xDC00, bytes[position...].starts(with: "\\u".utf8) {
        position += 2
        let low = try codeUnit()
        if 0xDC00...0xDFFF ~= low, let scalar = Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)) {
          return scalar
        }
      }
      throw error("a \\u escape is half a surrogate pair", at: start)
    default: throw error("no character is written like this after a backslash", at: start)
    }
  }

  private mutating func codeUnit() throws(UnrollError) -> UInt32 {
    let digits = bytes[position...].prefix(4)
    var value: UInt32 = 0
    for digit in digits {
      guard let nibble = Character(Unicode.Scalar(digit)).hexDigitValue else { break }
      value = value << 4 | UInt32(nibble)
      position += 1
    }
    guard digits.endIndex == position, digits.count == 4 else {
      throw error("four hexadecimal digits were expected after \\u")
    }
    return value
  }
}

private func isDigit(_ byte: UInt8) -> Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte }

private func hex(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }

/// A name from a file as it may stand in a message: not too long, without control characters.
func clipped(_ name: String) -> String {
  let shown = String(String.UnicodeScalarView(name.unicodeScalars.prefix(60).map { $0.value < 32 ? "?" : $0 }))
  return shown.unicodeScalars.count < name.unicodeScalars.count ? shown + "…" : shown
}
