import Corpora
import Foundation
import Interchange
import Networks
import Recurrence
import Tensors
import Training

/// A trained language model: knows what character, word or piece of a word comes next.
///
///     let model = try TextModel(contentsOf: "poems")
///     try model.generate(after: "The ", length: 200, sampler: Sampler(temperature: 0.8)) { print($0, terminator: "") }
///
/// Its folder holds `config.json` (``TextConfiguration``), `vocabulary.json` (the tokens),
/// `weights.safetensors` (the best weights so far, by parameter path), `history.jsonl` (an epoch a line) and
/// `checkpoints/`.
public struct TextModel: Sendable {
  /// Sizes, and how it was trained.
  public let configuration: TextConfiguration
  /// The tokens: characters, words or pieces of words.
  public let vocabulary: TextVocabulary
  /// The network.
  public let network: TextNetwork
  /// What the recurrent layers' matrices are when the model measures and generates.
  public var precision: Precision { configuration.precision ?? .float32 }

  /// Opens a model folder. Throws when something is missing, damaged, too new, or does not fit together.
  public init(contentsOf folder: String) throws(UnrollError) {
    (configuration, vocabulary) = try Self.readDescription(of: folder)
    let path = folder + "/weights.safetensors"
    let precision = configuration.precision ?? .float32
    let weights = try SafeTensors.read(from: path, accepting: SafeTensors.elementTypes(of: precision))
      .weights(as: precision, at: path)
    // Checked before a network of that size is built: the numbers come from a file.
    let count = weights.reduce(0) { $0 + $1.tensor.shape.count }
    guard count == configuration.parameterCount else {
      throw UnrollError(
        .invalidData,
        "the weights are \(count) numbers, and a model as in config.json has \(configuration.parameterCount)",
        at: path, hint: "config.json and weights.safetensors are not of one training: restore the folder from a copy")
    }
    network = Self.emptyNetwork(configuration)
    try Weights.assign(weights, to: network, at: path)
  }

  /// A model of given parts.
  public init(configuration: TextConfiguration, vocabulary: TextVocabulary, network: TextNetwork) {
    self.configuration = configuration
    self.vocabulary = vocabulary
    self.network = network
  }

  /// What a folder's JSON files say. Throws when they are missing, damaged, too new, or do not fit together.
  static func readDescription(of folder: String) throws(UnrollError) -> (TextConfiguration, TextVocabulary) {
    let path = folder + "/config.json"
    let header = try ModelFolder.header(
      of: folder, newest: TextConfiguration.newestVersion, madeBy: "unroll train text --data FILE --out DIR")
    guard header.version >= 1, header.paradigm == "text" else {
      throw UnrollError(
        .invalidData, "this is no language model: version \(header.version), paradigm `\(header.paradigm)`", at: path,
        hint: "give the folder of a model that `unroll train text` made")
    }
    let configuration = try StrictJSON.read(TextConfiguration.self, from: path)
    try configuration.validate(at: path)
    let vocabulary = try TextVocabulary(
      contentsOf: folder + "/vocabulary.json", unit: configuration.unit ?? .characters)
    guard vocabulary.count == configuration.tokens else {
      throw UnrollError(
        .invalidData,
        "vocabulary.json has \(vocabulary.count) \(vocabulary.unit), config.json says \(configuration.tokens)",
        at: folder, hint: "the files are not of one model: restore the folder from a copy")
    }
    return (configuration, vocabulary)
  }

  /// A network with the values that a training begins with.
  static func newNetwork(_ configuration: TextConfiguration) -> TextNetwork {
    var random = RandomSource(seed: configuration.seed)
    let initialization = configuration.network.recurrentInitializer.map { CellInitialization(recurrent: $0) }
    return TextNetwork(
      configuration.network, tokens: configuration.tokens, initialization: initialization ?? CellInitialization(),
      using: &random)
  }

  /// A network without values, to read weights into.
  static func emptyNetwork(_ configuration: TextConfiguration) -> TextNetwork {
    var random = RandomSource(seed: 0)
    return TextNetwork(
      configuration.network, tokens: configuration.tokens,
      initialization: CellInitialization(input: .zeros, recurrent: .zeros), using: &random)
  }

  // MARK: Measuring

  /// How well the model knows a text.
  public struct Score: Hashable, Sendable, Codable {
    /// What the tokens are.
    public let unit: TokenUnit
    /// Tokens asked for: all but the first.
    public let tokens: Int
    /// Mean loss per token in nats.
    public let nats: Double
    /// Characters that these tokens stand for; nil for words, which do not tell how they were set apart.
    public let characters: Int?
    /// The loss per character in bits; nil for words.
    public var bitsPerCharacter: Double? {
      characters.map { nats / log(2) * (Double(tokens) / Double(max(1, $0))) }
    }
    /// e^nats: the model is as unsure as if it chose evenly among so many tokens.
    public var perplexity: Double { exp(nats) }
  }

  /// Measures the model on tokens of its vocabulary. Throws for fewer than two.
  public func score(_ tokens: Tokens, source: String) throws -> Score {
    Score(
      unit: vocabulary.unit, tokens: tokens.count - 1,
      nats: try network.meanLoss(of: tokens, source: source, precision: precision),
      characters: vocabulary.characters(of: tokens.dropFirst()))
  }

  // MARK: Generating

  /// Writes on after a prompt, token by token.
  ///
  /// - Parameters:
  ///   - prompt: The beginning; empty: the model begins as after a line's end, or after its first character when it
  ///     knows no lines.
  ///   - length: Number of tokens to write.
  ///   - sampler: How to choose.
  ///   - stops: The text ends before the first of these; none may be empty. The prompt is not searched.
  ///   - each: Called with what every token adds to the text (a word with the space before it); returns whether to go
  ///     on. What may be the beginning of a stop comes as soon as it is known to be none.
  /// - Returns: the stop that the text ended before; nil when it has its length, or `each` ended it.
  /// - Throws: `.invalidData` when the model does not know a character of the prompt.
  @discardableResult
  public func generate(
    after prompt: String, length: Int, sampler: Sampler, stoppingBefore stops: [String] = [], _ each: (String) -> Bool
  ) throws(UnrollError) -> String? {
    var sampler = sampler
    var stops = StopStrings(stops)
    var start = try vocabulary.encode(prompt, source: "prompt")
    // Behind white space, as at the beginning, no space comes before a word.
    var before = prompt.last?.isWhitespace == false ? start.last : nil
    if start.isEmpty { start = [vocabulary.lineEnd] }
    var evaluation = Evaluation.inference(precision)
    let (logits, state) = network(TokenBatch([start]), from: network.initialState(batch: 1), in: &evaluation)
    let session = TokenSession(network, from: state, precision: precision)
    var scores = logits.rows(logits.shape[0] - 1..<logits.shape[0]).values
    var used = sampler.repetitionPenalty == 1 ? [] : Set(start)
    for _ in 0..<length {
      let token = sampler.choose(scores, penalising: used)
      let text = stops.text(behind: vocabulary.text(of: token, after: before))
      guard text.isEmpty || each(text) else { return nil }
      if let stop = stops.found { return stop }
      before = token
      if sampler.repetitionPenalty != 1 { used.insert(token) }
      scores = session.scores(after: token)
    }
    let rest = stops.rest()
    if !rest.isEmpty { _ = each(rest) }
    return nil
  }
}
