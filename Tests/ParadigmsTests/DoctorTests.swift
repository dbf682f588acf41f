import Corpora
import Foundation
import Networks
import Paradigms
import Tensors
import Testing
import Training

/// Each diagnosis is there where it was provoked, and nowhere in healthy trainings.
@Suite struct DoctorTests {
  /// A training on the adding problem, as its doctor sees it.
  private func training(
    _ cell: CellKind, length: Int, hidden: Int = 24, epochs: Int = 6, updatesPerEpoch: Int = 10,
    learningRate: Float = 0.003, clipping: Clipping = .norm(5), change: (MemoryNetwork) -> Void = { _ in }
  ) throws -> (epochs: [EpochReport], watched: [WatchReport]) {
    let problem = MemoryProblem.adding(AddingProblem(length: length))
    var random = RandomSource(seed: 2)
    let network = MemoryNetwork(cell, layers: 1, hidden: hidden, for: problem, using: &random)
    change(network)
    let objective = MemoryObjective(network, on: problem, batch: 16, updatesPerEpoch: updatesPerEpoch, seed: 3)
    var settings = TrainingSettings(epochs: epochs, learningRate: learningRate, clipping: clipping)
    settings.watchInterval = 5
    var trainer = try Trainer(objective, settings: settings)
    var (history, watched): ([EpochReport], [WatchReport]) = ([], [])
    try trainer.run { event in
      if case .epoch(let report) = event { history.append(report) }
      if case .watch(let report) = event { watched.append(report) }
    }
    return (history, watched)
  }

  private func kinds(_ record: (epochs: [EpochReport], watched: [WatchReport]), window: Int? = nil) -> Set<
    Diagnosis.Kind
  > {
    Set(Doctor(history: record.epochs, watched: record.watched, window: window).diagnoses().map(\.kind))
  }

  /// Multiplies the columns for the state in all matrices of the cell.
  private func scaleRecurrent(_ network: MemoryNetwork, by gain: Float) {
    for named in network.recurrent.parameters where named.parameter.shape.rank == 2 {
      let (rows, columns) = (named.parameter.shape[0], named.parameter.shape[1])
      named.parameter.value = Tensor(
        shape: named.parameter.shape,
        values: named.parameter.value.values.enumerated().map { $0 % columns < rows ? gain * $1 : $1 })
    }
  }

  private func setBias(_ network: MemoryNetwork, of gate: String, to value: Float) {
    for named in network.recurrent.parameters where named.path.hasSuffix("\(gate).bias") {
      named.parameter.value = Tensor(shape: named.parameter.shape, repeating: value)
    }
  }

  @Test(arguments: [
    (CellKind.lstm, 20, Float(0.003)), (.gru, 20, 0.003), (.gru, 12, 0.005), (.lstm, 15, 0.002), (.elman, 15, 0.003),
  ])
  func healthyTrainingsHaveNoDiagnosis(_ cell: CellKind, _ length: Int, _ learningRate: Float) throws {
    let record = try training(cell, length: length, learningRate: learningRate)
    #expect(kinds(record, window: 200) == [])
  }

