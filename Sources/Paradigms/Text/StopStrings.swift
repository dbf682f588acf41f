import Tensors

/// Ends a text before the first of some strings, while it is being written piece by piece.
///
///     var stops = StopStrings(["\n\n", "END"])
///     stops.text(behind: "the E")   // "the ": "E" is kept back until it is known how it goes on
///     stops.text(behind: "ND, and") // "", and stops.found is "END"
///
/// Compared scalar by scalar. The string that is complete first counts; of those that end at the same place, the one
/// that begins first.
package struct StopStrings {
  private let stops: [[Unicode.Scalar]]
  private var kept: [Unicode.Scalar] = []
  /// The string that the text ended before; nil as long as it goes on.
  package private(set) var found: String?

  /// Traps when a string is empty.
  package init(_ stops: [String]) {
    demand(!stops.contains(""), "StopStrings: an empty string is everywhere")
    self.stops = stops.map { Array($0.unicodeScalars) }
  }

  /// What of the text is certain after one more piece; nothing once a string was ``found``.
  package mutating func text(behind piece: String) -> String {
    guard found == nil else { return "" }
    guard !stops.isEmpty else { return piece }
    var certain = String.UnicodeScalarView()
    for scalar in piece.unicodeScalars {
      kept.append(scalar)
      let complete = stops.filter { kept.count >= $0.count && kept.suffix($0.count).elementsEqual($0) }
      if let stop = complete.max(by: { $0.count < $1.count }) {
        certain.append(contentsOf: kept.dropLast(stop.count))
        kept = []
        found = String(String.UnicodeScalarView(stop))
        return String(certain)
      }
      while !kept.isEmpty, !stops.contains(where: { $0.count > kept.count && $0.starts(with: kept) }) {
        certain.append(kept.removeFirst())
      }
    }
    return String(certain)
  }

  /// What was kept back, at the text's end.
  package mutating func rest() -> String {
    defer { kept = [] }
    return String(String.UnicodeScalarView(kept))
  }
}
