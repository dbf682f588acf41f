/// A piece of a page that is well-formed whatever it was made from: words become markup through ``tag(_:_:_:)`` only,
/// and are escaped everywhere else.
///
///     Markup.tag("p", ["class": "note"], ["a < b in ", .tag("code", [:], "weights")]).text
///     // <p class="note">a &lt; b in <code>weights</code></p>
struct Markup: Sendable, ExpressibleByStringInterpolation {
  /// As it stands in the page.
  private(set) var text: String

  /// Words, escaped.
  init(_ words: String) { text = Self.escaped(words) }

  init(stringLiteral words: String) { self.init(words) }

  private init(wellFormed text: String) { self.text = text }

  /// An element with its content.
  static func tag(_ name: String, _ attributes: KeyValuePairs<String, String> = [:], _ content: [Markup]) -> Markup {
    let list = attributes.map { " \($0.key)=\"\(escaped($0.value))\"" }.joined()
    guard !voidElements.contains(name) else { return Markup(wellFormed: "<\(name)\(list)/>") }
    return Markup(wellFormed: "<\(name)\(list)>\(content.map(\.text).joined())</\(name)>")
  }

  /// An element with one piece in it.
  static func tag(_ name: String, _ attributes: KeyValuePairs<String, String> = [:], _ content: Markup) -> Markup {
    tag(name, attributes, [content])
  }

  /// An element with nothing in it.
  static func tag(_ name: String, _ attributes: KeyValuePairs<String, String> = [:]) -> Markup {
    tag(name, attributes, [])
  }

  /// A style sheet, which is ours and has no character that ends it.
  static func style(_ sheet: String) -> Markup { Markup(wellFormed: "<style>\n\(sheet)\n</style>") }

  /// Pieces one after the other.
  static func group(_ pieces: [Markup]) -> Markup { Markup(wellFormed: pieces.map(\.text).joined(separator: "\n")) }

  /// What HTML writes without an end.
  private static let voidElements: Set = ["meta", "link", "img", "br", "hr"]

  private static func escaped(_ words: String) -> String {
    var escaped = ""
    for scalar in words.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "'": escaped += "&#39;"
      case "\t", "\n": escaped.unicodeScalars.append(scalar)
      // No document can hold these.
      case "\0"..<" ", "\u{7F}"..<"\u{A0}", "\u{FFFE}", "\u{FFFF}": escaped += "\u{FFFD}"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
