import Foundation
import Testing
import Unroll

/// The code of the article `Paradigms`.
@Suite struct ParadigmsTests {
  private static func sentences(_ numbers: some Sequence<Int>) -> [TaggedSentence] {
    numbers.map { i in
      let words = [["Ann", "Bob", "Eve"][i % 3], "flew", "to", ["Rome", "Lima", "Oslo", "Bern"][i / 3 % 4]]
      let tags = ["B-PER", "O", "O", "B-LOC"]
      return i % 2 == 0
        ? TaggedSentence(words: words, tags: tags) : TaggedSentence(words: words.reversed(), tags: tags.reversed())
    }
  }

  @Test func allHaveTheSameNames() throws {
    let folder = NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let (sentences, held) = (Self.sentences(0..<120), Self.sentences(120..<150))
    var shape = TaggerShape()
    (shape.layers, shape.hidden, shape.wordVector, shape.characterVector, shape.characterHidden) = (1, 12, 8, 8, 8)
    shape.dropout = 0
    var configuration = Tagger.configuration(shape)
    configuration.batch = 8
    configuration.settings = TrainingSettings(epochs: 8, learningRate: 0.02)

    let (tagger, score) = try Tagger.train(configuration, on: sentences, savingTo: folder + "/names")
    let others = try tagger.evaluate(held)  // others.accuracy
    let answer = tagger.predict([["Ann", "flew", "to", "Rome"]])[0]  // answer.tags

    try tagger.save(to: folder + "/copy")
    let same = try Tagger.load(from: folder + "/copy")
    #expect(score?.sentences == 12 && others.accuracy == 1 && answer.tags == ["B-PER", "O", "O", "B-LOC"])
    #expect(try same.evaluate(held) == others)

    var answers: [String] = []
    let model = try StoredModels.open(folder + "/names")
    if let model = model as? any LineModel {
      answers = try model.predict(lines: ["Ann flew to Rome"]).map(\.text)  // "Ann/B-PER flew/O to/O Rome/B-LOC"
    }
    #expect(answers == ["Ann/B-PER flew/O to/O Rome/B-LOC"])
  }
}
