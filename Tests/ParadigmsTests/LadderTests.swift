import Corpora
import Foundation
import Interchange
import Networks
import Paradigms
import Testing
import Training

/// Ladders of models that grow.
@Suite struct LadderTests {
  private static func folder() -> String { NSTemporaryDirectory() + "/unroll-\(UUID().uuidString)" }

  /// Texts of two words whose order tells their class.
  private static let texts: String = (0..<240).map { i in
    let words = ["red", "green", "blue", "white", "black"]
    let (a, b) = (i * 7 % 5, (i / 5 * 3 + i) % 5)
    return "\(words[a]) \(words[b]) \(words[(a + b) % 5])\t\(a < b ? "up" : a > b ? "down" : "level")\n"
  }.joined()

  /// Writes the texts, and grows a small model of them.
  private static func growth(
    in folder: String, _ data: String, cell: CellKind? = nil, rungs: Int = 6, folds: Int? = nil,
    learningRate: Float? = nil
  ) throws -> ExampleGrowth<Classifier> {
    var shape = ClassifierShape()
    (shape.hidden, shape.embedding, shape.dropout, shape.wordDropout) = (24, 16, 0.1, 0)
    shape.cell = cell ?? .lstm
    var configuration = Classifier.configuration(shape)
    configuration.batch = 16
    configuration.settings.epochs = 3
    configuration.settings.schedule = .cosine(warmUp: 4, final: 0.01)
    var choices = GrowthChoices()
    (choices.mostRungs, choices.cell, choices.folds) = (rungs, cell, folds)
    choices.learningRate = learningRate
    var bad = BadLines(skips: false)
    return try ExampleGrowth<Classifier>(
      configuration, choices: choices, on: TextFiles(path: data), savingTo: folder, &bad)
  }

