import Corpora
import Foundation
import Interchange
import Networks
import Recurrence
import Tensors
import Training

/// A model that translates sentences, trained on pairs of them.
///
///     let (translator, score) = try Translator.train(on: TextFiles(path: "train.en,train.de"), savingTo: "en-de")
///     translator.predict(["two men are outside ."])[0].text
///
/// Text is cut into words and marks, lower-cased if the model says so, and into subwords of both languages together.
public struct Translator: FileModel, LineModel, AttendingModel {
  /// The word in `config.json`.
  public static let paradigm = "translate"

  /// A pair of sentences as tokens, and the words of the target.
  public struct Example: Sendable {
    let source, target: [Int32]
    let reference: [String]
  }

  /// Sizes, and how it was trained.
  public let configuration: ModelConfiguration<TranslatorShape>
  /// The network.
  public let network: TranslatorNetwork
  /// Subwords of both languages; nil: words and marks as they are.
  public let encoding: BytePairEncoding?
  /// The tokens of both languages.
  public let sourceTable, targetTable: TokenTable
  /// How translations are looked for, but while training is judged.
  public var search = BeamSearch(width: 5)
  /// Whether answers say where the decoder looked.
  public var showsAttention = false

  /// A new model for pairs of sentences: learns subwords and tables from them, and begins with values by its seed.
  ///
  /// Throws when a network of these sizes cannot fit into the machine's memory.
  public init(
    _ configuration: ModelConfiguration<TranslatorShape>, learningFrom pairs: [ParallelTexts.Pair]
  ) throws(UnrollError) {
    var configuration = configuration
    let shape = configuration.shape
    func words(_ text: String) -> [String] { PlainTokens.split(text, lowercasing: shape.lowercases) }
    let sources = pairs.flatMap { words($0.source) }
    let targets = pairs.flatMap { words($0.target) }
    let encoding = shape.merges > 0 ? BytePairEncoding(learning: shape.merges, from: sources + targets) : nil
    func table(_ words: [String]) -> TokenTable {
      var pieces: [String: [String]] = [:]
      for word in Set(words) { pieces[word] = encoding?.pieces(of: word) ?? [word] }
      return TokenTable(counting: words.lazy.flatMap { pieces[$0] ?? [] }, specials: SentenceTokens.specials)
    }
    self.encoding = encoding
    (sourceTable, targetTable) = (table(sources), table(targets))
    configuration.shape.sourceTokens = sourceTable.count
    configuration.shape.targetTokens = targetTable.count
    try configuration.shape.requireMemory(forValues: configuration.shape.parameterCount, at: nil)
    self.configuration = configuration
    var random = RandomSource(seed: configuration.seed)
    network = TranslatorNetwork(
      configuration.shape, initialization: configuration.shape.initialization, using: &random)
  }

  /// The same tables with another configuration of the same data, and the values that a training begins with.
  public func renewed(as configuration: ModelConfiguration<TranslatorShape>) -> Translator {
    var random = RandomSource(seed: configuration.seed)
    let shape = configuration.shape
    return Translator(
      self, configuration, TranslatorNetwork(shape, initialization: shape.initialization, using: &random))
  }

  private init(
    _ other: Translator, _ configuration: ModelConfiguration<TranslatorShape>, _ network: TranslatorNetwork
  ) {
    self.configuration = configuration
    encoding = other.encoding
    (sourceTable, targetTable) = (other.sourceTable, other.targetTable)
    self.network = network
  }

  /// A model without values, with the tables of its folder.
  public init(_ configuration: ModelConfiguration<TranslatorShape>, tablesIn folder: String) throws(UnrollError) {
    self.configuration = configuration
    encoding = configuration.shape.merges > 0 ? try BytePairEncoding(contentsOf: folder + "/merges.txt") : nil
    sourceTable = try TokenTable(contentsOf: folder + "/source.json", kind: "source tokens")
    targetTable = try TokenTable(contentsOf: folder + "/target.json", kind: "target tokens")
    for (name, table, count) in [
      ("source.json", sourceTable, configuration.shape.sourceTokens),
      ("target.json", targetTable, configuration.shape.targetTokens),
    ] where table.count != count || !table.entries.starts(with: SentenceTokens.specials) {
      throw UnrollError(
        .invalidData,
        "the table has \(table.count) entries, config.json says \(count), \(SentenceTokens.specials) first",
        at: folder + "/" + name, hint: "the files are not of one model: restore the folder from a copy")
    }
    try configuration.shape.requireMemory(
      forValues: configuration.shape.parameterCount, at: folder + "/config.json")
    var random = RandomSource(seed: 0)
    network = TranslatorNetwork(
      configuration.shape, initialization: CellInitialization(input: .zeros, recurrent: .zeros), using: &random)
  }

  /// Writes merges and tables.
  public func writeTables(to folder: String) throws(UnrollError) {
    try encoding?.write(to: folder + "/merges.txt")
    try sourceTable.write(to: folder + "/source.json", kind: "source tokens")
    try targetTable.write(to: folder + "/target.json", kind: "target tokens")
  }

  // MARK: Examples

  private func words(_ text: String) -> [String] {
    PlainTokens.split(text, lowercasing: configuration.shape.lowercases)
  }

  private func tokens(_ words: [String], _ table: TokenTable) -> [Int32] {
    words.flatMap { encoding?.pieces(of: $0) ?? [$0] }.map { table[$0, default: SentenceTokens.unknown] }
  }

