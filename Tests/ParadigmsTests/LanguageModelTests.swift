import Corpora
import Foundation
import Interchange
import Networks
import Paradigms
import Recurrence
import Tensors
import Testing
import Training

@Suite struct LanguageModelTests {
  static let text = PlainText(
    String(repeating: "the cat sat on the mat. the rat sat on the cat. ", count: 40) + "zürich\n", source: "cats.txt")

  static func configuration(_ corpus: TextCorpus, cell: CellKind = .lstm) -> TextConfiguration {
    var configuration = TextConfiguration(for: corpus)
    configuration.network.cell = cell
    configuration.network.hidden = 24
    configuration.network.layers = 2
    configuration.network.embedding = 10
    configuration.network.dropout = 0.1
    configuration.length = 12
    configuration.batch = 7
    configuration.settings.epochs = 12
    configuration.settings.learningRate = 0.01
    return configuration
  }

  static func temporaryFolder() -> String {
    FileManager.default.temporaryDirectory.appendingPathComponent("unroll-\(UUID().uuidString)").path
  }

  /// One character at a time, with carried state, gives the scores of the whole text at once.
  @Test(arguments: CellKind.allCases)
  func streamingEqualsTheWhole(cell: CellKind) throws {
    let corpus = try TextCorpus(Self.text)
    var random = RandomSource(seed: 3)
    let network = TextNetwork(
      Self.configuration(corpus, cell: cell).network, tokens: corpus.vocabulary.count, using: &random)
    let tokens = Array(corpus.training.prefix(9))
    var evaluation = Evaluation.inference
    let whole = network(TokenBatch([tokens]), from: network.initialState(batch: 1), in: &evaluation)
    var state = network.initialState(batch: 1)
    for (t, token) in tokens.enumerated() {
      let step = network(TokenBatch([[token]]), from: state, in: &evaluation)
      state = step.state
      let expected = whole.logits.rows(t..<t + 1).values
      for (a, b) in zip(step.logits.values, expected) { #expect(abs(a - b) < 1e-5, "step \(t)") }
    }
    #expect(whole.state.parts.map(\.name) == state.parts.map(\.name))
  }

  @Test func trainedModelsAreReadBackAndWriteWhatTheyLearnt() throws {
    let folder = Self.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let corpus = try TextCorpus(Self.text)
    let training = try TextTraining(Self.configuration(corpus), on: corpus, savingTo: folder)
    let summary = try training.run()
    #expect(summary.reason == .finished)
    let model = try LanguageModel.load(from: folder)
    let score = try model.evaluate(corpus.validation, source: "validation")
    #expect(abs(score.nats - (summary.bestValidationLoss ?? .nan)) < 1e-9)
    #expect(score.nats < 1, "\(score)")
    var written = ""
    try model.generate(after: "the cat s", length: 30, sampler: Sampler(temperature: 0)) {
      written += $0
      return true
    }
    #expect(written.hasPrefix("at on the "), "\(written)")
    #expect(model.configuration.parameterCount == model.network.parameterCount)
  }

  @Test func oneCallTrains() throws {
    let folder = Self.temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let corpus = try TextCorpus(Self.text)
    var epochs = 0
    let (model, score) = try LanguageModel.train(Self.configuration(corpus), on: corpus, savingTo: folder + "/a") {
      if case .epoch = $0 { epochs += 1 }
    }
    #expect(epochs == 12 && score.tokens == corpus.test.count - 1)
    #expect(try score == LanguageModel.load(from: folder + "/a").evaluate(corpus.test))
    try model.save(to: folder + "/b")
    let same = try LanguageModel.load(from: folder + "/b")
    #expect(same.configuration == model.configuration && same.precision == .float32)
    let file = folder + "/cat.txt"
    try "the cat sat\n".write(toFile: file, atomically: true, encoding: .utf8)
    let tokens = try Tokens(model.vocabulary.encode("the cat sat\n"))
    #expect(try same.evaluate(file) == model.evaluate(tokens))
    let taken = #expect(throws: UnrollError.self) { try model.save(to: folder + "/b") }
    #expect(taken?.message == "the folder holds a model already")
  }

  /// The probabilities of what comes next are those that a text is measured by.
  @Test(arguments: [Precision?.none, .int8]) func predictionsAreProbabilities(precision: Precision?) throws {
    let corpus = try TextCorpus(Self.text)
    var configuration = Self.configuration(corpus)
    configuration.precision = precision
    var random = RandomSource(seed: 6)
    let network = TextNetwork(configuration.network, tokens: configuration.tokens, using: &random)
    let model = LanguageModel(configuration: configuration, vocabulary: corpus.vocabulary, network: network)
    let next = try model.predict(["t", "the cat", ""])
    #expect(next.count == 3)
    #expect(try model.predict(["\n"]) == [next[2]])
    for answer in next {
      #expect(answer.probabilities.count == corpus.vocabulary.count)
      #expect(abs(answer.probabilities.values.reduce(0, +) - 1) < 1e-5)
      #expect(answer.probability == answer.probabilities.values.max())
    }
    let score = try model.evaluate(Tokens(corpus.vocabulary.encode("th")))
    #expect(abs(Double(next[0].probabilities["h"] ?? 0) - exp(-score.nats)) < 1e-5)
    let unknown = #expect(throws: UnrollError.self) { try model.predict(["7"]) }
    #expect(unknown?.kind == .invalidData)
  }

  /// What is written token by token is what the network says of the whole text so far.
  @Test(arguments: CellKind.allCases, [Precision?.none, .bfloat16, .int8])
  func generatedTextIsWhatTheNetworkSays(cell: CellKind, precision: Precision?) throws {
    let corpus = try TextCorpus(Self.text)
    var configuration = Self.configuration(corpus, cell: cell)
    configuration.precision = precision
    var random = RandomSource(seed: 6)
    let network = TextNetwork(configuration.network, tokens: configuration.tokens, using: &random)
    let model = LanguageModel(configuration: configuration, vocabulary: corpus.vocabulary, network: network)
    var written = ""
    try model.generate(after: "the cat", length: 20, sampler: Sampler(temperature: 1, seed: 4)) {
      written += $0
      return written.count < 17
    }
    #expect(written.count == 17)
    var text = "the cat"
    var sampler = Sampler(temperature: 1, seed: 4)
    var evaluation = Evaluation.inference(model.precision)
    for _ in 0..<17 {
      let tokens = try corpus.vocabulary.encode(text, source: "text")
      let logits = network(TokenBatch([tokens]), from: network.initialState(batch: 1), in: &evaluation).logits
      text += corpus.vocabulary.decode([sampler.choose(logits.rows(tokens.count - 1..<tokens.count).values)])
    }
    #expect("the cat" + written == text)
  }

  @Test(arguments: CellKind.allCases)
  func parameterCountsAreKnownBeforehand(cell: CellKind) throws {
    let corpus = try TextCorpus(Self.text)
    var configuration = Self.configuration(corpus, cell: cell)
    configuration.network.hidden = 5
    configuration.network.layers = 3
    var random = RandomSource(seed: 3)
    let network = TextNetwork(configuration.network, tokens: configuration.tokens, using: &random)
    #expect(network.parameterCount == configuration.parameterCount)
  }

  /// Truncated BPTT with two lengths: the state is handed on to where the next window begins, so that without updates in
  /// between the loss of an epoch is the same however it is cut.
  @Test(arguments: [(12, 12), (12, 5), (12, 1), (7, 3), (60, 60)])
  func lossesDoNotDependOnWhereWindowsAreCut(length: Int, step: Int) throws {
    let corpus = try TextCorpus(Self.text)
    var random = RandomSource(seed: 3)
    var shape = Self.configuration(corpus).network
    shape.dropout = 0
    let network = TextNetwork(shape, tokens: corpus.vocabulary.count, using: &random)
    func epoch(length: Int, step: Int) throws -> (units: Int, loss: Double) {
      var objective = TextObjective(
        network, streams: try corpus.trainingStreams(batch: 7, length: length, step: step), validation: nil, seed: 1)
      objective.beginEpoch(0)
      var (units, total) = (0, 0.0)
      for _ in 0..<objective.updatesPerEpoch {
        let loss = objective.nextLoss()
        units += loss.units
        total += Double(loss.mean.scalar) * Double(loss.units)
      }
      return (units, total / Double(units))
    }
    let (expected, actual) = (try epoch(length: 20, step: 20), try epoch(length: length, step: step))
    #expect(actual.units == expected.units)
    #expect(abs(actual.loss - expected.loss) < 1e-5, "\(actual.loss) \(expected.loss)")
  }
}

@Suite struct SamplerTests {
  @Test func temperatureZeroTakesTheBest() {
    var sampler = Sampler(temperature: 0)
    #expect(sampler.choose([0.1, 2, 1.9]) == 1)
    #expect(sampler.choose([3, 3, 1]) == 0)
  }

