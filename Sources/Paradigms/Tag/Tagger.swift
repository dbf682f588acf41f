import Corpora
import Foundation
import Interchange
import Networks
import Recurrence
import Tensors
import Training

/// Gives each word of a sentence a tag, its part of speech or whether it belongs to a name: many to many of the same
/// length. Words are read as such and as their characters, sentences in both directions.
///
///     let (tagger, score) = try Tagger.train(on: TextFiles(path: "en-train.conllu"), savingTo: "tagger")
///     tagger.predict([["Time", "flies", "."]])[0].tags   // ["NOUN", "VERB", "PUNCT"]
///
/// Its folder holds, beside what every model of examples has, `words.json`, `rare.json` (words of the training
/// sentences that have no vector of their own), `characters.json` and `tags.json`.
public struct Tagger: FileModel, LineModel {
  /// A sentence as the network reads it: numbers in the tables.
  public struct Example: Hashable, Sendable {
    /// Of each word; 0: it has no vector of its own.
    public let words: [Int32]
    /// Of each word's characters (Unicode scalars).
    public let characters: [[Int32]]
    /// Of each word's tag.
    public let tags: [Int32]
    /// Whether the training sentences have the word.
    public let isKnown: [Bool]
  }

  /// `tag`.
  public static let paradigm = "tag"
  /// `words`.
  public static let units = "words"
  /// What stands for words and characters that are not known; its number is 0.
  public static let unknown = "<unk>"
  /// Sentences of a batch when measuring.
  private static let batch = 64

  /// Sizes, and how it was trained.
  public let configuration: ModelConfiguration<TaggerShape>
  /// The network.
  public let network: TaggerNetwork
  /// Words in lower case that have a vector, and those of the training sentences that have none.
  public let words, rareWords: TokenTable
  /// Characters that have a vector: those that occur twice at least.
  public let characters: TokenTable
  /// The tags.
  public let tags: TokenTable

  /// The default configuration of a training: 8 epochs with Adam at 0.002, falling along a cosine.
  public static func configuration(_ shape: TaggerShape = TaggerShape()) -> ModelConfiguration<TaggerShape> {
    let settings = TrainingSettings(
      epochs: 8, learningRate: 0.002, schedule: .cosine(warmUp: 100, final: 0.01), clipping: .norm(5))
    return ModelConfiguration(paradigm: paradigm, shape: shape, batch: 32, settings: settings)
  }

  private init(
    _ configuration: ModelConfiguration<TaggerShape>, words: TokenTable, rareWords: TokenTable,
    characters: TokenTable, tags: TokenTable
  ) {
    self.configuration = configuration
    self.words = words
    self.rareWords = rareWords
    self.characters = characters
    self.tags = tags
    var random = RandomSource(seed: configuration.seed)
    network = TaggerNetwork(
      configuration.shape, characters: characters.count, words: words.count, tags: tags.count, using: &random)
  }

  /// A new model of the words and tags in some sentences. Throws when these have fewer than two tags.
  public init(
    _ configuration: ModelConfiguration<TaggerShape>, learningFrom samples: [TaggedSentence]
  ) throws(UnrollError) {
    let tags = Set(samples.lazy.flatMap(\.tags))
    guard tags.count >= 2 else {
      throw UnrollError(
        .invalidData, "all words have the tag `\(tags.first?.prefix(40) ?? "")`: there is nothing to learn",
        at: configuration.data?.path, hint: "choose the tags' column: --format")
    }
    let all = samples.flatMap { $0.words.map { $0.lowercased() } }
    let words = TokenTable(
      counting: all, specials: [Self.unknown], atLeast: configuration.shape.minimumCount)
    let characters = TokenTable(
      counting: samples.lazy.flatMap(\.words).flatMap { $0.unicodeScalars.map { String($0) } },
      specials: [Self.unknown], atLeast: 2)
    let shape = configuration.shape
    try shape.requireMemory(
      forValues: shape.parameterCount(words: words.count, characters: characters.count, tags: tags.count), at: nil)
    self.init(
      configuration, words: words, rareWords: TokenTable(counting: all.lazy.filter { words[$0] == nil }),
      characters: characters,
      tags: TokenTable(tags.sorted { $0.unicodeScalars.lexicographicallyPrecedes($1.unicodeScalars) }))
  }

  // MARK: Folders

  /// A model whose network has no trained values yet, with the tables in its folder.
  public init(_ configuration: ModelConfiguration<TaggerShape>, tablesIn folder: String) throws(UnrollError) {
    func table(_ name: String) throws(UnrollError) -> TokenTable {
      try TokenTable(contentsOf: "\(folder)/\(name).json", kind: name)
    }
    let (words, characters, tags) = (try table("words"), try table("characters"), try table("tags"))
    for (name, table) in [("words", words), ("characters", characters)] where table[Self.unknown] != 0 {
      throw UnrollError(
        .invalidData, "the first entry should be \(Self.unknown)", at: "\(folder)/\(name).json",
        hint: "put back the file that training wrote; the weights fit no other")
    }
    guard tags.count >= 2 else {
      throw UnrollError(.invalidData, "there are fewer than two tags", at: folder + "/tags.json")
    }
    let shape = configuration.shape
    try shape.requireMemory(
      forValues: shape.parameterCount(words: words.count, characters: characters.count, tags: tags.count),
      at: folder + "/config.json")
    self.init(configuration, words: words, rareWords: try table("rare"), characters: characters, tags: tags)
  }

