import Corpora
import Foundation
import Interchange
import Networks
import Paradigms
import Tensors
import Testing
import Training

@Suite struct TaggerTests {
  /// Words with a name's two parts, and numbers, which are told by their characters.
  static func sentences(_ count: Int, seed: UInt64 = 1) -> [TaggedSentence] {
    var random = RandomSource(seed: seed)
    return (0..<count).map { i in
      let number = String(random.integer(below: 9_000))
      let pairs = [
        ("We", "O"), ("saw", "O"), (["Ann", "Bob"][i % 2], "B-PER"), (["Lee", "Ray"][i / 2 % 2], "I-PER"), ("on", "O"),
        (number, "B-NUM"),
      ]
      let own = pairs.prefix(2 + random.integer(below: 5))
      return TaggedSentence(words: own.map(\.0), tags: own.map(\.1), place: "names:\(i + 1)")
    }
  }

  static func configuration(chain: Bool = false) -> ModelConfiguration<TaggerShape> {
    var shape = TaggerShape()
    shape.format = .columns
    shape.layers = 1
    shape.hidden = 12
    shape.wordVector = 7
    shape.characterVector = 5
    shape.characterHidden = 6
    shape.dropout = 0.1
    shape.hasChain = chain
    var configuration = Tagger.configuration(shape)
    configuration.batch = 8
    configuration.settings.epochs = 6
    configuration.settings.learningRate = 0.02
    return configuration
  }

  static func trained(chain: Bool = false, folder: String? = nil) throws -> Tagger {
    let samples = sentences(120)
    let tagger = try Tagger(configuration(chain: chain), learningFrom: samples)
    let examples = try samples.map(tagger.example)
    try ExampleTraining(tagger, on: examples, validation: Array(examples.prefix(20)), savingTo: folder).run()
    return tagger
  }

  @Test(arguments: [false, true])
  func learnsWordsAndTheirCharacters(chain: Bool) throws {
    let folder = NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let tagger = try Self.trained(chain: chain, folder: folder)
    let count = tagger.configuration.shape.parameterCount(
      words: tagger.words.count, characters: tagger.characters.count, tags: tagger.tags.count)
    let ofChain = tagger.network.chain?.parameterCount ?? 0
    #expect(tagger.network.parameterCount == count + ofChain)
    let held = try Self.sentences(40, seed: 9).map(tagger.example)
    let score = tagger.score(of: held)
    #expect(score.accuracy > 0.97 && score.unknownAccuracy > 0.9 && score.unknownWords > 0, "\(score)")
    #expect((score.spans?.f1 ?? 0) > 0.95 && score.sentences == 40)
    let lines = ["We saw Ann Lee on 7777", "", "  ", "on\t12", "Żółw"]
    let answers = tagger.predict(lines: lines)
    #expect(answers.map(\.text).prefix(3) == ["We/O saw/O Ann/B-PER Lee/I-PER on/O 7777/B-NUM", "", ""])
    #expect(answers.count == 5)
    let stored = try #require(try StoredModels.open(folder) as? Tagger)
    #expect(stored.score(of: held) == score)
    #expect(stored.predict(lines: lines).map(\.text) == answers.map(\.text))
    try stored.writeTables(to: folder)
    // What belongs to a sentence does not change with what stands beside it.
    #expect(tagger.predict([["on", "12"]])[0].tags == tagger.predict([["We"], ["on", "12"], ["saw"]])[1].tags)
  }

  @Test func tablesKnowWhichWordsAreRare() throws {
    let samples = [
      TaggedSentence(words: ["The", "the", "Cat"], tags: ["D", "D", "N"]),
      TaggedSentence(words: ["<unk>", "<unk>"], tags: ["X", "X"]),
    ]
    let tagger = try Tagger(Self.configuration(), learningFrom: samples)
    #expect(tagger.words.entries == ["<unk>", "the"] && tagger.rareWords.entries == ["cat"])
    #expect(tagger.tags.entries == ["D", "N", "X"])
    let example = try tagger.example(of: TaggedSentence(words: ["THE", "cat", "dog"], tags: ["D", "N", "N"]))
    #expect(example.words == [1, 0, 0] && example.isKnown == [true, true, false])
    let error = try #require(throws: UnrollError.self) {
      try tagger.example(of: TaggedSentence(words: ["a"], tags: ["ADJ"], place: "f:7"))
    }
    #expect(error.place == "f:7" && error.message.contains("no tag `ADJ`"))
    #expect(throws: UnrollError.self) {
      try Tagger(Self.configuration(), learningFrom: [TaggedSentence(words: ["a"], tags: ["X"])])
    }
  }

  @Test func longSentencesAreTagged() throws {
    let tagger = try Tagger(Self.configuration(chain: true), learningFrom: Self.sentences(20))
    let words = (0..<10_000).map { "w\($0)" }
    #expect(tagger.predict([words, []]).map(\.tags.count) == [10_000, 0])
    let tags = words.map { _ in "O" }
    var evaluation = Evaluation.training(RandomSource(seed: 1))
    let example = try tagger.example(of: TaggedSentence(words: words, tags: tags))
    let loss = valueAndGradient(of: tagger.network) { tagger.loss(of: [example], in: &evaluation).sum }
    #expect(loss.value.isFinite)
  }

  @Test(
    arguments: [
      (["B-A", "I-A", "O", "B-B"], ["0..<2 A", "3..<4 B"]),
      (["I-A", "I-A", "B-A", "I-B"], ["0..<2 A", "2..<3 A", "3..<4 B"]),
      (["S-A", "B-A", "E-A", "E-A", "I-A"], ["0..<1 A", "1..<3 A", "3..<4 A", "4..<5 A"]),
      (["O", "O"], []),
      ([], []),
    ] as [([String], [String])])
  func spansFollowTheRules(tags: [String], spans: [String]) {
    #expect(Spans.found(in: tags).map { "\($0.words) \($0.kind)" } == spans)
  }

  @Test func partsOfSpeechMarkNoSpans() {
    #expect(!Spans.areMarked(by: ["NOUN", "O"]) && !Spans.areMarked(by: ["O"]) && !Spans.areMarked(by: ["I", "O"]))
    #expect(Spans.areMarked(by: ["O", "B-X", "I-X"]))
  }

  @Test func numbersOutsideTheirRangeAreErrors() {
    for change: (inout TaggerShape) -> Void in [
      { $0.layers = 0 }, { $0.hidden = 1 << 20 }, { $0.wordVector = 0 }, { $0.characterVector = 0 },
      { $0.characterHidden = -1 }, { $0.dropout = 1 }, { $0.wordDropout = .nan }, { $0.minimumCount = 0 },
    ] {
      var shape = TaggerShape()
      change(&shape)
      #expect(throws: UnrollError.self) { try shape.validate(at: nil) }
    }
  }
}