  @Test func topKLeavesTheOthersOut() {
    var sampler = Sampler(temperature: 5, topK: 2, seed: 4)
    let chosen = Set((0..<500).map { _ in sampler.choose([0, 3, 2.5, 1]) })
    #expect(chosen == [1, 2])
  }

  /// Against the definition: all ranked, then chosen by the sum of their weights.
  @Test(arguments: [nil, 1, 3, 40, 97, 200]) func choicesAreThoseOfTheWholeRanking(topK: Int?) {
    var random = RandomSource(seed: 8)
    let temperature: Float = 0.7
    var sampler = Sampler(temperature: temperature, topK: topK, seed: 9)
    var uniform = RandomSource(seed: 9, stream: 2)
    for _ in 0..<300 {
      // Scores of few different values: many are equal.
      let scores = random.uniform([97], in: -4...4).values.map { ($0 * 4).rounded() / 4 }
      let ranked = scores.indices.sorted { (scores[$0], $1) > (scores[$1], $0) }.prefix(topK ?? 97)
      let weights = ranked.map { exp(Double((scores[$0] - scores[ranked[0]]) / temperature)) }
      var rest = Double(uniform.uniform()) * weights.reduce(0, +)
      let expected = zip(ranked, weights).first { pair in
        rest -= pair.1
        return rest < 0
      }
      #expect(Int(sampler.choose(scores)) == expected?.0 ?? ranked[ranked.count - 1])
    }
  }

  @Test func frequenciesFollowTheScores() {
    var sampler = Sampler(temperature: 1, seed: 5)
    var counts = [0, 0, 0]
    for _ in 0..<20_000 { counts[Int(sampler.choose([0, log(2), log(5)]))] += 1 }
    for (count, share) in zip(counts, [0.125, 0.25, 0.625]) { #expect(abs(Double(count) / 20_000 - share) < 0.015) }
  }
}
