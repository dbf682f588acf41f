/// Any JSON value, for files whose form is not ours to know.
package enum JSONValue: Decodable, Sendable, Hashable {
  case null
  case bool(Bool)
  case whole(Int)
  case number(Double)
  case text(String)
  case list([JSONValue])
  case object([String: JSONValue])

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Int.self) {
      self = .whole(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .text(value)
    } else if let value = try? container.decode([JSONValue].self) {
      self = .list(value)
    } else {
      self = .object(try container.decode([String: JSONValue].self))
    }
  }

  /// A member of an object; nil where there is none.
  package subscript(key: String) -> JSONValue? {
    guard case .object(let members) = self else { return nil }
    return members[key]
  }

  package var whole: Int? {
    guard case .whole(let value) = self else { return nil }
    return value
  }

  package var text: String? {
    guard case .text(let value) = self else { return nil }
    return value
  }

  /// The value on a line; nil for what has members of its own.
  private var line: String? {
    switch self {
    case .null: "none"
    case .bool(let value): value ? "yes" : "no"
    case .whole(let value): "\(value)"
    case .number(let value): "\(value)"
    case .text(let value): value
    case .list(let values) where values.isEmpty: "none"
    case .list(let values): values.count <= 12 ? Self.joined(values.map(\.line)) : "\(values.count) values"
    case .object: nil
    }
  }

  private static func joined(_ lines: [String?]) -> String? {
    let known = lines.compactMap { $0 }
    return known.count == lines.count ? known.joined(separator: ", ") : nil
  }

  /// The single values below this one, with their dotted paths, in alphabetical order.
  package var leaves: [(path: String, value: String)] {
    if let line { return [("", line)] }
    let members: [(String, JSONValue)] =
      switch self {
      case .object(let members): members.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
      case .list(let values): values.enumerated().map { ("\($0.offset)", $0.element) }
      default: []
      }
    return members.flatMap { name, value in
      value.leaves.map { (path: $0.path.isEmpty ? name : "\(name).\($0.path)", value: $0.value) }
    }
  }
}
