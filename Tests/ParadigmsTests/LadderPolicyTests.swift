import Corpora
import Foundation
import Interchange
import Networks
import Paradigms
import Testing
import Training

/// What a ladder trains next, and what it keeps, of rungs that are made up.
@Suite struct LadderPolicyTests {
  typealias Configuration = ModelConfiguration<ClassifierShape>
  typealias ClassifierLadder = Ladder<Configuration>

  /// A rung that has been trained.
  struct Known {
    var step: GrowthStep
    var shape: ClassifierShape
    var parent: Int?
    var isGrown = false
    var epochs = 5
    var validation: Double
  }

  static func limit() -> Configuration {
    var shape = ClassifierShape()
    (shape.hidden, shape.embedding, shape.dropout) = (64, 128, 0.6)
    var configuration = Classifier.configuration(shape)
    configuration.settings.epochs = 5
    configuration.settings.earlyStopping = EarlyStopping(patience: 3)
    return configuration
  }

  static func shape(_ hidden: Int, _ cell: CellKind, layers: Int = 1, dropout: Float = 0.6) -> ClassifierShape {
    var shape = limit().shape
    (shape.hidden, shape.embedding, shape.cell, shape.layers) = (hidden, 2 * hidden, cell, layers)
    (shape.dropout, shape.isResidual) = (dropout, layers > 1 ? true : nil)
    return shape
  }

  /// Judgements of eight parts whose differences between neighbouring rungs have a standard error of 0.0107.
  static func ladder(_ rungs: [Known], mostRungs: Int = 16, cell: CellKind? = nil, epochs: Int = 5) throws
    -> ClassifierLadder
  {
    func json(_ value: some Encodable) throws -> Any {
      try JSONSerialization.jsonObject(with: JSONEncoder().encode(value), options: .fragmentsAllowed)
    }
    let trained: [[String: Any]] = rungs.enumerated().map { place, known in
      let parts = (0..<8).map { known.validation + (($0 & (place % 7 + 1)).nonzeroBitCount % 2 == 0 ? 0.02 : -0.02) }
      var beginning: [String: Any] = [
        "number": place + 1, "step": known.step.rawValue, "sizes": known.shape.sizes,
        "parameters": parameters(known.shape), "isGrown": known.isGrown, "learningRate": 0.01,
        "mostEpochs": known.epochs,
      ]
      beginning["parent"] = known.parent
      return [
        "beginning": beginning, "epochs": known.epochs, "bestEpoch": 1, "trainingLoss": 0.5,
        "validation": known.validation, "seconds": 1,
        "judgement": ["values": parts, "weights": [Double](repeating: 10, count: 8)],
      ]
    }
    var choices = GrowthChoices()
    (choices.mostRungs, choices.cell) = (mostRungs, cell)
    var limit = limit()
    limit.settings.epochs = epochs
    let all: [String: Any] = [
      "version": 3, "paradigm": "classify", "limit": try json(limit), "choices": try json(choices),
      "rungs": trained, "shapes": try rungs.map { try json($0.shape) }, "isComplete": false,
    ]
    return try JSONDecoder().decode(ClassifierLadder.self, from: JSONSerialization.data(withJSONObject: all))
  }

  private static func parameters(_ shape: ClassifierShape) -> Int {
    let gates = [CellKind.elman: 1, .gru: 3, .lstm: 4][shape.cell] ?? 4
    return 100 * shape.embedding + gates * shape.layers * shape.hidden * (shape.hidden + shape.embedding)
  }

  private static func next(_ ladder: ClassifierLadder) -> ClassifierLadder.Growing? {
    ladder.next { parameters($0) <= parameters(limit().shape) }
  }

  /// Everything that a size of 8 can become was tried, and was worse.
  static func climbed(_ best: Double = 0.2) -> [Known] {
    [
      Known(step: .start, shape: shape(8, .elman), validation: best),
      Known(step: .gate, shape: shape(8, .gru), parent: 1, isGrown: true, validation: best + 0.05),
      Known(step: .widen, shape: shape(16, .elman), parent: 1, isGrown: true, validation: best + 0.05),
      Known(step: .widen, shape: shape(32, .elman), parent: 3, isGrown: true, validation: best + 0.05),
      Known(step: .deepen, shape: shape(8, .elman, layers: 2), parent: 1, isGrown: true, validation: best + 0.05),
    ]
  }

