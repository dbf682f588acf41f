import Corpora
import Foundation
import Interchange
import Networks
import Paradigms
import Testing
import Training

/// How ladders end: what cross-validation compares and chooses, and what is trained on all data.
@Suite struct FinaleTests {
  private typealias Policy = LadderPolicyTests

  private static func folder() -> String { NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)" }

  /// A ladder whose contenders have these held-out errors in two parts of four judgements each; the standard error of a
  /// difference is 0.0053.
  private static func ended(
    _ rungs: [Policy.Known], _ contenders: [(rung: Int, epochs: Int, error: Double)], missing: Int = 0
  ) throws -> Policy.ClassifierLadder {
    let ladder = try Policy.ladder(rungs)
    var known = try #require(
      try JSONSerialization.jsonObject(with: JSONEncoder().encode(ladder)) as? [String: Any])
    let entries: [[String: Any]] = contenders.enumerated().map { place, contender in
      let folds = (0..<2).map { fold in
        [
          "values": (0..<4).map { contender.error + (($0 & (place + 1)).nonzeroBitCount % 2 == 0 ? 0.01 : -0.01) },
          "weights": [Double](repeating: 25, count: 4),
        ]
      }
      let isLast = place + 1 == contenders.count
      return ["rung": contender.rung, "epochs": contender.epochs, "folds": Array(folds.dropLast(isLast ? missing : 0))]
    }
    known["finale"] = ["folds": 2, "contenders": entries] as [String: Any]
    return try JSONDecoder().decode(Policy.ClassifierLadder.self, from: JSONSerialization.data(withJSONObject: known))
  }

  /// Three rungs that the validation data cannot tell apart, and two that they can.
  private static let rungs: [Policy.Known] = [
    Policy.Known(step: .start, shape: Policy.shape(8, .elman), validation: 0.3),
    Policy.Known(step: .gate, shape: Policy.shape(8, .gru), parent: 1, isGrown: true, validation: 0.205),
    Policy.Known(step: .widen, shape: Policy.shape(16, .gru), parent: 2, isGrown: true, validation: 0.2),
    Policy.Known(step: .full, shape: Policy.limit().shape, validation: 0.204),
    Policy.Known(step: .widen, shape: Policy.shape(16, .elman), parent: 1, isGrown: true, validation: 0.28),
  ]

  @Test func whatValidationDoesNotTellApartContends() throws {
    #expect(try Policy.ladder(Self.rungs).kept == 1)
    // A constant rate stops where the validation data said.
    #expect(try Policy.ladder(Self.rungs).contenders().map { [$0.rung, $0.epochs] } == [[3, 1], [4, 1], [2, 1]])
    var clear = Self.rungs
    clear[1].validation = 0.3
    clear[3].validation = 0.3
    #expect(try Policy.ladder(clear).contenders().map(\.rung) == [3])
  }

  /// A rate that falls with the training falls to its end; the longer training contends with a usual one of its sizes.
  @Test func longTrainingsContendWithUsualOnes() throws {
    let shape = Policy.shape(16, .gru)
    let rungs =
      Self.rungs + [Policy.Known(step: .prolong, shape: shape, parent: 3, epochs: 20, validation: 0.201)]
    var known = try #require(
      try JSONSerialization.jsonObject(with: JSONEncoder().encode(Policy.ladder(rungs))) as? [String: Any])
    var limit = Policy.limit()
    limit.settings.schedule = .cosine(warmUp: 0, final: 0)
    known["limit"] = try JSONSerialization.jsonObject(with: JSONEncoder().encode(limit))
    let ladder = try JSONDecoder().decode(
      Policy.ClassifierLadder.self, from: JSONSerialization.data(withJSONObject: known))
    #expect(ladder.contenders().map { [$0.rung, $0.epochs] } == [[3, 5], [6, 20], [4, 5], [2, 5]])
  }

  @Test func theSmallestWithinAStandardErrorIsKept() throws {
    func kept(_ two: Double, _ three: Double, _ four: Double, missing: Int = 0) throws -> Int? {
      try Self.ended(Self.rungs, [(3, 5, three), (4, 5, four), (2, 5, two)], missing: missing).kept.map { $0 + 1 }
    }
    #expect(try kept(0.215, 0.2, 0.205) == 3)
    #expect(try kept(0.204, 0.2, 0.205) == 2)
    #expect(try kept(0.25, 0.24, 0.2) == 4)
    // Until all are compared the validation data have the word.
    #expect(try kept(0.25, 0.24, 0.2, missing: 1) == 2)
    // Of one size the better, however long it learnt.
    let rungs =
      Self.rungs
      + [Policy.Known(step: .prolong, shape: Policy.shape(16, .gru), parent: 3, epochs: 20, validation: 0.2)]
    #expect(try Self.ended(rungs, [(3, 5, 0.2), (6, 20, 0.204), (2, 5, 0.25)]).kept == 2)
    #expect(try Self.ended(rungs, [(3, 5, 0.204), (6, 20, 0.2), (2, 5, 0.25)]).kept == 5)
    let table = try Self.ended(Self.rungs, [(3, 5, 0.2), (4, 5, 0.205), (2, 5, 0.215)]).table(judgedBy: "error rate")
    #expect(table.contains("held-out error rate, 2 parts") && table.components(separatedBy: "kept").count == 3)
  }

  // MARK: Parts

  /// A series of few windows, each of which overlaps most others, is not cut; nor is a text of two windows.
  @Test func whatIsTooShortIsNotCut() throws {
    let folder = Self.folder()
    func series(_ rows: Int, _ name: String) throws -> String {
      let lines = ["time,a"] + (0..<rows).map { "\($0 + rows),\($0 % 7)" }
      try lines.joined(separator: "\n").write(toFile: folder + name, atomically: true, encoding: .utf8)
      return folder + name
    }
    var configuration = Forecaster.configuration()
    (configuration.shape.window, configuration.shape.horizon, configuration.shape.hidden) = (4, 30, 4)
    configuration.settings.epochs = 1
    var choices = GrowthChoices()
    choices.mostRungs = 1
    var bad = BadLines(skips: false)
    let files = try TextFiles(path: series(110, "-training.csv"), validation: series(40, "-other.csv"))
    let ladder = try #require(
      try ExampleGrowth<Forecaster>(configuration, choices: choices, on: files, savingTo: folder, &bad).run())
    #expect(ladder.rungs.count == 1 && ladder.finale == nil)
    let corpus = try TextCorpus(PlainText(String(repeating: "abcd efgh\n", count: 12), source: "text"))
    var text = TextConfiguration(for: corpus)
    (text.network.hidden, text.network.embedding, text.settings.epochs) = (8, 4, 1)
    (text.batch, text.length) = (4, 26)
    let grown = try #require(
      try TextGrowth(text, choices: choices, on: corpus, savingTo: folder + "-text").run())
    #expect(grown.rungs.count == 1 && grown.finale == nil)
  }

  /// Every example is held out once, and never with itself in the rest.
  @Test func foldsArePartitions() throws {
    let samples = (0..<53).map { LabelledText(text: "word\($0)", label: $0 % 2 == 0 ? "even" : "odd") }
    let model = try Classifier(Self.configuration(), learningFrom: samples)
    let examples = try samples.map { try model.example(of: $0).tokens }
    var heldOut: [[Int32]] = []
    for fold in 0..<5 {
      let (rest, part) = Classifier.fold(
        fold, of: 5, try samples.map { try model.example(of: $0) }, model.configuration.shape)
      #expect((10...11).contains(part.count) && rest.count + part.count == 53)
      #expect(Set(rest.map(\.tokens)).isDisjoint(with: part.map(\.tokens)))
      heldOut += part.map(\.tokens)
    }
    #expect(Set(heldOut) == Set(examples) && heldOut.count == 53 && heldOut != examples)
  }

  /// No row that a held-out window forecasts is forecast in training.
  @Test func windowsAreHeldOutAsStretchesOfTime() throws {
    let path = Self.folder() + ".csv"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try ("time,a\n" + (0..<120).map { "\($0),\($0 % 7)\n" }.joined()).write(
      toFile: path, atomically: true, encoding: .utf8)
    var shape = ForecasterShape()
    (shape.window, shape.horizon) = (8, 4)
    var bad = BadLines(skips: false)
    let windows = try Forecaster.samples(in: path, as: shape, &bad).samples
    var heldOut: [Int] = []
    for fold in 0..<4 {
      let (rest, part) = Forecaster.fold(fold, of: 4, windows, shape)
      #expect(part.map(\.origin) == Array(part[0].origin..<part[0].origin + part.count))
      let rows = Set(part.flatMap { $0.origin..<$0.origin + shape.horizon })
      #expect(rest.allSatisfy { rows.isDisjoint(with: $0.origin..<$0.origin + shape.horizon) })
      // Not more is lost than the rows on both sides.
      #expect(windows.count - part.count - rest.count <= 2 * (shape.horizon - 1))
      heldOut += part.map(\.origin)
    }
    #expect(heldOut == windows.map(\.origin))
  }

  @Test func textsAreHeldOutInStretches() throws {
    let corpus = try TextCorpus(PlainText(String(repeating: "abcdefghij", count: 20), source: "text"))
    let all: [Int32] = Array(corpus.training) + Array(corpus.validation)
    var heldOut: [Int32] = []
    for fold in 0..<3 {
      let (rest, part) = corpus.fold(fold, of: 3)
      let before = heldOut.count
      heldOut += Array(part)
      let others = Array(all[..<before]) + Array(all[heldOut.count...])
      #expect(Array(rest.training) == others)
      #expect(rest.validation.isEmpty && Array(rest.test) == Array(corpus.test))
    }
    #expect(heldOut == all)
    #expect(Array(corpus.joined.training) == all && corpus.joined.validation.isEmpty)
  }

  // MARK: All data

  private static func reviews(_ folder: String) throws -> TextFiles {
    func write(_ count: Int, _ name: String) throws -> String {
      let path = folder + name
      try (0..<count).map { "\(["good", "bad", "dull"][$0 % 3]) film\($0 % 7) x\t\($0 % 3 == 0 ? "plus" : "minus")\n" }
        .joined().write(toFile: path, atomically: true, encoding: .utf8)
      return path
    }
    return try TextFiles(
      path: write(90, "-training.tsv"), validation: write(30, "-validation.tsv"), test: write(12, "-test.tsv"))
  }

  private static func configuration() -> ModelConfiguration<ClassifierShape> {
    var configuration = Classifier.configuration()
    (configuration.shape.hidden, configuration.shape.embedding, configuration.batch) = (8, 8, 16)
    (configuration.settings.epochs, configuration.settings.schedule) = (2, .cosine(warmUp: 0, final: 0.1))
    return configuration
  }

  /// What is kept is what a training of its own on training and validation data gives, to the last bit.
  @Test func theKeptSizesAreTrainedOnAllData() throws {
    let folder = Self.folder()
    let files = try Self.reviews(folder)
    var choices = GrowthChoices()
    choices.mostRungs = 1
    var bad = BadLines(skips: false)
    let ladder = try #require(
      try ExampleGrowth<Classifier>(
        Self.configuration(), choices: choices, on: files, savingTo: folder, &bad
      ).run())
    let refit = try #require(ladder.finale?.refit)
    #expect(refit.rung == 1 && refit.epochs == 2 && refit.trainingLoss > 0)
    let kept = try Classifier.load(from: folder)
    #expect(kept.configuration.settings.earlyStopping == nil)
    let all = try [files.path, try #require(files.validation)].flatMap {
      try Classifier.samples(in: $0, as: kept.configuration.shape, &bad).samples
    }
    let own = kept.renewed()
    let alone = Self.folder()
    try ExampleTraining(own, on: all.map { try own.example(of: $0) }, validation: [], savingTo: alone).run()
    func weights(_ folder: String) throws -> Data {
      try Data(contentsOf: URL(fileURLWithPath: folder + "/weights.safetensors"))
    }
    #expect(try weights(folder) == weights(alone))
    #expect(try weights(folder) != weights(folder + "/rung-1"))
  }

  /// An averaging that waits for validation data, or no wish for it: the rung is the model.
  @Test(arguments: [0, 1, 2]) func otherwiseTheRungIsTheModel(reason: Int) throws {
    let folder = Self.folder()
    let files = try Self.reviews(folder)
    var (configuration, choices) = (Self.configuration(), GrowthChoices())
    choices.mostRungs = 1
    switch reason {
    case 0: choices.folds = nil
    case 1: choices.folds = 0
    default:
      configuration.settings.rule = .sgd(momentum: 0)
      (configuration.settings.averaging, configuration.settings.schedule) = (.triggered(patience: 1), .constant)
    }
    var bad = BadLines(skips: false)
    let ladder = try #require(
      try ExampleGrowth<Classifier>(configuration, choices: choices, on: files, savingTo: folder, &bad).run())
    #expect(ladder.finale == nil)
    let (own, rung) = (URL(fileURLWithPath: folder), URL(fileURLWithPath: folder + "/rung-1"))
    #expect(
      try Data(contentsOf: own.appending(path: "weights.safetensors"))
        == Data(contentsOf: rung.appending(path: "weights.safetensors")))
  }
}
