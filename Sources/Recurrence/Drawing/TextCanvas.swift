/// A grid of characters on which lines join where they meet.
struct TextCanvas {
  private struct Arms: OptionSet {
    let rawValue: Int
    static let up = Arms(rawValue: 1)
    static let down = Arms(rawValue: 2)
    static let left = Arms(rawValue: 4)
    static let right = Arms(rawValue: 8)
  }

  private let width: Int
  private var arms: [[Arms]]
  private var signs: [[Character?]]

  init(width: Int, height: Int) {
    self.width = width
    arms = [[Arms]](repeating: [Arms](repeating: [], count: width), count: height)
    signs = [[Character?]](repeating: [Character?](repeating: nil, count: width), count: height)
  }

  /// Characters go over lines; what falls outside the canvas is left out.
  mutating func write(_ text: String, row: Int, column: Int) {
    for (offset, character) in text.enumerated() {
      guard signs.indices.contains(row), (0..<width).contains(column + offset) else { continue }
      signs[row][column + offset] = character
    }
  }

  mutating func line(row: Int, from a: Int, to b: Int) {
    for column in min(a, b)..<max(a, b) {
      add(.right, row, column)
      add(.left, row, column + 1)
    }
  }

  mutating func line(column: Int, from a: Int, to b: Int) {
    for row in min(a, b)..<max(a, b) {
      add(.down, row, column)
      add(.up, row + 1, column)
    }
  }

  private mutating func add(_ arm: Arms, _ row: Int, _ column: Int) {
    guard arms.indices.contains(row), (0..<width).contains(column) else { return }
    arms[row][column].insert(arm)
  }

  /// A frame with the lines of text in its middle.
  mutating func box(_ lines: [String], row: Int, column: Int, width: Int, isRounded: Bool) {
    let (bottom, right) = (row + lines.count + 1, column + width - 1)
    line(row: row, from: column, to: right)
    line(row: bottom, from: column, to: right)
    line(column: column, from: row, to: bottom)
    line(column: right, from: row, to: bottom)
    for (offset, text) in lines.enumerated() {
      write(text, row: row + 1 + offset, column: column + (width - text.count) / 2)
    }
    guard isRounded else { return }
    for (corner, row, column) in [("╭", row, column), ("╮", row, right), ("╰", bottom, column), ("╯", bottom, right)] {
      write(corner, row: row, column: column)
    }
  }

  /// The character for every set of arms, by its bits.
  private static let joints = Array(" │││─┘┐┤─└┌├─┴┬┼")

  /// The rows without spaces at their ends.
  var lines: [String] {
    arms.indices.map { row in
      let characters = (0..<width).map { signs[row][$0] ?? Self.joints[arms[row][$0].rawValue] }
      return String(characters.reversed().drop { $0 == " " }.reversed())
    }
  }
}