  /// Writes `words.json`, `rare.json`, `characters.json` and `tags.json`.
  public func writeTables(to folder: String) throws(UnrollError) {
    for (name, table) in [("words", words), ("rare", rareWords), ("characters", characters), ("tags", tags)] {
      try table.write(to: "\(folder)/\(name).json", kind: name)
    }
  }

  /// The same tables with another configuration of the same data, and the values that a training begins with.
  public func renewed(as configuration: ModelConfiguration<TaggerShape>) -> Tagger {
    Tagger(configuration, words: words, rareWords: rareWords, characters: characters, tags: tags)
  }

  /// Sizes on a line.
  public var summary: String {
    let shape = configuration.shape
    return "\(shape.layers) × bidirectional \(shape.cell.rawValue) of \(shape.hidden) over characters of "
      + "\(shape.characterHidden)\(shape.hasChain ? ", a chain" : ""), \(network.parameterCount) parameters; "
      + "\(words.count) words, \(characters.count) characters, \(tags.count) tags"
  }

  // MARK: Examples

  /// The words.
  public static func content(of sample: TaggedSentence) -> (input: AnyHashable, label: String?)? {
    (sample.words, nil)
  }

  /// Reads tagged sentences: see ``TaggedSentences``.
  public static func samples(
    in path: String, as shape: TaggerShape, _ bad: inout BadLines
  ) throws(UnrollError) -> (samples: [TaggedSentence], checksum: String) {
    let (sentences, checksum) = try TaggedSentences.read(path, shape.format, &bad)
    return (sentences, checksum)
  }

  /// A sentence as the model reads it. Throws when it does not know a tag.
  public func example(of sample: TaggedSentence) throws(UnrollError) -> Example {
    var numbers: [Int32] = []
    for (word, tag) in zip(sample.words, sample.tags) {
      guard let number = tags[tag] else {
        let known = tags.entries.prefix(20).map { String($0.prefix(40)) }.joined(separator: ", ")
        throw UnrollError(
          .invalidData, "the model knows no tag `\(tag.prefix(40))`, which the word `\(word.prefix(40))` has",
          at: sample.place.isEmpty ? nil : sample.place,
          hint: "it knows \(known)\(tags.count > 20 ? ", …" : ""); leave such sentences out: --skip-bad-lines")
      }
      numbers.append(number)
    }
    return example(of: sample.words, tags: numbers)
  }

  private func example(of words: [String], tags: [Int32]) -> Example {
    let plain = words.map { $0.lowercased() }
    return Example(
      words: plain.map { self.words[$0, default: 0] },
      characters: words.map { $0.unicodeScalars.map { characters[String($0), default: 0] } }, tags: tags,
      isKnown: plain.map { self.words[$0] != nil || rareWords[$0] != nil })
  }

  /// Number of words.
  public func length(of example: Example) -> Int { example.words.count }

  /// The summed loss of some sentences in nats, and the number of their words.
  public func loss(of examples: [Example], in evaluation: inout Evaluation) -> (sum: Tensor, units: Int) {
    let tags = TokenBatch(examples.map(\.tags))
    let sum = network.loss(
      of: tags, for: TokenBatch(examples.map(\.words)), TokenBatch(examples.flatMap(\.characters)), in: &evaluation)
    return (sum, tags.layout.rowCount)
  }

  // MARK: Use

  /// The tags of each sentence, as numbers.
  private func tags(of examples: [Example]) -> [[Int32]] {
    var answers = [[Int32]](repeating: [], count: examples.count)
    for batch in LengthBatches.sorted(examples.map(length), batch: Self.batch) {
      let own = batch.map { examples[$0] }
      let tags = network.tags(for: TokenBatch(own.map(\.words)), TokenBatch(own.flatMap(\.characters)))
      for (sentence, tags) in zip(batch, tags) { answers[sentence] = tags }
    }
    return answers
  }

  /// Measures the model on sentences.
  public func score(of examples: [Example]) -> TaggerScore {
    var count = TaggerScore.Count(tags: tags.entries)
    for (example, answer) in zip(examples, tags(of: examples)) {
      count.count(answer, truth: example.tags, isKnown: example.isKnown)
    }
    return count.score
  }

  /// The tags of sentences, each of its words.
  public func predict(_ sentences: [[String]]) -> [TagPrediction] {
    let examples = sentences.map { example(of: $0, tags: []) }
    return zip(sentences, tags(of: examples)).map { words, numbers in
      TagPrediction(words: words, tags: numbers.map { tags.entries[Int($0)] })
    }
  }

  /// The tags of each line, whose words stand between white space.
  public func predict(lines: [String]) -> [any Prediction] {
    predict(lines.map { $0.split(whereSeparator: \.isWhitespace).map(String.init) })
  }
}

/// The tags of a sentence.
public struct TagPrediction: Prediction, Hashable {
  /// The words.
  public let words: [String]
  /// A tag for each word.
  public let tags: [String]

  /// `Time/NOUN flies/VERB`; empty for a sentence without words.
  public var text: String { zip(words, tags).map { "\($0)/\($1)" }.joined(separator: " ") }
}
