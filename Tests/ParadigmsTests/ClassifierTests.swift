import Corpora
import Foundation
import Interchange
import Networks
import Paradigms
import Tensors
import Testing
import Training

/// Texts that tell their class by one word among others.
@Suite struct ClassifierTests {
  private static let texts: [LabelledText] = (0..<90).map { i in
    let others = ["red", "green", "blue", "white"]
    let signs = ["good", "bad", "odd"]
    var words = (0..<(i % 6)).map { others[(i * 7 + $0 * 3) % 4] }
    words.insert(signs[i % 3], at: (i / 3) % (words.count + 1))
    return LabelledText(
      text: words.joined(separator: " "), label: ["plus", "minus", "none"][i % 3], place: "a.tsv:\(i + 1)")
  }

  private static func configuration(_ change: (inout ClassifierShape) -> Void = { _ in })
    -> ModelConfiguration<ClassifierShape>
  {
    var shape = ClassifierShape()
    shape.hidden = 7
    shape.embedding = 5
    shape.dropout = 0.1
    shape.wordDropout = 0
    change(&shape)
    var configuration = Classifier.configuration(shape)
    configuration.batch = 8
    configuration.settings.epochs = 12
    configuration.settings.learningRate = 0.02
    return configuration
  }

  private static func folder() -> String { NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)" }

  @Test(arguments: ClassifierShape.Pooling.allCases) func learnsWithEveryPooling(pooling: ClassifierShape.Pooling)
    throws
  {
    let configuration = Self.configuration {
      $0.pooling = pooling
      $0.isBidirectional = pooling != .last
      $0.layers = pooling == .state ? 2 : 1
      $0.cell = pooling == .state ? .gru : .lstm
    }
    let model = try Classifier(configuration, learningFrom: Self.texts)
    #expect(model.labels.entries == ["minus", "none", "plus"])
    #expect(model.tokens.entries.first == Classifier.unknown && model.tokens.count == 8)
    let examples = try Self.texts.map(model.example)
    let before = model.score(of: examples)
    try ExampleTraining(model, on: examples, validation: examples, savingTo: nil).run()
    let after = model.score(of: examples)
    #expect(after.accuracy == 1 && before.accuracy < 0.8, "\(before.accuracy) \(after.accuracy)")
    #expect(model.predict(["blue good"])[0].label == "plus")
  }

  @Test func answersDoNotDependOnTheirNeighbours() throws {
    let model = try Classifier(Self.configuration { $0.pooling = .attention }, learningFrom: Self.texts)
    let lines = ["good", "", "blue red bad green", "words that nobody knows", String(repeating: "red ", count: 300)]
    let together = model.predict(lines)
    #expect(together.count == lines.count)
    for (line, answer) in zip(lines, together) {
      #expect(model.predict([line]) == [answer])
      #expect(abs(answer.probabilities.values.reduce(0, +) - 1) < 1e-5)
      #expect(answer.probabilities[answer.label] == answer.probability)
    }
    #expect(model.predict([]).isEmpty)
    #expect(model.encode("") == [0] && model.encode(" \n") == [0])
  }

  @Test func textsAreReadAsTheShapeSays() throws {
    let words = try Classifier(
      Self.configuration {
        $0.lowercases = true
        $0.minimumCount = 2
      },
      learningFrom: [
        LabelledText(text: "The end the", label: "a"), LabelledText(text: "THE Über über", label: "b"),
      ])
    #expect(words.tokens.entries == ["<unk>", "the", "über"])
    let characters = try Classifier(
      Classifier.configuration(ClassifierShape(.characters)),
      learningFrom: [LabelledText(text: "aba", label: "a"), LabelledText(text: "é a", label: "b")])
    #expect(characters.tokens.entries == ["<unk>", "a", " ", "b", "é"])
    #expect(characters.encode("bax") == [3, 1, 0])
  }

  @Test func scoresAreThoseByHand() {
    var count = ClassifierScoreCount(labels: ["x", "y", "z"])
    let rows: [([Float], Int)] = [
      ([0.5, 0.25, 0.25], 0), ([0.5, 0.25, 0.25], 1), ([0.25, 0.5, 0.25], 1), ([0.125, 0.75, 0.125], 1),
    ]
    for (row, truth) in rows { count.count(row, truth: truth) }
    let score = count.score
    #expect(score.accuracy == 0.75 && score.judged == 0.25 && score.examples == 4)
    #expect(score.confusion == [[1, 0, 0], [1, 2, 0], [0, 0, 0]])
    #expect(score.labels[0].precision == 0.5 && score.labels[0].recall == 1)
    #expect(abs(score.labels[1].f1 - 0.8) < 1e-12)
    #expect(abs(score.macroF1 - (2.0 / 3 + 0.8) / 2) < 1e-12)
    #expect(abs(score.nats - (log(2) + log(4) + log(2) + log(4.0 / 3)) / 4) < 1e-6)
    #expect(score.text.contains("accuracy 75.00 % (3 of 4)") && score.text.contains("1 × y taken for x"))
  }

  @Test func foldersComeBack() throws {
    let folder = Self.folder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let model = try Classifier(Self.configuration { $0.pooling = .state }, learningFrom: Self.texts)
    let examples = try Self.texts.map(model.example)
    try ExampleTraining(model, on: examples, validation: [], savingTo: folder).run()
    let opened = try #require(try StoredModels.open(folder) as? Classifier)
    #expect(opened.configuration == model.configuration && opened.labels == model.labels)
    #expect(opened.predict(["good red", "odd"]) == model.predict(["good red", "odd"]))
    #expect(throws: UnrollError.self) {
      try opened.example(of: LabelledText(text: "good", label: "other", place: "b.tsv:4"))
    }
    try opened.tokens.write(to: folder + "/tokens.json", kind: "labels")
    #expect(throws: UnrollError.self) { try StoredModels.open(folder) }
  }

  @Test func numbersOutsideTheirRangeAreErrors() throws {
    let changes: [(inout ClassifierShape) -> Void] = [
      { $0.layers = 0 }, { $0.hidden = 1 << 20 }, { $0.embedding = -1 }, { $0.minimumCount = 0 }, { $0.dropout = 1 },
      { $0.wordDropout = -0.1 }, { $0.labelSmoothing = .nan }, { $0.regularization = Regularization(dropConnect: 2) },
    ]
    for change in changes {
      #expect(throws: UnrollError.self) { try Self.configuration(change).validate() }
    }
    // Every number may be, and the network may not.
    let huge = Self.configuration {
      $0.hidden = 16_384
      $0.layers = 64
    }
    try huge.validate()
    #expect(throws: UnrollError.self) { try Classifier(huge, learningFrom: Self.texts) }
    #expect(throws: UnrollError.self) {
      try Classifier(Self.configuration(), learningFrom: [LabelledText(text: "a", label: "one")])
    }
  }
}
