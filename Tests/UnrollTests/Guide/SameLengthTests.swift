import Foundation
import Testing
import Unroll

/// The code of the article `SameLength`.
@Suite struct SameLengthTests {
  @Test func tagger() throws {
    let folder = NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let days = (0..<250).map { CalendarTime(seconds: $0 * 89 * 86_400, precision: .day) }
    let dates = ["en", "de", "fr"].flatMap { BuiltInTasks.dates(days, in: $0) }
      .map { TaggedSentence(words: $0.words, tags: $0.tags) }  // 3 May 2044: day month year

    var shape = TaggerShape()
    (shape.layers, shape.hidden, shape.wordVector, shape.characterVector, shape.characterHidden) = (1, 16, 12, 8, 8)
    var configuration = Tagger.configuration(shape)
    configuration.settings = TrainingSettings(epochs: 3, learningRate: 0.02)
    let (tagger, score) = try Tagger.train(configuration, on: dates)

    let accuracy = try tagger.evaluate(dates).accuracy
    let answer = tagger.predict([["Freitag", ",", "3.", "Mai", "2044"]])[0]  // answer.tags: a tag for each word

    try tagger.save(to: folder)
    let same = try Tagger.load(from: folder)
    #expect(try accuracy > 0.8 && #require(score).accuracy > 0.8, "\(accuracy)")
    #expect(answer.tags.count == 5 && same.predict([answer.words]) == [answer])
  }
}
