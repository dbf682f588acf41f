/// A table: a heading for each column, and rows of pieces.
struct Table {
  /// A column's heading, and whether numbers stand in it.
  struct Column {
    let title: String
    let isNumber: Bool

    static func words(_ title: String) -> Column { Column(title: title, isNumber: false) }
    static func number(_ title: String) -> Column { Column(title: title, isNumber: true) }
  }

  let columns: [Column]
  var rows: [[Markup]] = []

  var markup: Markup {
    let head = columns.map { Markup.tag("th", attributes($0), Markup($0.title)) }
    let body = rows.map { row in
      Markup.tag("tr", [:], zip(columns, row).map { Markup.tag("td", attributes($0), $1) })
    }
    return .tag(
      "div", ["class": "scroll"],
      .tag("table", [:], [.tag("thead", [:], .tag("tr", [:], head)), .tag("tbody", [:], .group(body))]))
  }

  /// The table behind a line that opens it.
  func folded(_ title: String) -> Markup { .tag("details", [:], [.tag("summary", [:], Markup(title)), markup]) }

  private func attributes(_ column: Column) -> KeyValuePairs<String, String> { column.isNumber ? ["class": "n"] : [:] }
}