  @Test func vanishing() throws {
    let record = try training(.elman, length: 60) { scaleRecurrent($0, by: 0.5) }
    #expect(kinds(record).contains(.vanishingGradients))
    let diagnosis = try #require(
      Doctor(history: record.epochs, watched: record.watched).diagnoses().first { $0.kind == .vanishingGradients })
    #expect(diagnosis.place == "recurrent.layers.0" && diagnosis.evidence.contains("of 60 steps"))
    #expect(diagnosis.title == "Vanishing gradients in recurrent.layers.0" && !diagnosis.advice.isEmpty)
  }

  @Test func exploding() throws {
    let record = try training(.elman, length: 100, epochs: 2, learningRate: 1e-5) { scaleRecurrent($0, by: 2.5) }
    #expect(kinds(record).contains(.explodingGradients))
  }

  @Test func saturatedGatesAndDeadUnits() throws {
    let saturated = try training(.lstm, length: 20) { setBias($0, of: "forget", to: 12) }
    let found = Doctor(history: saturated.epochs, watched: saturated.watched).diagnoses()
    #expect(found.map(\.kind) == [.saturatedGates])
    #expect(found.first?.evidence.contains("forget") == true && found.first?.evidence.contains("input") == false)
    let dead = try training(.lstm, length: 20) { setBias($0, of: "output", to: -12) }
    #expect(kinds(dead).isSuperset(of: [.deadUnits, .saturatedGates]))
  }

  @Test func learningRates() throws {
    #expect(kinds(try training(.gru, length: 12, learningRate: 1, clipping: .none)).contains(.learningRateTooHigh))
    #expect(kinds(try training(.gru, length: 12, learningRate: 1e-7)).contains(.learningRateTooLow))
  }

  @Test func clippingEveryUpdate() throws {
    let record = try training(.gru, length: 12, clipping: .norm(1e-4))
    #expect(kinds(record).contains(.constantClipping))
  }

  @Test func windowsThatEndTooEarly() throws {
    let record = try training(.lstm, length: 20)
    #expect(kinds(record, window: 4) == [.shortWindow])
  }

  @Test func underfitting() throws {
    // A single unit cannot add: the loss stays what it is without a memory, which this one begins with.
    let record = try training(
      .elman, length: 30, hidden: 1, epochs: 8, updatesPerEpoch: 40, learningRate: 3e-4
    ) { network in
      network.readout.weight.value = Tensor(shape: network.readout.weight.shape, repeating: 0.05)
      network.readout.bias?.value = Tensor(shape: [1], repeating: 1)
    }
    #expect(kinds(record).contains(.underfitting))
  }

  @Test func overfitting() throws {
    // Letters drawn at random: nothing of them is to be learnt but by heart.
    var random = RandomSource(seed: 6)
    let letters = Array("abcdefgh")
    let text = String((0..<1200).map { _ in letters[random.integer(below: letters.count)] })
    let corpus = try TextCorpus(PlainText(text))
    var configuration = TextConfiguration(for: corpus)
    configuration.network.hidden = 64
    (configuration.length, configuration.batch) = (32, 8)
    configuration.settings = TrainingSettings(epochs: 40, learningRate: 0.01)
    var epochs: [EpochReport] = []
    try LanguageModel.train(configuration, on: corpus) { event in
      if case .epoch(let report) = event { epochs.append(report) }
    }
    #expect(Doctor(history: epochs).diagnoses().map(\.kind) == [.overfitting])
    #expect(Doctor(history: Array(epochs.prefix(3))).diagnoses().isEmpty)
  }

  /// A classifier on labels that were thrown like coins, judged by its error rate.
  @Test func overfittingThatAnotherMeasureShows() throws {
    var random = RandomSource(seed: 8)
    let words = "red green blue one two three up down".split(separator: " ").map(String.init)
    let texts = (0..<240).map { _ in
      LabelledText(
        text: (0..<6).map { _ in words[random.integer(below: words.count)] }.joined(separator: " "),
        label: random.integer(below: 2) == 0 ? "heads" : "tails")
    }
    func history(epochs: Int, learningRate: Float) throws -> [EpochReport] {
      var configuration = Classifier.configuration(ClassifierShape())
      (configuration.shape.hidden, configuration.shape.embedding, configuration.batch) = (32, 16, 16)
      (configuration.shape.dropout, configuration.shape.wordDropout) = (0, 0)
      configuration.settings = TrainingSettings(epochs: epochs, learningRate: learningRate)
      var reports: [EpochReport] = []
      try Classifier.train(configuration, on: texts) { event in
        if case .epoch(let report) = event { reports.append(report) }
      }
      return reports
    }
    func kinds(_ history: [EpochReport]) -> [Diagnosis.Kind] {
      Doctor(history: history, judgedBy: StoredModels.measure(ofEpochsOf: "classify")).diagnoses().map(\.kind)
    }
    let learnt = try history(epochs: 30, learningRate: 0.01)
    #expect(kinds(learnt) == [.overfitting], "\(learnt.map { ($0.trainingLoss, $0.validationLoss ?? 0) })")
    // As long as nothing is learnt by heart, an error rate that moves by a few of 24 examples is chance.
    let short = try history(epochs: 4, learningRate: 0.0003)
    #expect(kinds(short) == [.underfitting], "\(short.map { ($0.trainingLoss, $0.validationLoss ?? 0) })")
  }

  /// Files of a training that hold copies, or one class nearly alone; and files that are in order.
  @Test func filesOfATrainingAreLookedAt() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "unroll-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    func file(_ name: String, _ numbers: Range<Int>, _ label: (Int) -> String) throws -> String {
      let path = "\(folder)/\(name).tsv"
      let lines = numbers.map { "the film number \($0) was \($0 * 7 % 11)\t\(label($0))\n" }
      try Data(lines.joined().utf8).write(to: URL(filePath: path))
      return path
    }
    func found(_ name: String, heldOut: Range<Int>, _ label: (Int) -> String) throws -> [Diagnosis.Kind] {
      let files = TextFiles(
        path: try file("\(name)-train", 0..<80, label), validation: try file("\(name)-dev", heldOut, label),
        test: try file("\(name)-test", 200..<220, label))
      var configuration = Classifier.configuration(ClassifierShape())
      (configuration.shape.hidden, configuration.shape.embedding, configuration.settings.epochs) = (4, 4, 1)
      try Classifier.train(configuration, on: files, savingTo: "\(folder)/\(name)")
      var bad = BadLines(skips: false)
      return try StoredModels.open("\(folder)/\(name)").dataDiagnoses(files: (nil, nil, nil), &bad).map(\.kind)
    }
    func even(_ number: Int) -> String { number % 2 == 0 ? "good" : "bad" }
    #expect(try found("healthy", heldOut: 100..<120, even) == [])
    #expect(try found("copied", heldOut: 70..<90, even) == [.leakedData])
    #expect(try found("lopsided", heldOut: 100..<120) { $0 % 10 == 0 ? "bad" : "good" } == [.classImbalance])
  }

  @Test func dataThatLeakOrHideClasses() {
    func texts(_ numbers: Range<Int>, label: (Int) -> String = { "\($0 % 2)" }) -> [LabelledText] {
      numbers.map { LabelledText(text: "text \($0)", label: label($0)) }
    }
    func kinds(_ training: [LabelledText], _ heldOut: [LabelledText]) -> [Diagnosis.Kind] {
      DataDoctor.diagnoses(training: training, heldOut: heldOut, content: { ($0.text, $0.label) }).map(\.kind)
    }
    #expect(kinds(texts(0..<100), texts(100..<120)) == [])
    #expect(kinds(texts(0..<100), texts(98..<118)) == [.leakedData])
    // The same name with another label is no copy.
    #expect(kinds(texts(0..<100), texts(0..<20) { "\(1 - $0 % 2)" }) == [])
    #expect(kinds(texts(0..<100) { $0 < 90 ? "a" : "b" }, texts(100..<120)) == [.classImbalance])
    #expect(kinds(texts(0..<100) { $0 < 75 ? "a" : "b" }, texts(100..<120)) == [])
    #expect(kinds([], []) == [])
  }

  @Test func textThatLeaks() {
    var random = RandomSource(seed: 5)
    let text = (0..<4000).map { _ in Int32(random.integer(below: 50)) }
    let other = (0..<2000).map { _ in Int32(random.integer(below: 50)) }
    #expect(DataDoctor.diagnoses(training: Tokens(text), heldOut: [Tokens(other)]).isEmpty)
    let copied = Array(text[1000..<1400]) + other.prefix(1000)
    #expect(
      DataDoctor.diagnoses(training: Tokens(text), heldOut: [Tokens(other), Tokens(copied)]).map(\.kind) == [
        .leakedData
      ])
    #expect(DataDoctor.diagnoses(training: Tokens(text), heldOut: [Tokens([1, 2, 3])]).isEmpty)
  }

  /// Each kind has a page's section in the guide.
  @Test func theGuideExplainsEachKind() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let page = try String(
      contentsOf: root.appending(path: "Sources/Unroll/Unroll.docc/TheDoctor.md"), encoding: .utf8)
    for kind in Diagnosis.Kind.allCases { #expect(page.contains("\n## \(kind.rawValue)\n"), "\(kind.rawValue)") }
  }
}
