import Foundation

/// JSON files that are either right or refused with the place and the mend.
///
///     let configuration = try StrictJSON.read(Configuration.self, from: "model/config.json")
///     try StrictJSON.write(configuration, to: "model/config.json")
///
/// Beyond Foundation's decoder: keys that occur twice, more than 100 open brackets and files beyond a size are refused,
/// and errors say `path:line:column`.
public enum StrictJSON {
  /// Returns the value in some JSON text.
  ///
  /// - Parameters:
  ///   - type: The type to decode.
  ///   - data: The text, UTF-8.
  ///   - path: What errors call the text: a file's path.
  /// - Throws: `UnrollError` of kind `.invalidData`; an `UnrollError` that the type's own `init(from:)` throws passes.
  public static func decode<T: Decodable>(
    _ type: T.Type, from data: Data, path: String
  ) throws(UnrollError) -> T {
    try decode(type, from: data, path: path, firstLine: 1)
  }

  /// As above, for a text that begins at a line of a longer file.
  package static func decode<T: Decodable>(
    _ type: T.Type, from data: Data, path: String, firstLine: Int
  ) throws(UnrollError) -> T {
    let text = JSONScanner([UInt8](data), path: path, place: .lines(first: firstLine))
    var scanner = text
    guard scanner.peek() != nil else { throw scanner.error("there is nothing here; JSON was expected", at: 0) }
    try scanner.skipValue()
    try scanner.end()
    do {
      return try JSONDecoder().decode(type, from: data)
    } catch let error as UnrollError {
      guard error.place == nil else { throw error }
      throw UnrollError(error.kind, error.message, at: text.place(0), hint: error.hint)
    } catch let error as DecodingError {
      throw describe(error, in: text)
    } catch {
      throw text.error("the value cannot be read: \(error)", at: 0)
    }
  }

  /// Returns the value in a JSON file of at most `limit` bytes, 16 MiB by default.
  ///
  /// - Throws: As `decode`, and as `FileAccess.read`.
  public static func read<T: Decodable>(
    _ type: T.Type, from path: String, limit: Int = 16 << 20
  ) throws(UnrollError) -> T {
    try decode(type, from: FileAccess.read(from: path, limit: limit), path: path)
  }

  /// Writes a value as JSON, atomically: indented, keys in alphabetical order, a newline at the end. Equal values give
  /// equal bytes.
  ///
  /// - Throws: `UnrollError` of kind `.notFinite` for a number that JSON has no form for, and as `AtomicFile.write`.
  public static func write<T: Encodable>(_ value: T, to path: String) throws(UnrollError) {
    var data = try encode(value, [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes], path: path)
    data.append(UInt8(ascii: "\n"))
    try AtomicFile.write(data, to: path)
  }

  static func encode<T: Encodable>(
    _ value: T, _ format: JSONEncoder.OutputFormatting, path: String
  ) throws(UnrollError) -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = format
    do {
      return try encoder.encode(value)
    } catch EncodingError.invalidValue(let value, let context) where value is any FloatingPoint {
      throw UnrollError(
        .notFinite, "`\(dotted(context.codingPath))` is \(value), which JSON cannot hold", at: path,
        hint: "leave the value out, or store it as text")
    } catch {
      throw UnrollError(.usage, "the value cannot be written as JSON: \(error)", at: path)
    }
  }

  private static func describe(_ error: DecodingError, in scanner: JSONScanner) -> UnrollError {
    switch error {
    case .keyNotFound(let key, let context):
      return UnrollError(
        .invalidData, "the key `\(clipped(key.stringValue))` is missing",
        at: place(of: context.codingPath, in: scanner), hint: "add `\"\(clipped(key.stringValue))\": …`")
    case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
      let what = context.codingPath.isEmpty ? "the value" : "`\(dotted(context.codingPath))`"
      return UnrollError(
        .invalidData, "\(what) is not \(name(of: type))", at: place(of: context.codingPath, in: scanner),
        hint: "put \(name(of: type)) there")
    case .dataCorrupted(let context):
      let what = context.codingPath.isEmpty ? "the value" : "`\(dotted(context.codingPath))`"
      return UnrollError(
        .invalidData, "\(what) cannot be read: \(reason(context))",
        at: place(of: context.codingPath, in: scanner), hint: "mend or remove the value")
    @unknown default: return scanner.error("the value cannot be read: \(error)", at: 0)
    }
  }

  /// Foundation calls a number that does not fit its type invalid JSON; here the text was found valid before.
  private static func reason(_ context: DecodingError.Context) -> String {
    context.debugDescription.contains("not valid JSON")
      ? "a number is too large, or has a fraction where a whole number belongs" : context.debugDescription
  }

  /// The kind of JSON value that a type is written as.
  private static func name(of type: any Any.Type) -> String {
    switch type {
    case is any BinaryInteger.Type: "a whole number that fits \(type)"
    case is any FloatingPoint.Type: "a number"
    case is String.Type: "a string"
    case is Bool.Type: "true or false"
    case is [Any].Type: "an array"
    case is [String: Any].Type: "an object"
    default: "a \(type)"
    }
  }

  /// A key path as people write it: `layers[2].hidden`.
  private static func dotted(_ keys: [any CodingKey]) -> String {
    let text = keys.map { key in key.intValue.map { "[\($0)]" } ?? "." + clipped(key.stringValue) }.joined()
    return text.hasPrefix(".") ? String(text.dropFirst()) : text
  }

  /// Where the value of a key path stands: as far as the path can be followed.
  private static func place(of keys: [any CodingKey], in scanner: JSONScanner) -> String {
    var scanner = scanner
    _ = scanner.peek()
    var found = scanner.position
    // The text was walked without error before, so this walk cannot fail.
    try? scanner.follow(keys[...]) { found = $0 }
    return scanner.place(found)
  }
}

extension JSONScanner {
  /// Walks along a key path and reports where each value on it begins.
  fileprivate mutating func follow(_ keys: ArraySlice<any CodingKey>, _ found: (Int) -> Void) throws(UnrollError) {
    let first = peek()
    found(position)
    guard let key = keys.first else { return try skipValue() }
    let rest = keys.dropFirst()
    if first == UInt8(ascii: "{") {
      try object { (scanner, name) throws(UnrollError) in
        if name == key.stringValue { try scanner.follow(rest, found) } else { try scanner.skipValue() }
      }
    } else if first == UInt8(ascii: "["), let wanted = key.intValue {
      try array { (scanner, index) throws(UnrollError) in
        if index == wanted { try scanner.follow(rest, found) } else { try scanner.skipValue() }
      }
    } else {
      try skipValue()
    }
  }
}
