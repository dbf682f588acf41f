import Corpora
import Foundation
import Testing

/// The demonstration's problems.
struct BuiltInTasksTests {
  @Test func numbersAreSpelled() {
    #expect(BuiltInTasks.spelledNumber(342, in: "de") == "drei hundert zwei und vierzig")
    #expect(BuiltInTasks.spelledNumber(21, in: "en") == "twenty one")
    #expect(BuiltInTasks.spelledNumber(99, in: "fr") == "quatre vingt dix neuf")
    for language in ["en", "de", "fr"] {
      #expect(Set(BuiltInTasks.spelledNumbers(0..<1000, in: language)).count == 1000)
    }
  }

  @Test func wordsOfDatesHaveTheirTags() throws {
    let moment = try #require(CalendarTime("2001-09-09"))
    let english = BuiltInTasks.dates([moment], in: "en")[0]
    #expect(english.words == ["Sunday", ",", "September", "9", ",", "2001"])
    #expect(english.tags == ["weekday", "other", "month", "day", "other", "year"])
    let spanish = BuiltInTasks.dates([moment], in: "es")[0]
    #expect(spanish.words == ["domingo", ",", "9", "de", "septiembre", "de", "2001"])
    #expect(spanish.tags == ["weekday", "other", "day", "other", "month", "other", "year"])
    for language in ["en", "de", "fr", "es", "it", "pl"] {
      for date in BuiltInTasks.dates(
        (0..<40).map { CalendarTime(seconds: $0 * 9 * 86_400, precision: .day) }, in: language)
      {
        for tag in ["weekday", "day", "month", "year"] { #expect(date.tags.count { $0 == tag } == 1, "\(date)") }
      }
    }
  }

  @Test func namesHaveOneLanguage() {
    let names = BuiltInTasks.namesByLanguage()
    #expect(names.count > 5000 && Set(names.map(\.name)).count == names.count)
    #expect(Set(names.map(\.language)).count == 10)
    #expect(names.contains { $0.name == "Nouvelle-Zélande" && $0.language == "français" })
  }

  @Test func digitsAreDrawnWithSomeDotsWrong() {
    let clean = BuiltInTasks.noisyDigits(20, noise: 0, seed: 1)
    #expect(clean.map(\.digit) == (0..<20).map { $0 % 10 })
    #expect(Set(clean.map(\.dots)).count == 10)
    let noisy = BuiltInTasks.noisyDigits(2000, noise: 0.12, seed: 1)
    let wrong = noisy.enumerated().map { i, own in zip(own.dots, clean[i % 10].dots).count { $0 != $1 } }.reduce(0, +)
    #expect(abs(Double(wrong) / (2000 * 35) - 0.12) < 0.01)
    #expect(BuiltInTasks.noisyDigits(50, noise: 0.12, seed: 1).map(\.dots) == noisy.prefix(50).map(\.dots))
  }
}
