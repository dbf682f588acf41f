import Foundation
import Interchange

/// Where the time and the numbers stand in a table.
public struct SeriesColumns: Hashable, Sendable, Codable {
  /// The time's column: a number from 1, or its name; nil: the first.
  public var time: String?
  /// The columns of numbers, by name; empty: all others.
  public var names: [String]
  /// Whether an empty cell has the value of the row before; else it is an error.
  public var fills: Bool

  /// The first column is the time, all others are numbers.
  public init(time: String? = nil, names: [String] = [], fills: Bool = false) {
    (self.time, self.names, self.fills) = (time, names, fills)
  }
}

/// Numbers over time, from a table with a header: a row for each time step, in order.
///
///     var bad = BadLines(skips: false)
///     let series = try NumberSeries(contentsOf: "ETTh1.csv", SeriesColumns(names: ["OT"]), &bad)
///     series.count, series.times[0]   // 17420, "2016-07-01 00:00:00"
public struct NumberSeries: Sendable {
  /// Names of the numbers' columns.
  public let columns: [String]
  /// What the rows are called.
  public let times: [String]
  /// The rows' times, where all are times of the calendar.
  public let moments: [CalendarTime]?
  /// [rows, columns], row by row.
  public let values: [Float]
  /// Of the file's content.
  public let checksum: String

  /// Number of time steps.
  public var count: Int { times.count }

  /// The numbers of a row.
  public func row(_ index: Int) -> ArraySlice<Float> { values[index * columns.count..<(index + 1) * columns.count] }

  /// Reads a CSV file, compressed by gzip or not. Throws for a file that cannot be read, is empty or no UTF-8, a column
  /// that is not there; and for bad lines unless they are skipped: another number of cells than the header, an empty
  /// cell or one that is no number, a time that is not after the one before it.
  public init(contentsOf path: String, _ columns: SeriesColumns, _ bad: inout BadLines) throws(UnrollError) {
    let data = try Gzip.read(from: path, limit: PlainText.defaultLimit)
    let text = try PlainText(utf8: data, source: path)
    checksum = data.withUnsafeBytes { Checksum($0).description }
    // No closure that throws can be called there, so what it throws is kept.
    var table = Table(columns, path: path)
    var failure: UnrollError?
    var found = bad
    text.withBytes { bytes in
      do throws(UnrollError) {
        try CommaSeparated.forEach(in: bytes, path: path, &found) { (cells, line, bad) throws(UnrollError) in
          try table.add(cells, line: line, &bad)
        }
      } catch {
        failure = error
      }
    }
    bad = found
    if let failure { throw failure }
    guard !table.times.isEmpty else {
      throw UnrollError(
        .invalidData, "there are no rows below the header", at: path,
        hint: "the first line names the columns, each other one is a time step")
    }
    self.columns = table.names
    times = table.times
    moments = table.moments.count == table.times.count ? table.moments : nil
    values = table.values
  }
}

/// A table that is being read.
private struct Table {
  private let wanted: SeriesColumns
  private let path: String
  private var header: [String]?
  private var timeIndex = 0
  private var indices: [Int] = []
  private(set) var names: [String] = []
  private(set) var times: [String] = []
  private(set) var moments: [CalendarTime] = []
  private(set) var values: [Float] = []

  init(_ wanted: SeriesColumns, path: String) {
    self.wanted = wanted
    self.path = path
  }

  mutating func add(_ cells: [String], line: Int, _ bad: inout BadLines) throws(UnrollError) {
    let cells = cells.map { $0.trimmingCharacters(in: .whitespaces) }
    guard let header else { return try setHeader(cells, "\(path):\(line)") }
    do throws(UnrollError) {
      guard cells.count == header.count else {
        throw fault("the row has \(cells.count) cells, and the header \(header.count)", line)
      }
      let row = try numbers(cells, line)
      try setTime(cells[timeIndex], line)
      values += row
    } catch {
      try bad.found(error)
    }
  }

  private func fault(_ message: String, _ line: Int, hint: String? = nil) -> UnrollError {
    UnrollError(
      .invalidData, message, at: "\(path):\(line)",
      hint: hint ?? "mend the row, or leave such rows out: --skip-bad-lines")
  }

