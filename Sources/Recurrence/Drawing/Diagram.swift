/// A picture of a recurrence as a value: boxes and arrows, before anyone decides where they stand.
///
/// Depth grows upwards (inputs below, results above) and time to the right: a column is one time step. A folded picture
/// has one column and shows the network's cycle as edges that go through a delay; an unrolled one has a column a step,
/// and the same edges lead on to the next column. The renderers are ``text(width:)``, ``dot`` and ``svg``.
///
///     let picture = Diagram.folded(graph, names: names)
///     print(picture.text())
package struct Diagram: Sendable, Hashable {
  /// What a node is, for its shape.
  package enum Role: String, Sendable, CaseIterable {
    case input, output, state
    /// A product with weights.
    case weights
    /// A nonlinear function of every value.
    case function
    /// A sum, an elementwise product and the like.
    case arithmetic
    /// Whatever moves values without computing: a concatenation, a slice.
    case arrangement
    /// A whole layer.
    case layer
  }

  package struct Node: Sendable, Hashable {
    package var role: Role
    package var label: String
    /// A second line, for boxes with weights.
    package var detail = ""
    /// What the node is in full.
    package var tooltip = ""
    /// The time step, from 0.
    package var column = 0
    /// The height above the inputs; nil: as high as the edges ask for.
    package var row: Int?
    /// Nodes with the same number use the same weights.
    package var tie: Int?
    /// The number that the node is filled by; nil: it has its role's colours.
    package var shade: Shade?
  }

  /// A fill that stands for a number, which is also written into the box: colour alone says nothing to some.
  package struct Shade: Sendable, Hashable {
    package var colour: ColourScale.Colour
    package var number: String

    package init(_ colour: ColourScale.Colour, number: String) {
      self.colour = colour
      self.number = number
    }
  }

  package enum Kind: String, Sendable {
    /// Within a time step.
    case flow
    /// From a time step to the next.
    case time
    /// The cycle of a folded picture: the value arrives one step later.
    case delay
  }

  package struct Edge: Sendable, Hashable {
    package var from: Int
    package var to: Int
    package var kind = Kind.flow
    /// The state parts that it carries, if it carries any.
    package var label = ""
  }

  package var title: String
  package var nodes: [Node] = []
  package var edges: [Edge] = []
  /// Headings of the columns, from the left; all empty when there is only one.
  package var columns: [String] = [""]
  /// Sentences that explain signs of this picture.
  package var legend: [String] = []

  package init(title: String) { self.title = title }

  /// Adds a node and returns its number.
  mutating func add(_ node: Node) -> Int {
    nodes.append(node)
    return nodes.count - 1
  }

  /// The delay's sign.
  static let delaySign = "z⁻¹"
}

extension String {
  /// The name with a small number below: `x₁₂`.
  func subscripted(_ number: Int) -> String {
    self + String(String(number).map { digit in digit.wholeNumberValue.map { Array("₀₁₂₃₄₅₆₇₈₉")[$0] } ?? "₋" })
  }

  /// The text on one line, without characters that no terminal or document can show.
  var printable: String {
    String(map { $0.isNewline || $0.unicodeScalars.contains { Self.isUnprintable($0) } ? "\u{FFFD}" : $0 })
  }

  private static func isUnprintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned: true
    case .format: scalar != "\u{200D}"
    default: false
    }
  }

  /// At most `count` characters; the last is … when some are missing.
  func shortened(to count: Int) -> String {
    self.count <= count ? self : prefix(max(0, count - 1)) + "…"
  }
}
