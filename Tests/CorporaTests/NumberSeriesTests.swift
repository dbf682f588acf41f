import Corpora
import Foundation
import Interchange
import Testing

/// Tables of numbers over time.
@Suite final class NumberSeriesTests {
  private let folder = NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)"

  init() throws { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) }
  deinit { try? FileManager.default.removeItem(atPath: folder) }

  private func read(
    _ text: String, _ columns: SeriesColumns = SeriesColumns(), skips: Bool = false
  ) throws(UnrollError) -> (series: NumberSeries, skipped: [UnrollError]) {
    let path = folder + "/a.csv"
    try? Data(text.utf8).write(to: URL(fileURLWithPath: path))
    var bad = BadLines(skips: skips)
    return (try NumberSeries(contentsOf: path, columns, &bad), bad.skipped)
  }

  /// Checked against Foundation's calendar, leap years and times before 1970 among them.
  @Test func momentsAreThoseOfTheCalendar() throws {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = try #require(TimeZone(secondsFromGMT: 0))
    for (year, month, day, hour) in [
      (2016, 7, 1, 13), (1970, 1, 1, 0), (1969, 12, 31, 23), (2000, 2, 29, 5), (1900, 3, 1, 0), (1858, 11, 17, 1),
      (2400, 2, 29, 0), (1600, 1, 1, 12),
    ] {
      let date = try #require(
        calendar.date(from: DateComponents(year: year, month: month, day: day, hour: hour, minute: 7)))
      let two = { (number: Int) in number < 10 ? "0\(number)" : "\(number)" }
      let text = "\(year)-\(two(month))-\(two(day)) \(two(hour)):07"
      let moment = try #require(CalendarTime(text))
      #expect(moment.seconds == Int(date.timeIntervalSince1970), "\(text)")
      #expect(moment.text == text)
      #expect(abs(moment.phase(of: .day) - (Double(hour) + 7.0 / 60) / 24) < 1e-9)
      // Foundation counts weekdays from Sunday, 1.
      let weekday = (calendar.component(.weekday, from: date) + 5) % 7
      #expect(Int(moment.phase(of: .week) * 7) == weekday, "\(text)")
    }
    #expect(CalendarTime("2016/07/01")?.text == "2016-07-01" && CalendarTime("20160701")?.text == "2016-07-01")
    #expect(CalendarTime("2016-07-01T05:06:07")?.text == "2016-07-01 05:06:07")
    #expect(CalendarTime("1949-01")?.text == "1949-01")
  }

  @Test(arguments: [
    "", "1958", "2016-13-01", "2016-02-30", "1900-02-29", "2016-07-01 24:00", "2016-07-01 5", "a", "2016--01",
    "12-01-2016",
    "-2016-01", "2016-01-", "0000-01-01", "99999999999", "2016-07-01 10:00:61", "１９４９-01",
  ])
  func otherTextsAreNoMoments(text: String) { #expect(CalendarTime(text) == nil) }

  @Test func rowsGoOnAsTheLastTwo() throws {
    func next(_ times: [String]) throws -> [String] {
      try read("t,x\n" + times.map { "\($0),1\n" }.joined()).series.times(after: 2)
    }
    #expect(try next(["1949-11", "1949-12"]) == ["1950-01", "1950-02"])
    #expect(try next(["1949-10", "1950-01"]) == ["1950-04", "1950-07"])
    #expect(try next(["2016-02-28 23:30", "2016-02-29 00:00"]) == ["2016-02-29 00:30", "2016-02-29 01:00"])
    #expect(try next(["19691224", "19691231"]) == ["1970-01-07", "1970-01-14"])
    #expect(try next(["1700", "1702"]) == ["1704", "1706"])
    #expect(try next(["a", "b"]) == ["+1", "+2"])
    #expect(try next(["5"]) == ["+1", "+2"])
  }

  @Test func columnsAreChosen() throws {
    let text = "\u{FEFF}\"a, b\",time,c\r\n1,2000-01-01,\"-2.5e1\"\r\n\r\n 3 ,2000-01-02,4\r\n"
    let all = try read(text, SeriesColumns(time: "time")).series
    #expect(all.columns == ["a, b", "c"] && all.values == [1, -25, 3, 4] && all.count == 2)
    #expect(all.moments?.map(\.text) == ["2000-01-01", "2000-01-02"] && Array(all.row(1)) == [3, 4])
    let one = try read(text, SeriesColumns(time: "2", names: ["c"])).series
    #expect(one.columns == ["c"] && one.values == [-25, 4] && one.checksum == all.checksum)
  }

  @Test func emptyCellsHaveTheValueBefore() throws {
    let series = try read("t,a,b\n1,7,2\n2,,3\n3,NA,\n", SeriesColumns(fills: true)).series
    #expect(series.values == [7, 2, 7, 3, 7, 3])
    let gone = try read("t,a,b\n1,,2\n2,3,4\n3,NA,5\n", SeriesColumns(fills: true), skips: true)
    #expect(gone.series.values == [3, 4, 3, 5] && gone.skipped.map(\.place) == [folder + "/a.csv:2"])
  }

  @Test(arguments: [
    ("t,a\n1,2\n2\n", 3, "1 cells"), ("t,a\n1,x\n", 2, "`x`"), ("t,a\n1,2\n2,\n", 3, "is empty"),
    ("t,a\n1,inf\n", 2, "`inf`"), ("t,a\n2,1\n1,1\n", 3, "not after"), ("t,a\n2,1\n2,1\n", 3, "not after"),
    ("t,a\n2000-01-02,1\n2000-01-01,1\n", 3, "not after"), ("t,a\n2000-01-02,1\nlater,1\n", 3, "not of the form"),
    ("t,a\n1,\"2\n", 2, "quote"),
  ])
  func badRowsAreErrorsOrCounted(text: String, line: Int, message: String) throws {
    let error = try #require(throws: UnrollError.self) { try self.read(text) }
    #expect(error.place == folder + "/a.csv:\(line)" && error.message.contains(message) && error.hint != nil)
    let more = try read(
      text.hasSuffix("\n") && !text.contains("\"") ? text + "9999,5\n" : "t,a\n1,5\n\"2\n", skips: true)
    #expect(more.skipped.count >= 1 && more.series.count >= 1)
  }

  @Test(arguments: [
    ("", "empty"), ("t,a\n", "no rows"), ("t\n1\n", "1 column"), ("t,a,a\n1,2,3\n", "same name"),
    ("t,a\n1,2\n", "no column `b`"),
  ])
  func tablesWithoutTheirColumnsAreErrors(text: String, message: String) throws {
    let columns = text.hasSuffix("1,2\n") ? SeriesColumns(names: ["b"]) : SeriesColumns()
    let error = try #require(throws: UnrollError.self) { try self.read(text, columns) }
    #expect(error.message.contains(message) && error.place?.hasPrefix(folder) == true, "\(error)")
  }

  @Test func columnsThatCannotBeAreErrors() {
    for columns in [
      SeriesColumns(time: "3"), SeriesColumns(time: "0"), SeriesColumns(time: "x"), SeriesColumns(names: ["a", "a"]),
      SeriesColumns(names: ["t"]),
    ] {
      #expect(throws: UnrollError.self) { try self.read("t,a\n1,2\n", columns) }
    }
  }
}
