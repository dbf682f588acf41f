/// A page of sections with a list of them on top.
struct Page {
  /// A part with a heading.
  struct Section {
    /// Where links lead: a word.
    let name: String
    let title: String
    let content: [Markup]
  }

  let title: String
  let lead: [Markup]
  let sections: [Section]
  let foot: Markup

  /// The document. It loads nothing and runs nothing, and says so to the browser.
  var document: String {
    let head = Markup.tag(
      "head", [:],
      [
        .tag("meta", ["charset": "utf-8"]), .tag("title", [:], Markup(title)),
        .tag("meta", ["name": "viewport", "content": "width=device-width, initial-scale=1"]),
        .tag("meta", ["name": "color-scheme", "content": "light dark"]),
        .tag(
          "meta",
          [
            "http-equiv": "Content-Security-Policy",
            "content": "default-src 'none'; img-src data:; style-src 'unsafe-inline'",
          ]),
        .tag("link", ["rel": "icon", "href": "data:,"]), .style(StyleSheet.text),
      ])
    let links = sections.map { Markup.tag("a", ["href": "#\($0.name)"], Markup($0.title)) }
    let body = Markup.tag(
      "body", [:],
      [
        .tag(
          "header", [:],
          [.tag("h1", [:], Markup(title))] + lead + [.tag("nav", ["aria-label": "Sections"], .group(links))]),
        .tag("main", [:], .group(sections.map(markup))), .tag("footer", [:], foot),
      ])
    return "<!DOCTYPE html>\n" + Markup.tag("html", ["lang": "en"], .group([head, body])).text + "\n"
  }

  private func markup(_ section: Section) -> Markup {
    .tag(
      "section", ["id": section.name, "aria-labelledby": "\(section.name)-title"],
      .group([.tag("h2", ["id": "\(section.name)-title"], Markup(section.title))] + section.content))
  }
}

extension Markup {
  /// A paragraph.
  static func paragraph(_ words: String) -> Markup { .tag("p", [:], Markup(words)) }

  /// A paragraph beside the point.
  static func note(_ words: String) -> Markup { .tag("p", ["class": "note"], Markup(words)) }

  static func heading(_ words: String) -> Markup { .tag("h3", [:], Markup(words)) }

  /// Pieces in a grid: `pair`, `many`.
  static func grid(_ kind: String, _ pieces: [Markup]) -> Markup { .tag("div", ["class": kind], .group(pieces)) }

  /// A picture with its caption and a sentence about it.
  static func figure(_ title: String, _ note: String, _ picture: Markup) -> Markup {
    let sentence = note.isEmpty ? [] : [Markup.tag("span", [:], Markup(note))]
    return .tag("figure", [:], .group([.tag("figcaption", [:], [Markup(title)] + sentence), picture]))
  }

  /// A drawing in its own units.
  static func drawing(_ width: Double, _ height: Double, label: String, _ content: [Markup]) -> Markup {
    .tag(
      "svg",
      ["viewBox": "0 0 \(Figures.place(width)) \(Figures.place(height))", "role": "img", "aria-label": label],
      .group(content))
  }

  /// Words in a drawing.
  static func words(_ words: String, _ kind: String, _ x: Double, _ y: Double) -> Markup {
    .tag("text", ["class": kind, "x": Figures.place(x), "y": Figures.place(y)], Markup(words))
  }

  /// A line in a drawing.
  static func line(_ kind: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> Markup {
    .tag(
      "line",
      [
        "class": kind, "x1": Figures.place(x1), "y1": Figures.place(y1), "x2": Figures.place(x2),
        "y2": Figures.place(y2),
      ])
  }

  /// A rectangle in a drawing.
  static func box(_ kind: String, _ x: Double, _ y: Double, _ width: Double, _ height: Double) -> Markup {
    .tag(
      "rect",
      [
        "class": kind, "x": Figures.place(x), "y": Figures.place(y), "width": Figures.place(max(0, width)),
        "height": Figures.place(max(0, height)),
      ])
  }
}
