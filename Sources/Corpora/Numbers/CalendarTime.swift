/// A moment of the calendar, without time zone or leap seconds, as tables name their rows: `2016-07-01 13:00:00`,
/// `2012/01/31`, `19580329`, `1949-01`.
///
///     CalendarTime("2016-07-01 13:00")?.seconds   // 1467378000
public struct CalendarTime: Hashable, Sendable {
  /// What of it is written.
  public enum Precision: Int, Hashable, Sendable, Codable {
    case month, day, minute, second
  }
  /// Seconds since the beginning of 1970.
  public let seconds: Int
  /// What of it is written.
  public let precision: Precision

  /// A moment.
  public init(seconds: Int, precision: Precision) {
    (self.seconds, self.precision) = (seconds, precision)
  }

  /// Reads a text: year, month, and perhaps day and time of the day, with `-`, `/`, `:`, a space or `T` between them;
  /// or eight digits of a day. nil for all others, a year alone among them, which is a number.
  public init?(_ text: String) {
    var numbers: [Int] = []
    var digits = 0
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"):
        if digits == 0 { numbers.append(0) }
        digits += 1
        guard digits <= 8 else { return nil }
        numbers[numbers.count - 1] = numbers[numbers.count - 1] * 10 + Int(byte - UInt8(ascii: "0"))
      case UInt8(ascii: "-"), UInt8(ascii: "/"), UInt8(ascii: ":"), UInt8(ascii: " "), UInt8(ascii: "T"):
        guard digits > 0, digits == (numbers.count == 1 ? 4 : digits) else { return nil }
        digits = 0
      default: return nil
      }
    }
    guard digits > 0 else { return nil }
    if numbers.count == 1, digits == 8 {
      numbers = [numbers[0] / 10_000, numbers[0] / 100 % 100, numbers[0] % 100]
    }
    guard let precision = [2: .month, 3: .day, 5: .minute, 6: .second][numbers.count] as Precision? else { return nil }
    let all = numbers + [0, 0, 1, 0, 0, 0].dropFirst(numbers.count)
    guard all[0] > 0, (1...12).contains(all[1]), (1...Self.days(year: all[0], month: all[1])).contains(all[2]),
      all[3] < 24,
      all[4] < 60, all[5] < 60
    else { return nil }
    let days = Self.daysSince1970(year: all[0], month: all[1], day: all[2])
    self.init(seconds: ((days * 24 + all[3]) * 60 + all[4]) * 60 + all[5], precision: precision)
  }

  private static func isLeap(_ year: Int) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }

  private static func days(year: Int, month: Int) -> Int {
    month == 2 ? (isLeap(year) ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
  }

  /// Of the Gregorian calendar, whose years are counted from March here, so that a leap day is a year's last.
  private static func daysSince1970(year: Int, month: Int, day: Int) -> Int {
    let shifted = month > 2 ? year : year - 1
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
  }

  private var dayNumber: Int { seconds >= 0 ? seconds / 86_400 : (seconds + 1) / 86_400 - 1 }

  private var date: (year: Int, month: Int, day: Int) {
    var year = 1970 + dayNumber / (dayNumber < 0 ? 365 : 366) - 2
    while Self.daysSince1970(year: year + 1, month: 1, day: 1) <= dayNumber { year += 1 }
    var month = 12
    while Self.daysSince1970(year: year, month: month, day: 1) > dayNumber { month -= 1 }
    return (year, month, dayNumber - Self.daysSince1970(year: year, month: month, day: 1) + 1)
  }

  /// As it is written: `2016-07-01 13:00:00`, `2016-07-01`, `2016-07`.
  public var text: String {
    let (year, month, day) = date
    let time = seconds - dayNumber * 86_400
    func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let years = String(repeating: "0", count: max(0, 4 - "\(year)".count)) + "\(year)"
    var text = "\(years)-\(two(month))"
    if precision != .month { text += "-\(two(day))" }
    if precision.rawValue >= Precision.minute.rawValue { text += " \(two(time / 3600)):\(two(time / 60 % 60))" }
    if precision == .second { text += ":\(two(time % 60))" }
    return text
  }

  /// The moment so many steps on, where the last step led from `previous` to here: so many months, or seconds.
  public func advanced(by steps: Int, after previous: CalendarTime) -> CalendarTime {
    guard precision == .month else {
      return CalendarTime(seconds: seconds + steps * (seconds - previous.seconds), precision: precision)
    }
    let (own, other) = (date, previous.date)
    let months = own.year * 12 + own.month - 1
    let later = months + steps * (months - other.year * 12 - other.month + 1)
    return CalendarTime(
      seconds: Self.daysSince1970(year: later / 12, month: later % 12 + 1, day: 1) * 86_400, precision: precision)
  }

  /// Seconds of a day, a week, and a mean year.
  public enum Period: Int, CaseIterable, Sendable, Codable {
    case day = 86_400
    case week = 604_800
    case year = 31_557_600
  }

  /// How much of a period has passed, 0..<1; weeks begin on Monday.
  public func phase(of period: Period) -> Double {
    // 1970 began on a Thursday.
    let shift = period == .week ? 3 * Period.day.rawValue : 0
    let length = Double(period.rawValue)
    let turns = Double(seconds + shift) / length
    return turns - turns.rounded(.down)
  }
}