  @Test func theLimitIsTriedBeforeTheEnd() throws {
    let next = try #require(Self.next(try Self.ladder(Self.climbed())))
    #expect(next.step == .full && next.shape == Self.limit().shape && next.parent == nil && next.epochs == 5)
    // Fewer rungs were asked for: that is the end.
    #expect(Self.next(try Self.ladder(Self.climbed(), mostRungs: 5)) == nil)
  }

  /// A limit that is much better is halved for as long as that does as well; what is kept is trained longer at last.
  @Test func aBetterLimitIsHalved() throws {
    let full = Known(step: .full, shape: Self.limit().shape, validation: 0.1)
    var rungs = Self.climbed() + [full]
    let first = try #require(Self.next(try Self.ladder(rungs)))
    #expect(first.step == .narrow && first.parent == 5 && first.shape.hidden == 32 && first.shape.embedding == 64)
    rungs.append(Known(step: .narrow, shape: first.shape, parent: 6, validation: 0.105))
    #expect(try Self.ladder(rungs).kept == 6)
    let second = try #require(Self.next(try Self.ladder(rungs)))
    #expect(second.step == .narrow && second.parent == 6 && second.shape.hidden == 16)
    rungs.append(Known(step: .narrow, shape: second.shape, parent: 7, validation: 0.15))
    let last = try #require(Self.next(try Self.ladder(rungs)))
    #expect(last.step == .prolong && last.parent == 6 && last.shape == first.shape && last.epochs == 20)
    rungs.append(Known(step: .prolong, shape: last.shape, parent: 7, epochs: 20, validation: 0.108))
    // As good as can be told, of the same size, and it learnt longer.
    #expect(try Self.ladder(rungs).kept == 8)
    #expect(Self.next(try Self.ladder(rungs)) == nil)
  }

