import Corpora
import Foundation
import Interchange
import Networks
import Recurrence
import Tensors
import Training

/// A trained language model: knows what character, word or piece of a word comes next.
///
///     let (model, score) = try LanguageModel.train(on: TextCorpus(contentsOf: "poems.txt"), savingTo: "poems")
///     try model.generate(after: "The ", length: 200, sampler: Sampler(temperature: 0.8)) { print($0, terminator: "") }
///
/// Its folder holds `config.json` (``TextConfiguration``), `vocabulary.json` (the tokens),
/// `weights.safetensors` (the best weights so far, by parameter path), `history.jsonl` (an epoch a line) and
/// `checkpoints/`.
public struct LanguageModel: LineModel {
  /// `text`.
  public static let paradigm = "text"
  /// Sizes, and how it was trained.
  public let configuration: TextConfiguration
  /// The tokens: characters, words or pieces of words.
  public let vocabulary: TextVocabulary
  /// The network.
  public let network: TextNetwork
  /// What the recurrent layers' matrices are when the model measures and generates.
  public var precision: Precision { configuration.precision ?? .float32 }

  /// Opens a model folder. Throws when something is missing, damaged, too new, or does not fit together.
  public static func load(from folder: String) throws(UnrollError) -> LanguageModel {
    let (configuration, vocabulary) = try readDescription(of: folder)
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
    let network = emptyNetwork(configuration)
    try Weights.assign(weights, to: network, at: path)
    return LanguageModel(configuration: configuration, vocabulary: vocabulary, network: network)
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
    guard header.version >= 1, header.paradigm == paradigm else {
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

  // MARK: Training and measuring

  /// Trains a new model on a text, whose held-out parts judge each epoch and measure the best model.
  ///
  /// - Parameters:
  ///   - configuration: Sizes and settings; nil: the defaults for such a text.
  ///   - corpus: The text. ``TextTraining`` can be interrupted and resumed.
  ///   - folder: The model folder to make; nil: nothing is kept.
  ///   - report: Called with every event.
  /// - Returns: the model, with the weights of the best epoch when there is a folder, else of the last; and how well it
  ///   knows the part for the test.
  /// - Throws: when a number cannot be, the text is too short for it, or the folder holds a model already.
  @discardableResult
  public static func train(
    _ configuration: TextConfiguration? = nil, on corpus: TextCorpus, savingTo folder: String? = nil,
    _ report: (TrainingEvent) -> Void = { _ in }
  ) throws -> (model: LanguageModel, score: Score) {
    let training = try TextTraining(configuration ?? TextConfiguration(for: corpus), on: corpus, savingTo: folder)
    try training.run(report)
    return (training.model, try training.model.evaluate(corpus.test, source: "the test part"))
  }

  /// Measures the model on tokens of its vocabulary. Throws for fewer than two; `source` is what they are called then.
  public func evaluate(_ tokens: Tokens, source: String = "text") throws(UnrollError) -> Score {
    Score(
      unit: vocabulary.unit, tokens: tokens.count - 1,
      nats: try network.meanLoss(of: tokens, source: source, precision: precision),
      characters: vocabulary.characters(of: tokens.dropFirst()))
  }

  /// Measures the model on a file of text in UTF-8.
  ///
  ///     print(try LanguageModel.load(from: "poems").evaluate("other-poems.txt").text)
  ///
  /// Throws when it cannot be read, has fewer than two tokens, or a character that the model does not know.
  public func evaluate(_ path: String) throws(UnrollError) -> Score {
    try evaluate(vocabulary.encode(PlainText(contentsOf: path)), source: path)
  }

  /// As ``evaluate(_:)-(String)``: a text has no lines that could be left out.
  public func evaluate(_ path: String, _ bad: inout BadLines) throws(UnrollError) -> Score { try evaluate(path) }

  /// Whether held-out parts of its text stand in the part that was trained on.
  public func dataDiagnoses(
    files moved: (data: String?, validation: String?, test: String?) = (nil, nil, nil), _ bad: inout BadLines
  ) throws(UnrollError) -> [Diagnosis] {
    let known = configuration.data
    let files = known.files.replaced(by: moved)
    let corpus = try TextCorpus(contentsOf: files, as: .vocabulary(vocabulary))
    return DataDoctor.diagnoses(training: corpus.training, heldOut: [corpus.validation, corpus.test])
  }

  // MARK: Predicting

  /// The next token's text after each of some texts: the likeliest, and the probabilities of all.
  ///
  ///     try model.predict(["To be, or not to b"])[0].label   // "e"
  ///
  /// After an empty text it is the first of a line. Throws `.invalidData` when the model does not know a character.
  public func predict(_ texts: [String]) throws(UnrollError) -> [ClassPrediction] {
    let labels = (0..<Int32(vocabulary.count)).map { vocabulary.label(of: $0) }
    return try texts.map { text throws(UnrollError) in
      let scores = read(try beginning(text)).scores
      return ClassPrediction(labels: labels, probabilities: softmax(scores).values)
    }
  }

  /// The next token after each line; of its probabilities those of the ten likeliest.
  public func predict(lines: [String]) throws(UnrollError) -> [any Prediction] {
    try predict(lines).map { $0.best(10) }
  }

  /// The tokens of a prompt; of an empty one what stands before a line.
  private func beginning(_ prompt: String) throws(UnrollError) -> [Int32] {
    let tokens = try vocabulary.encode(prompt, source: "prompt")
    return tokens.isEmpty ? [vocabulary.lineEnd] : tokens
  }

  /// The scores of what comes next, [1, tokens], and the state to go on from.
  private func read(_ tokens: [Int32]) -> (scores: Tensor, state: LayerState) {
    var evaluation = Evaluation.inference(precision)
    let (logits, state) = network(TokenBatch([tokens]), from: network.initialState(batch: 1), in: &evaluation)
    return (logits.rows(logits.shape[0] - 1..<logits.shape[0]), state)
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
    let start = try beginning(prompt)
    // Behind white space, as at the beginning, no space comes before a word.
    var decoder = TokenDecoder(vocabulary, after: prompt.last?.isWhitespace == false ? start.last : nil)
    let (logits, state) = read(start)
    let session = TokenSession(network, from: state, precision: precision)
    var scores = logits.values
    var used = sampler.repetitionPenalty == 1 ? [] : Set(start)
    for _ in 0..<length {
      let token = sampler.choose(scores, penalising: used)
      let text = stops.text(behind: decoder.text(of: token))
      guard text.isEmpty || each(text) else { return nil }
      if let stop = stops.found { return stop }
      if sampler.repetitionPenalty != 1 { used.insert(token) }
      scores = session.scores(after: token)
    }
    let end = stops.text(behind: decoder.rest())
    let rest = end + stops.rest()
    if !rest.isEmpty { _ = each(rest) }
    return nil
  }
}
