import ArgumentParser
import Unroll

/// Finds a word where a command should be, which the parser calls an unexpected argument, and says which were meant.
enum UnknownCommand {
  /// The error for a program's arguments; nil when they begin with a command, or with none.
  static func error(in arguments: some Sequence<String>, of root: any ParsableCommand.Type) -> UnrollError? {
    var command = root
    var path = "unroll"
    for word in arguments where word != "help" {
      let subcommands = command.configuration.subcommands
      guard !subcommands.isEmpty, !word.hasPrefix("-") else { return nil }
      guard let next = subcommands.first(where: { $0.configuration.commandName == word }) else {
        let names = subcommands.compactMap { $0.configuration.commandName }
        return UnrollError(.usage, "there is no command `\(word)` in `\(path)`", hint: hint(word, names, path))
      }
      command = next
      path += " " + word
    }
    return nil
  }

  private static func hint(_ word: String, _ names: [String], _ path: String) -> String {
    let near = names.map { (name: $0, distance: distance($0, word)) }
      .filter { $0.distance <= max(1, $0.name.count / 2) }
      .sorted { ($0.distance, $0.name) < ($1.distance, $1.name) }
      .prefix(3).map { "`\(path) \($0.name)`" }
    return near.isEmpty
      ? "the commands are \(names.joined(separator: ", ")): \(path) --help"
      : "did you mean \(near.joined(separator: " or "))?"
  }

  /// The least number of characters to insert, remove, change or swap with their neighbour.
  private static func distance(_ a: String, _ b: String) -> Int {
    let (a, b) = (Array(a), Array(b.prefix(64)))
    var rows = [Array(0...b.count)]
    for i in 1...max(1, a.count) where i <= a.count {
      var row = [i]
      for j in 1...max(1, b.count) where j <= b.count {
        var best = min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1))
        if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { best = min(best, rows[i - 2][j - 2] + 1) }
        row.append(best)
      }
      rows.append(row)
    }
    return rows[a.count][b.count]
  }
}