  /// A limit that is no better leaves the small one, which is trained longer; where that is best, growing goes on.
  @Test func theKeptSizeIsTrainedLonger() throws {
    var rungs = Self.climbed() + [Known(step: .full, shape: Self.limit().shape, validation: 0.196)]
    #expect(try Self.ladder(rungs).kept == 0)
    let longer = try #require(Self.next(try Self.ladder(rungs)))
    #expect(
      longer.step == .prolong && longer.parent == 0 && longer.shape == Self.shape(8, .elman) && longer.epochs == 20)
    rungs.append(Known(step: .prolong, shape: longer.shape, parent: 1, epochs: 20, validation: 0.15))
    let ladder = try Self.ladder(rungs)
    let further = try #require(Self.next(ladder))
    #expect(ladder.best == 6 && ladder.kept == 6 && further.step == .gate && further.epochs == 20)
    // Too much worse: what it was is kept.
    rungs[6].validation = 0.24
    #expect(try Self.ladder(rungs).kept == 0)
    #expect(Self.next(try Self.ladder(rungs)) == nil)
  }

  /// What grew to the limit has not shown what the limit is worth.
  @Test func aLimitThatGrewIsTriedAfresh() throws {
    let grown = Self.shape(64, .lstm)
    #expect(grown == Self.limit().shape)
    var rungs = [
      Known(step: .start, shape: Self.shape(8, .lstm), validation: 0.2),
      Known(step: .widen, shape: Self.shape(32, .lstm), parent: 1, isGrown: true, validation: 0.3),
      Known(step: .widen, shape: grown, parent: 2, isGrown: true, validation: 0.3),
    ]
    // A second layer is among what is tried first.
    rungs.append(
      Known(step: .deepen, shape: Self.shape(8, .lstm, layers: 2), parent: 1, isGrown: true, validation: 0.3))
    #expect(Self.next(try Self.ladder(rungs, cell: .lstm))?.step == .full)
  }

  /// A longer training is stopped later in proportion.
  @Test(arguments: [3, Int.max]) func patienceGrowsWithTheEpochs(patience: Int) throws {
    let data = NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)"
    try (0..<80).map { "\($0 % 3 == 0 ? "good" : "bad") film \($0 % 7)\t\($0 % 3 == 0 ? "up" : "down")\n" }.joined()
      .write(toFile: data + ".tsv", atomically: true, encoding: .utf8)
    var configuration = Self.limit()
    (configuration.shape.hidden, configuration.shape.embedding) = (8, 4)
    (configuration.settings.epochs, configuration.settings.schedule) = (2, .cosine(warmUp: 0, final: 0.01))
    var bad = BadLines(skips: false)
    configuration.settings.earlyStopping = EarlyStopping(patience: patience)
    let growth = try ExampleGrowth<Classifier>(
      configuration, on: TextFiles(path: data + ".tsv"), savingTo: data, &bad)
    let ladder = try #require(try growth.run())
    let long = try #require(ladder.rungs.first { $0.beginning.step == .prolong }).beginning
    let own = try Classifier.load(from: data + "/rung-\(long.number)").configuration.settings
    #expect(long.mostEpochs == 8 && own.epochs == 8 && own.earlyStopping?.patience == min(patience, .max / 4) * 4)
    let full = try #require(ladder.rungs.first { $0.beginning.step == .full }).beginning
    #expect(full.learningRate == configuration.settings.learningRate && full.sizes == configuration.shape.sizes)
    // The sizes to keep have been trained for as long as any.
    let kept = try #require(ladder.kept)
    #expect(
      ladder.rungs.contains { $0.beginning.sizes == ladder.rungs[kept].beginning.sizes && $0.beginning.mostEpochs == 8 }
    )
  }

  /// Numbers as large as flags may be are no reason to stop.
  @Test func hugeNumbersStayNumbers() throws {
    var rungs = Self.climbed()
    rungs.append(Known(step: .full, shape: Self.limit().shape, validation: 0.196))
    let next = try #require(Self.next(try Self.ladder(rungs, epochs: 1 << 31)))
    #expect(next.step == .prolong && next.epochs == 1 << 31)
  }

  /// Sentences have different numbers of words, and an error rate counts words: parts weigh as many.
  @Test func partsWeighWhatTheyAreJudgedBy() throws {
    let data = NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)"
    let sentences = (0..<60).map { i in
      (0...(i * i % 7)).map {
        "\($0 + 1)\tw\((i + $0 * 3) % 9)\t_\t\((i * $0 + i) % 4 < 2 ? "A" : "B")\t_\t_\t_\t_\t_\t_\n"
      }.joined() + "\n"
    }
    try sentences.joined().write(toFile: data + ".conllu", atomically: true, encoding: .utf8)
    var configuration = Tagger.configuration()
    (configuration.shape.hidden, configuration.settings.epochs) = (8, 1)
    var choices = GrowthChoices()
    choices.mostRungs = 1
    var bad = BadLines(skips: false)
    let ladder = try #require(
      try ExampleGrowth<Tagger>(
        configuration, choices: choices, on: TextFiles(path: data + ".conllu"), savingTo: data, &bad
      ).run())
    let rung = ladder.rungs[0]
    #expect(Set(rung.judgement.weights).count > 1 && rung.validation > 0)
    #expect(abs(rung.judgement.mean - rung.validation) < 1e-9)
  }

  /// Ladders of version 1 did not say for how many epochs a rung is trained: those of the settings.
  @Test func oldLaddersGoOn() throws {
    var known = try #require(
      try JSONSerialization.jsonObject(with: JSONEncoder().encode(Self.ladder(Self.climbed()))) as? [String: Any])
    var rungs = try #require(known["rungs"] as? [[String: Any]])
    for place in rungs.indices {
      var beginning = try #require(rungs[place]["beginning"] as? [String: Any])
      beginning["mostEpochs"] = nil
      rungs[place]["beginning"] = beginning
    }
    (known["rungs"], known["version"]) = (rungs, 1)
    let old = try JSONDecoder().decode(ClassifierLadder.self, from: JSONSerialization.data(withJSONObject: known))
    #expect(Self.next(old)?.step == .full && Self.next(old)?.epochs == 5 && old.kept == 0)
  }
}