  private mutating func setHeader(_ cells: [String], _ place: String) throws(UnrollError) {
    func listed() -> String { cells.prefix(20).map { "`\($0.prefix(40))`" }.joined(separator: ", ") }
    guard Set(cells).count == cells.count else {
      throw UnrollError(.invalidData, "two columns have the same name: \(listed())", at: place, hint: "rename one")
    }
    guard cells.count >= 2 else {
      throw UnrollError(
        .invalidData, "the header names \(cells.count) column, and a time and a number are two", at: place,
        hint: "set columns apart by commas")
    }
    func index(of name: String) throws(UnrollError) -> Int {
      guard let index = cells.firstIndex(of: name) else {
        throw UnrollError(
          .invalidData, "the header has no column `\(name.prefix(40))`", at: place, hint: "it has: \(listed())")
      }
      return index
    }
    if let number = wanted.time.flatMap({ Int($0) }), !cells.contains(wanted.time ?? "") {
      guard cells.indices.contains(number - 1) else {
        throw UnrollError(
          .usage, "there is no column \(number)", at: place, hint: "columns are counted from 1 to \(cells.count)")
      }
      timeIndex = number - 1
    } else if let time = wanted.time {
      timeIndex = try index(of: time)
    }
    if wanted.names.isEmpty {
      indices = cells.indices.filter { $0 != timeIndex }
    } else {
      for name in wanted.names { indices.append(try index(of: name)) }
    }
    if let twice = indices.first(where: { own in own == timeIndex || indices.count { $0 == own } > 1 }) {
      throw UnrollError(
        .usage, "the column `\(cells[twice].prefix(40))` is asked for twice, or is the time's", at: place,
        hint: "name each column once: --columns, --time-column")
    }
    names = indices.map { cells[$0] }
    header = cells
  }

  private func numbers(_ cells: [String], _ line: Int) throws(UnrollError) -> [Float] {
    var row: [Float] = []
    for (place, index) in indices.enumerated() {
      let cell = cells[index]
      if let number = Float(cell), number.isFinite {
        row.append(number)
        continue
      }
      let name = names[place]
      guard ["", "na", "nan", "null"].contains(cell.lowercased()) else {
        throw fault(
          "the cell `\(cell.prefix(40))` of the column `\(name.prefix(40))` is no number", line,
          hint: "choose the columns of numbers: --columns A,B; or leave such rows out: --skip-bad-lines")
      }
      guard wanted.fills, !values.isEmpty else {
        throw fault(
          "the cell of the column `\(name.prefix(40))` is empty", line,
          hint: wanted.fills
            ? "there is no row before it to take a value from: remove the row"
            : "take the value before it: --fill; or leave such rows out: --skip-bad-lines")
      }
      row.append(values[values.count - indices.count + place])
    }
    return row
  }

  /// Times of the calendar, or numbers, must ascend; other names stand in whatever order they have.
  private mutating func setTime(_ cell: String, _ line: Int) throws(UnrollError) {
    let moment = times.count == moments.count ? CalendarTime(cell) : nil
    if let last = times.last {
      if let lastMoment = moments.last, times.count == moments.count {
        guard let moment else {
          throw fault("the time `\(cell.prefix(40))` is not of the form of `\(last.prefix(40))` before it", line)
        }
        guard moment.seconds > lastMoment.seconds else {
          throw fault(
            "the time \(cell) is not after \(last) before it", line, hint: "sort the rows by their time, each once")
        }
      } else if let number = Double(cell), let before = Double(last), !(number > before) {
        throw fault("the time \(cell) is not after \(last) before it", line, hint: "sort the rows by their time")
      }
    }
    times.append(cell)
    if let moment { moments.append(moment) }
  }
}

extension NumberSeries {
  /// What the rows behind the last one are called: times that go on as the last two, or `+1`, `+2`.
  public func times(after count: Int) -> [String] {
    let steps = 1...max(1, count)
    if let moments, moments.count >= 2 {
      return steps.map { moments[moments.count - 1].advanced(by: $0, after: moments[moments.count - 2]).text }
    }
    if times.count >= 2, let last = Int(times[times.count - 1]), let before = Int(times[times.count - 2]) {
      let (step, overflow) = last.subtractingReportingOverflow(before)
      if !overflow, abs(step) < 1 << 40, abs(last) < 1 << 60 { return steps.map { "\(last + $0 * step)" } }
    }
    return steps.map { "+\($0)" }
  }
}
