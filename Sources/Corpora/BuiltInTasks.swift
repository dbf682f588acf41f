import Foundation
import Tensors

/// Small problems of every shape, made of what the toolchain's Foundation knows of languages (CLDR) or drawn.
///
///     BuiltInTasks.spelledNumber(342, in: "de")   // "drei hundert zwei und vierzig"
public enum BuiltInTasks {
  /// A whole number in words, with spaces between its parts; nil where Foundation has no words for numbers.
  public static func spelledNumber(_ number: Int, in language: String) -> String? {
    spelledNumbers([number], in: language).first
  }

  /// Whole numbers in words, with spaces where their parts meet.
  public static func spelledNumbers(_ numbers: some Sequence<Int>, in language: String) -> [String] {
    let formatter = NumberFormatter()
    formatter.locale = Locale(identifier: language)
    formatter.numberStyle = .spellOut
    return numbers.compactMap { number in
      // Soft hyphens stand between the parts of long words.
      formatter.string(from: NSNumber(value: number))?.replacing(/[\u{AD}-]/, with: " ")
    }
  }

  /// A date in words, each with what it is: `weekday`, `day`, `month`, `year`, or `other`.
  public struct TaggedDate: Hashable, Sendable {
    /// The words and numbers.
    public let words: [String]
    /// A tag for each.
    public let tags: [String]
  }

  /// Dates in a language, each with its weekday.
  public static func dates(_ moments: some Sequence<CalendarTime>, in language: String) -> [TaggedDate] {
    func formatter(_ change: (DateFormatter) -> Void) -> DateFormatter {
      let formatter = DateFormatter()
      formatter.locale = Locale(identifier: language)
      formatter.timeZone = TimeZone(secondsFromGMT: 0)
      change(formatter)
      return formatter
    }
    let whole = formatter { $0.dateStyle = .full }
    let parts = [("weekday", "EEEE"), ("day", "d"), ("month", "MMMM"), ("year", "y")].map { name, format in
      (name: name, formatter: formatter { $0.dateFormat = format })
    }
    return moments.map { moment in
      let date = Date(timeIntervalSince1970: Double(moment.seconds))
      let words = PlainTokens.split(whole.string(from: date))
      let known = parts.map { (name: $0.name, words: PlainTokens.split($0.formatter.string(from: date))) }
      return TaggedDate(
        words: words, tags: words.map { word in known.first { $0.words.contains(word) }?.name ?? "other" })
    }
  }

  /// Names of languages, countries and currencies, and the language that each is written in; names that are the same in
  /// several languages are left out.
  public static func namesByLanguage() -> [(name: String, language: String)] {
    var languages: [String: Set<String>] = [:]
    for line in BuiltInCorpus.names().split(separator: "\n") {
      guard let comma = line.firstIndex(of: ","), let colon = line.firstRange(of: ": ") else { continue }
      languages[String(line[colon.upperBound...]), default: []].insert(String(line[..<comma]))
    }
    return languages.filter { $0.value.count == 1 }.compactMap { name, own in own.first.map { (name, $0) } }
      .sorted { $0.name.unicodeScalars.lexicographicallyPrecedes($1.name.unicodeScalars) }
  }

  /// The digits as pictures of 7 × 5 dots.
  private static let glyphs: [[Int]] = [
    [14, 17, 19, 21, 25, 17, 14], [4, 12, 4, 4, 4, 4, 14], [14, 17, 1, 2, 4, 8, 31], [31, 2, 4, 2, 1, 17, 14],
    [2, 6, 10, 18, 31, 2, 2], [31, 16, 30, 1, 1, 17, 14], [6, 8, 16, 30, 17, 17, 14], [31, 1, 2, 4, 8, 8, 8],
    [14, 17, 17, 14, 17, 17, 14], [14, 17, 17, 15, 1, 2, 12],
  ]

  /// Pictures of digits, 35 dots each (0 or 1), row by row, of which a share has been turned over.
  public static func noisyDigits(_ count: Int, noise: Float, seed: UInt64) -> [(dots: [Float], digit: Int)] {
    var random = RandomSource(seed: seed)
    return (0..<count).map { i in
      let digit = i % 10
      let flips = random.uniform([35], in: 0...1).values
      let dots = (0..<35).map { dot -> Float in
        let isSet = glyphs[digit][dot / 5] >> (4 - dot % 5) & 1 == 1
        return isSet != (flips[dot] < noise) ? 1 : 0
      }
      return (dots, digit)
    }
  }
}