  private static func data() throws -> String {
    let path = folder() + ".tsv"
    try texts.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  private static func resumed(_ folder: String) throws -> ExampleGrowth<Classifier> {
    var bad = BadLines(skips: false)
    return try ExampleGrowth<Classifier>(resuming: folder, &bad)
  }

  /// What does not depend on the clock.
  private static func essence(_ ladder: Ladder<ModelConfiguration<ClassifierShape>>) -> [String] {
    ladder.rungs.map { "\($0.beginning) \($0.epochs) \($0.bestEpoch) \($0.trainingLoss) \($0.judgement)" }
      + (ladder.finale?.contenders.map { "\($0)" } ?? [])
      + [ladder.finale?.refit.map { "\($0.rung) \($0.epochs) \($0.trainingLoss)" } ?? "none"]
  }

  private static func bytes(_ folder: String, _ name: String) throws -> Data {
    try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name))
  }

  @Test func rungsGrowAndTheKeptOneIsTheFolders() throws {
    let (folder, data) = (Self.folder(), try Self.data())
    let ladder = try #require(try Self.growth(in: folder, data).run())
    let (rungs, kept) = (ladder.rungs, try #require(ladder.kept))
    #expect(rungs.map(\.beginning.number) == Array(1...rungs.count) && (2...6).contains(rungs.count))
    #expect(rungs[0].beginning.sizes == "1 × elman of 8" && rungs[0].beginning.parent == nil)
    #expect(rungs[1].beginning.step == .gate && rungs[1].beginning.parent == 1)
    let most = try Classifier(
      ladder.limit,
      learningFrom: [
        LabelledText(text: Self.texts, label: "up"), LabelledText(text: "", label: "down"),
        LabelledText(text: "", label: "level"),
      ]
    ).network.parameterCount
    for rung in rungs {
      #expect(rung.beginning.parameters <= most)
      switch rung.beginning.step {
      case .start, .regularize, .afresh, .full, .narrow, .prolong:
        #expect(!rung.beginning.isGrown && rung.beginning.drift == nil)
      case .widen, .deepen:
        #expect(rung.beginning.isGrown)
        #expect(abs(rung.beginning.drift ?? 1) < 1e-5)
      case .gate: #expect(abs(rung.beginning.drift ?? 1) < 0.05)
      }
    }
    for name in ["config.json", "weights.safetensors", "tokens.json", "labels.json", "history.jsonl"] {
      #expect(try Self.bytes(folder, name) == Self.bytes(folder + "/rung-\(kept + 1)", name))
    }
    #expect(try Classifier.load(from: folder).network.parameterCount == rungs[kept].beginning.parameters)
    // Whoever does not know the kind of model reads the same.
    let record = try #require(try LadderRecord(in: folder))
    #expect(record.kept == kept && record.rungs == rungs)
    #expect(record.table(judgedBy: "error rate") == ladder.table(judgedBy: "error rate"))
    // All is done: going on does nothing more.
    #expect(try Self.resumed(folder).run().map(Self.essence) == Self.essence(ladder))
    let taken = try #require(throws: UnrollError.self) { try Self.growth(in: folder, data) }
    #expect(taken.message.contains("ladder already"))
  }

  /// Interrupted within any rung, killed between two steps, and resumed gives the ladder that it would have given.
  @Test(arguments: [1, 20, 45, 80, 110, 140, 180, -1, -20]) func interruptedIsUndisturbed(after updates: Int) throws {
    let data = try Self.data()
    let (straight, broken) = (Self.folder(), Self.folder())
    // So slow that no rung is better than another.
    func growth(_ folder: String) throws -> ExampleGrowth<Classifier> {
      try Self.growth(in: folder, data, rungs: 3, folds: 3, learningRate: 1e-4)
    }
    var all = 0
    let whole = try #require(
      try growth(straight).run { event in
        if case .training(.update) = event { all += 1 }
      })
    // Rungs of 36 updates, then parts, then all data.
    #expect(all > 200 && whole.finale?.contenders.count ?? 0 > 1 && whole.finale?.refit != nil)
    let stop = StopRequest()
    var done = 0
    let none = try growth(broken).run(stop: stop) { event in
      if case .training(.update) = event { done += 1 }
      if done == (updates < 0 ? all + updates : updates) { stop.request() }
    }
    #expect(none == nil && !FileManager.default.fileExists(atPath: broken + "/config.json"))
    let resumed = try #require(try Self.resumed(broken).run())
    #expect(Self.essence(resumed) == Self.essence(whole) && resumed.kept == whole.kept)
    for own in (1...whole.rungs.count).map({ "rung-\($0)/" }) + [""] {
      #expect(try Self.bytes(broken, own + "weights.safetensors") == Self.bytes(straight, own + "weights.safetensors"))
    }
    #expect(!FileManager.default.fileExists(atPath: broken + "/folds"))
  }

  /// A rung that was killed before its first checkpoint begins again.
  @Test func killedBeforeACheckpoint() throws {
    let data = try Self.data()
    let (straight, broken) = (Self.folder(), Self.folder())
    let whole = try #require(try Self.growth(in: straight, data, rungs: 2).run())
    struct Killed: Error {}
    let stop = StopRequest()
    _ = try Self.growth(in: broken, data, rungs: 2).run(stop: stop) { event in
      if case .begins(let rung) = event, rung.number == 2 { stop.request() }
    }
    try FileManager.default.removeItem(atPath: broken + "/rung-2/checkpoints")
    try? FileManager.default.removeItem(atPath: broken + "/rung-2/history.jsonl")
    let resumed = try #require(try Self.resumed(broken).run())
    #expect(Self.essence(resumed) == Self.essence(whole))
  }

  /// Layer normalisation does not allow to keep the function: such a rung says that it begins afresh.
  @Test func whatCannotBeKeptBeginsAfresh() throws {
    let (folder, data) = (Self.folder(), try Self.data())
    let ladder = try #require(try Self.growth(in: folder, data, cell: .layerNormLSTM, rungs: 2).run())
    #expect(ladder.rungs.map(\.beginning.step) == [.start, .widen])
    #expect(!ladder.rungs[1].beginning.isGrown && ladder.rungs[1].beginning.parent == 1)
    #expect(ladder.table(judgedBy: "error rate").contains("widen (afresh)"))
  }

  @Test func languageModelsGrow() throws {
    let folder = Self.folder()
    let text = String(repeating: "the cat sat on the mat. the dog ran over the hill.\n", count: 60)
    let path = folder + ".txt"
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    let corpus = try TextCorpus(contentsOf: path)
    var configuration = TextConfiguration(for: corpus)
    (configuration.network.hidden, configuration.network.embedding) = (16, 8)
    (configuration.batch, configuration.length) = (4, 16)
    configuration.settings.epochs = 2
    let choices = GrowthChoices()
    let stop = StopRequest()
    var done = 0
    #expect(
      try TextGrowth(configuration, choices: choices, on: corpus, savingTo: folder).run(stop: stop) { event in
        if case .training(.update) = event { done += 1 }
        if done == 100 { stop.request() }
      } == nil)
    let ladder = try #require(try TextGrowth(resuming: folder).run())
    // Where no growth helps any more, more dropout is tried.
    let regularized = try #require(ladder.rungs.first { $0.beginning.step == .regularize }).beginning
    #expect(!regularized.isGrown && regularized.sizes.hasSuffix(", dropout 0.2"))
    #expect(ladder.rungs.count > 4 && ladder.rungs.count <= choices.mostRungs)
    for rung in ladder.rungs where rung.beginning.step == .widen || rung.beginning.step == .deepen {
      #expect(rung.beginning.isGrown)
      #expect(abs(rung.beginning.drift ?? 1) < 1e-5)
    }
    let kept = ladder.rungs[try #require(ladder.kept)]
    #expect(try LanguageModel.load(from: folder).network.parameterCount == kept.beginning.parameters)
  }

  /// Layers that are added to what they read are saved, loaded and streamed as they are.
  @Test func residualModelsAreModels() throws {
    let folder = Self.folder()
    let corpus = try TextCorpus(PlainText(String(repeating: "abcd efgh\n", count: 40), source: "text"))
    var configuration = TextConfiguration(for: corpus)
    (configuration.network.hidden, configuration.network.embedding, configuration.network.layers) = (6, 4, 2)
    configuration.network.isResidual = true
    (configuration.batch, configuration.length, configuration.settings.epochs) = (2, 8, 1)
    try LanguageModel.train(configuration, on: corpus, savingTo: folder)
    let model = try LanguageModel.load(from: folder)
    #expect(model.configuration.version == 8 && model.configuration.network.isResidual == true)
    var text = ""
    try model.generate(after: "ab", length: 5, sampler: Sampler(temperature: 0)) {
      text += $0
      return true
    }
    #expect(text.hasPrefix(try model.predict(["ab"])[0].label) && text.count == 5)
  }

  @Test func theErrorOfADifferenceIsThatOfPairs() throws {
    let a = Judgement(values: [1, 2, 3, 4], weights: [1, 1, 1, 1])
    let b = Judgement(values: [1.1, 2.1, 3.1, 4.3], weights: [1, 1, 1, 1])
    #expect(a.mean == 2.5)
    let own = a.standardError ?? 0
    #expect(abs(own * own - 5.0 / 12) < 1e-12)
    let (difference, error) = b.behind(a)
    #expect(abs(difference - 0.15) < 1e-12)
    #expect(abs((error ?? 0) - 0.05) < 1e-12)
    #expect(Judgement(values: [1], weights: [3]).standardError == nil)
    // Weights count: three examples of 1 and one of 5.
    #expect(Judgement(values: [1, 5], weights: [3, 1]).mean == 2)
  }

  @Test func wrongLaddersAreErrors() throws {
    let (folder, data) = (Self.folder(), try Self.data())
    func message(_ body: () throws -> Void) throws -> String {
      let error = try #require(throws: UnrollError.self) { try body() }
      return "\(error)"
    }
    #expect(try message { _ = try Self.resumed(folder) }.contains("no ladder"))
    #expect(try message { _ = try Self.growth(in: folder, data, rungs: 0) }.contains("rungs is 0"))
    #expect(try message { _ = try Self.growth(in: folder, data + "x") }.contains("x"))
    #expect(!FileManager.default.fileExists(atPath: folder))
    #expect(try message { _ = try Self.growth(in: folder, data, folds: 1) }.contains("folds is 1"))
    _ = try Self.growth(in: folder, data, rungs: 1).run()
    #expect(try message { _ = try TextGrowth(resuming: folder) }.contains("paradigm `classify`"))
    let ladder = folder + "/ladder.json"
    let whole = try String(contentsOfFile: ladder, encoding: .utf8)
    let finale = #""finale":{"contenders":[{"epochs":3,"folds":[],"rung":99}],"folds":5},"isComplete""#
    try whole.replacing("\"isComplete\"", with: finale).write(toFile: ladder, atomically: true, encoding: .utf8)
    #expect(try message { _ = try Self.resumed(folder) }.contains("contradict one another"))
    #expect(try message { _ = try LadderRecord(in: folder) }.contains("contradict one another"))
    try whole.write(toFile: ladder, atomically: true, encoding: .utf8)
    try (Self.texts + "red\tup\n").write(toFile: data, atomically: true, encoding: .utf8)
    #expect(try message { _ = try Self.resumed(folder) }.contains("not the data that the ladder began with"))
    try #"{"version":9,"paradigm":"classify"}"#.write(
      toFile: folder + "/ladder.json", atomically: true, encoding: .utf8)
    #expect(try message { _ = try Self.resumed(folder) }.contains("version 9"))
    #expect(try message { _ = try LadderRecord(in: folder) }.contains("version 9"))
  }
}