  /// A pair as the network reads it: of sentences that are too long, the beginning.
  public func example(of pair: ParallelTexts.Pair) -> Example {
    let reference = words(pair.target)
    let longest = configuration.shape.longest
    return Example(
      source: Array(tokens(words(pair.source), sourceTable).prefix(longest)),
      target: Array(tokens(reference, targetTable).prefix(longest)), reference: reference)
  }

  /// Tokens of the longer side.
  public func length(of example: Example) -> Int { max(example.source.count, example.target.count) }

  /// The summed loss of some pairs, a target token each.
  public func loss(of examples: [Example], in evaluation: inout Evaluation) -> (sum: Tensor, units: Int) {
    network.summedLoss(sources: examples.map(\.source), targets: examples.map(\.target), in: &evaluation)
  }

  // MARK: Translating

  /// A translation.
  public struct Translation: Hashable, Sendable, Codable {
    /// Its text, as it is written.
    public let text: String
    /// Its words and marks.
    public let words: [String]
    /// Log-probability with the penalty of its length, in nats.
    public let score: Double
    /// As the network wrote it.
    var tokens: [Int32] = []

    private enum CodingKeys: CodingKey { case text, words, score }
  }

  /// Where the decoder looked while it wrote a translation of a sentence. Neither has a piece for an empty one.
  public func attention(from sentence: String, to translation: Translation) -> AttentionTable {
    let pieces = words(sentence).flatMap { encoding?.pieces(of: $0) ?? [$0] }
    guard !pieces.isEmpty else { return AttentionTable(source: [], target: [], weights: []) }
    return AttentionTable(
      source: pieces, target: (translation.tokens + [SentenceTokens.end]).map { targetTable.entries[Int($0)] },
      weights: network.weights(of: translation.tokens, from: tokens(words(sentence), sourceTable)))
  }

  /// The translations of some sentences, found as ``search`` says unless told otherwise. An empty sentence has an empty
  /// one.
  public func predict(_ sentences: [String], by search: BeamSearch? = nil) -> [Answer] {
    zip(sentences, translations(of: sentences, by: search ?? self.search)).map { sentence, translations in
      Answer(
        translations: translations, attention: showsAttention ? attention(from: sentence, to: translations[0]) : nil)
    }
  }

  private func translations(of sentences: [String], by search: BeamSearch) -> [[Translation]] {
    let sources = sentences.map { tokens(words($0), sourceTable) }
    var results = [[Translation]](
      repeating: [Translation(text: "", words: [], score: 0)], count: sentences.count)
    let full = sources.indices.filter { !sources[$0].isEmpty }
    for batch in LengthBatches.sorted(full.map { sources[$0].count }, batch: max(1, 64 / search.width)) {
      let own = batch.map { full[$0] }
      for (sentence, hypotheses) in zip(own, network.translate(own.map { sources[$0] }, by: search)) {
        results[sentence] = hypotheses.map(translation)
      }
    }
    return results
  }

  private func translation(_ hypothesis: BeamSearch.Hypothesis) -> Translation {
    let pieces = hypothesis.tokens.map { targetTable.entries[Int($0)] }
    let words = encoding == nil ? pieces : BytePairEncoding.joined(pieces).split(separator: " ").map(String.init)
    return Translation(
      text: PlainTokens.joined(words), words: words, score: hypothesis.score, tokens: hypothesis.tokens)
  }

  // MARK: Measuring

  /// How well translations agree with references.
  public struct Score: ModelScore {
    /// What epochs are judged by.
    public static let judgedBy = "100 - BLEU+1"
    /// Sentences.
    public let sentences: Int
    /// BLEU of 1 to 4 tokens, 0…100, of words and marks as the model reads them; and chrF.
    public let bleu, chrF: Double
    /// Share of translations that are the reference.
    public let exact: Double
    /// 100 - ``BLEU/smoothedScore(order:)``.
    public let judged: Double
    /// The sentences.
    public var judgedUnits: Int { sentences }
    /// BLEU, chrF and exact matches.
    public var measures: [(name: String, value: Double)] { [("bleu", bleu), ("chrF", chrF), ("exact", exact)] }
    /// For people.
    public var text: String {
      String(
        format: "BLEU %.2f, chrF %.2f, exact match %.2f %% (%d sentences)", bleu, chrF, 100 * exact, sentences)
    }
  }

  /// Measures the translations that ``search`` finds.
  public func score(of examples: [Example]) -> Score { score(of: examples, by: search) }

  /// Measures greedy translations, which are found in a fraction of the time.
  public func judge(_ examples: [Example]) -> Score { score(of: examples, by: BeamSearch()) }

  private func score(of examples: [Example], by search: BeamSearch) -> Score {
    var words = [[String]](repeating: [], count: examples.count)
    let batches = LengthBatches.sorted(examples.map(\.source.count), batch: max(1, 64 / search.width))
    for batch in batches where !batch.isEmpty {
      let full = batch.filter { !examples[$0].source.isEmpty }
      for (i, best) in zip(full, network.translate(full.map { examples[$0].source }, by: search)) {
        words[i] = translation(best[0]).words
      }
    }
    let references = examples.map(\.reference)
    func text(_ words: [String]) -> String { words.joined(separator: " ") }
    let bleu = BLEU(words, references: references.map { [$0] })
    return Score(
      sentences: examples.count, bleu: bleu.score(),
      chrF: Paradigms.chrF(words.map(text), references: references.map(text)),
      exact: Double(zip(words, references).count { $0 == $1 }) / Double(max(1, examples.count)),
      judged: 100 - bleu.smoothedScore())
  }
}
