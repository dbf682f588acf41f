/// The colours of pictures. Weights have colours that people with any kind of colour vision tell apart (after Okabe and
/// Ito), time is orange, all else is grey; labels and shapes say the same without colour.
enum Palette {
  typealias Colours = (fill: String, line: String)

  /// For weights, by their number modulo the count.
  static let ties: [(light: Colours, dark: Colours)] = [
    (("#d9ecf9", "#0072b2"), ("#0d3550", "#56b4e9")),
    (("#d5f2e8", "#00845f"), ("#0b4032", "#2fc79b")),
    (("#fbefc9", "#997000"), ("#463800", "#f0c93d")),
    (("#f7e2ee", "#a5497f"), ("#4b2039", "#e79bc6")),
    (("#e4e8ec", "#57606a"), ("#30363d", "#aab4bf")),
  ]

  /// The style sheet of an SVG picture.
  static var sheet: String {
    let base = """
      text { font-family: ui-sans-serif, system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; \
      text-anchor: middle; font-size: 14px }
      .detail { font-size: 11.5px }
      .title { font-size: 16px; font-weight: 600; text-anchor: start }
      .heading { font-size: 13px; font-weight: 600 }
      .legend { font-size: 12px; text-anchor: start }
      .carried { font-size: 12px; text-anchor: start }
      .centred { text-anchor: middle }
      .shape { stroke-width: 1.4 }
      .line { fill: none; stroke-width: 1.5 }
      .time { stroke-width: 2 }
      """
    let dark = scheme(
      paper: "#0d1117", panel: "#161b22", edge: "#30363d", text: "#e6edf3", muted: "#9da7b3", line: "#8b949e",
      time: "#ff9a52", ties: ties.map(\.dark))
    let light = scheme(
      paper: "#ffffff", panel: "#f6f8fa", edge: "#d8dee4", text: "#1f2328", muted: "#59636e", line: "#6e7781",
      time: "#d55e00", ties: ties.map(\.light))
    return base + "\n" + light + "\n@media (prefers-color-scheme: dark) {\n" + dark + "\n}"
  }

  private static func scheme(
    paper: String, panel: String, edge: String, text: String, muted: String, line: String, time: String, ties: [Colours]
  ) -> String {
    let rules = [
      ".paper { fill: \(paper) }", ".panel { fill: \(panel); stroke: \(edge) }", "text { fill: \(text) }",
      ".heading, .legend { fill: \(muted) }", ".shape { fill: \(paper); stroke: \(line) }",
      ".bare { fill: none; stroke: none }",
      ".line { stroke: \(line) }", ".tip { fill: \(line) }", ".state, .delay { fill: \(paper); stroke: \(time) }",
      ".time { stroke: \(time) }", ".timetip, .carried, .sign { fill: \(time) }",
    ]
    let colours = ties.enumerated().map { ".tie\($0) { fill: \($1.fill); stroke: \($1.line) }" }
    return (rules + colours).joined(separator: "\n")
  }
}
