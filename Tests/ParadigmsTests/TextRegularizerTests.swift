import Corpora
import Foundation
import Interchange
import Networks
import Paradigms
import Recurrence
import Tensors
import Testing
import Training

/// What keeps a language model from learning by heart.
@Suite struct TextRegularizerTests {
  private static func configuration(_ change: (inout TextRegularizers) -> Void) throws -> (
    TextCorpus, TextConfiguration
  ) {
    let corpus = try TextCorpus(LanguageModelTests.text)
    var configuration = LanguageModelTests.configuration(corpus)
    configuration.network.embedding = configuration.network.hidden
    configuration.network.dropout = 0
    var regularizers = TextRegularizers()
    change(&regularizers)
    configuration.network.regularizers = regularizers
    configuration.version = configuration.neededVersion
    return (corpus, configuration)
  }

  @Test(arguments: [false, true])
  func tiedEmbeddingsAreOneParameter(ties: Bool) throws {
    let (corpus, configuration) = try Self.configuration { $0.tiesEmbeddings = ties }
    try configuration.validate()
    var random = RandomSource(seed: 3)
    let network = TextNetwork(configuration.network, tokens: corpus.vocabulary.count, using: &random)
    #expect(network.parameters.contains { $0.path == "readout.weight" } == !ties)
    #expect((network.readout.weight === network.embedding.table) == ties)
    #expect(network.parameterCount == configuration.parameterCount)
    // Both sides begin as usual: vectors of deviation about 1, scores below 3 or so.
    var evaluation = Evaluation.inference
    let tokens = TokenBatch([Array(corpus.training.prefix(50))])
    let logits = network(tokens, from: network.initialState(batch: 1), in: &evaluation).logits
    #expect(logits.values.allSatisfy { abs($0) < 6 })
    let (_, gradients) = valueAndGradient(of: network) {
      var evaluation = Evaluation.inference
      let logits = network(tokens, from: network.initialState(batch: 1), in: &evaluation).logits
      return crossEntropy(logits, tokens.tokens).sum()
    }
    // A token that is not read has a gradient only where its score is.
    let unread = (0..<Int32(corpus.vocabulary.count)).first { !tokens.tokens.contains($0) }!
    let row = gradients[network.embedding.table]!.rows(Int(unread)..<Int(unread) + 1).values
    #expect(row.contains { $0 != 0 } == ties)
  }

  /// A scale is what vectors are multiplied with, and no other value begins otherwise.
  @Test func tiedVectorsAreScaled() throws {
    func network(_ scale: Float?) throws -> TextNetwork {
      let (corpus, configuration) = try Self.configuration {
        ($0.tiesEmbeddings, $0.embeddingScale) = (true, scale)
      }
      var random = RandomSource(seed: 3)
      return TextNetwork(configuration.network, tokens: corpus.vocabulary.count, using: &random)
    }
    let (usual, single, double) = (try network(nil), try network(1), try network(2))
    for (a, b) in zip(usual.parameters, single.parameters) {
      #expect(a.parameter.value.values == b.parameter.value.values)
    }
    func output(_ network: TextNetwork) -> [Float] {
      var evaluation = Evaluation.inference
      return network(TokenBatch([[1, 2, 3]]), from: network.initialState(batch: 1), in: &evaluation).logits.values
    }
    let size = Float(usual.embedding.size)
    #expect(try output(usual) == output(network(size.squareRoot())) && output(usual) != output(single))
    // Half the table, doubled when it is read, gives the state of the whole one, and so half its scores.
    double.embedding.table.value = double.embedding.table.value * 0.5
    for (half, whole) in zip(output(double), output(single)) { #expect(abs(2 * half - whole) < 1e-5) }
  }

  /// What writes token by token reads the same vectors as the whole network.
  @Test(arguments: [nil, 1] as [Float?])
  func tiedModelsWriteWhatTheyScore(scale: Float?) throws {
    let (corpus, configuration) = try Self.configuration { ($0.tiesEmbeddings, $0.embeddingScale) = (true, scale) }
    var random = RandomSource(seed: 5)
    let network = TextNetwork(configuration.network, tokens: corpus.vocabulary.count, using: &random)
    let model = LanguageModel(configuration: configuration, vocabulary: corpus.vocabulary, network: network)
    var written = ""
    try model.generate(after: "the ", length: 12, sampler: Sampler(temperature: 0)) {
      written += $0
      return true
    }
    var tokens = try corpus.vocabulary.encode("the ")
    var evaluation = Evaluation.inference
    for _ in 0..<12 {
      let logits = network(TokenBatch([tokens]), from: network.initialState(batch: 1), in: &evaluation).logits
      let last = logits.rows(tokens.count - 1..<tokens.count).values
      tokens.append(Int32(last.firstIndex(of: last.max()!)!))
    }
    #expect("the " + written == corpus.vocabulary.decode(tokens))
  }

  /// The training loss is the plain one and what is added; the validation loss has nothing added.
  @Test(arguments: ["none", "smoothing", "activation", "temporal", "words", "vectors"])
  func lossesGrowByWhatIsAdded(kind: String) throws {
    func losses(_ change: (inout TextRegularizers) -> Void) throws -> (training: Double, validation: Double) {
      var (corpus, configuration) = try Self.configuration(change)
      configuration.settings.epochs = 1
      // So small a rate that the weights stay as they are.
      configuration.settings.learningRate = 1e-12
      var result = (training: 0.0, validation: 0.0)
      try TextTraining(configuration, on: corpus, savingTo: nil).run { event in
        if case .epoch(let epoch) = event { result = (epoch.trainingLoss, epoch.validationLoss ?? 0) }
      }
      return result
    }
    let plain = try losses { _ in }
    let other = try losses {
      switch kind {
      case "smoothing": $0.labelSmoothing = 0.3
      case "activation": $0.activationPenalty = 5
      case "temporal": $0.temporalPenalty = 5
      case "words": $0.wordDropout = 0.5
      case "vectors": $0.embeddingDropout = 0.5
      default: break
      }
    }
    #expect(abs(other.validation - plain.validation) < 1e-6)
    switch kind {
    case "none": #expect(other.training == plain.training)
    case "activation", "temporal": #expect(other.training > plain.training + 1e-3)
    default: #expect(abs(other.training - plain.training) > 1e-5)
    }
  }

  @Test func numbersOutsideTheirRangeAreNamed() throws {
    for (flag, change) in [
      ("word-dropout", { $0.wordDropout = 1 }), ("embedding-dropout", { $0.embeddingDropout = -0.1 }),
      ("label-smoothing", { $0.labelSmoothing = .nan }), ("activation-penalty", { $0.activationPenalty = -1 }),
      ("temporal-penalty", { $0.temporalPenalty = .infinity }), ("embedding-scale", { $0.embeddingScale = 1 }),
      ("embedding-scale", { ($0.tiesEmbeddings, $0.embeddingScale) = (true, 0) }),
    ] as [(String, (inout TextRegularizers) -> Void)] {
      let (_, configuration) = try Self.configuration(change)
      let error = #expect(throws: UnrollError.self) { try configuration.validate() }
      #expect(error.map { $0.message.contains(flag) } == true)
    }
    var (_, configuration) = try Self.configuration { $0.tiesEmbeddings = true }
    configuration.network.embedding = 7
    let error = #expect(throws: UnrollError.self) { try configuration.validate() }
    #expect(error.map { $0.message.contains("tied embeddings") } == true)
  }
}
