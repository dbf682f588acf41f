import Foundation
import Interchange

/// Records of a CSV file (RFC 4180): fields between commas, in quotes where they hold commas, quotes (written twice) or
/// line ends.
enum CommaSeparated {
  /// Calls `body` with the fields of each record and the line where it begins; lines without a character are passed
  /// over. A record that is none goes to `bad`, and the line after its first is the next that is read.
  static func forEach(
    in bytes: UnsafeBufferPointer<UInt8>, path: String, _ bad: inout BadLines,
    _ body: (_ fields: [String], _ line: Int, _ bad: inout BadLines) throws(UnrollError) -> Void
  ) throws(UnrollError) {
    var position = 0
    var line = 1
    while position < bytes.count {
      var reader = Reader(bytes: bytes, position: position)
      let first = line
      if let fault = reader.record() {
        try bad.found(
          UnrollError(
            .invalidData, fault, at: "\(path):\(first)", hint: "quotes stand around a whole field, and twice inside one"
          ))
        position = bytes[position...].firstIndex(of: 0x0A).map { $0 + 1 } ?? bytes.count
        line += 1
        continue
      }
      position = reader.position
      line += reader.lineEnds
      if reader.fields == [""] { continue }
      try body(reader.fields, first, &bad)
    }
  }

  private struct Reader {
    let bytes: UnsafeBufferPointer<UInt8>
    var position: Int
    var fields: [String] = []
    var lineEnds = 0

    private static let quote = UInt8(ascii: "\"")
    private static let comma = UInt8(ascii: ",")

    init(bytes: UnsafeBufferPointer<UInt8>, position: Int) {
      self.bytes = bytes
      self.position = position
    }

    /// Reads a record with its line end; returns what is wrong with it.
    mutating func record() -> String? {
      while true {
        let isQuoted = position < bytes.count && bytes[position] == Self.quote
        if let fault = isQuoted ? quoted() : plain() { return fault }
        guard position < bytes.count else { return nil }
        let next = bytes[position]
        position += 1
        guard next == Self.comma else {
          if next == 0x0D { position += 1 }
          lineEnds += 1
          return nil
        }
        // A comma at the end of the file has an empty field behind it.
      }
    }

    /// Whether a field ends here: at a comma, a line end, or the end of the file.
    private var isAtEnd: Bool {
      guard position < bytes.count else { return true }
      let next = bytes[position]
      return next == Self.comma || next == 0x0A
        || (next == 0x0D && position + 1 < bytes.count && bytes[position + 1] == 0x0A)
    }

    private mutating func plain() -> String? {
      let start = position
      while !isAtEnd {
        if bytes[position] == Self.quote { return "a quote stands inside a field without quotes" }
        position += 1
      }
      fields.append(String(decoding: bytes[start..<position], as: UTF8.self))
      return nil
    }

    private mutating func quoted() -> String? {
      position += 1
      var text: [UInt8] = []
      while position < bytes.count {
        let next = bytes[position]
        position += 1
        if next == Self.quote {
          guard position < bytes.count, bytes[position] == Self.quote else {
            fields.append(String(decoding: text, as: UTF8.self))
            return isAtEnd ? nil : "something stands behind the quote that ends a field"
          }
          position += 1
        } else if next == 0x0A {
          lineEnds += 1
        }
        text.append(next)
      }
      return "a quote is never closed"
    }
  }
}
