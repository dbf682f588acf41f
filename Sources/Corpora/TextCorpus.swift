import Interchange

/// A text as tokens, in three parts: to train on, to choose the best model by, and to measure that model with.
///
///     let corpus = try TextCorpus(contentsOf: "poems.txt")
///     let streams = try corpus.trainingStreams(batch: 32, length: 128)
///
/// The text is cut once, by characters: the first 90 % are ``training``, the next 5 % ``validation``, the last 5 %
/// ``test``. It is not shuffled: a held-out part is text that the model has never seen the neighbourhood of.
public struct TextCorpus: Sendable {
  /// Characters that a text must have, so that both held-out parts have at least two.
  public static let minimumCount = 40

  /// Where the text is from.
  public let source: String
  /// The characters of the whole text. Those of the held-out parts are among them, else a rare character there could
  /// not even be written down; which ones occur is all that training learns of these parts.
  public let vocabulary: CharacterVocabulary
  /// The first 90 %.
  public let training: Tokens
  /// The next 5 %.
  public let validation: Tokens
  /// The last 5 %.
  public let test: Tokens

  /// Reads a text file.
  ///
  /// - Parameters:
  ///   - vocabulary: The characters of a model that exists already; nil for those of the text.
  ///   - limit: The largest number of bytes to read.
  /// - Throws: What ``PlainText/init(contentsOf:limit:)`` throws; `.invalidData` for a text under ``minimumCount``
  ///   characters, or for a character that the given vocabulary lacks.
  public init(
    contentsOf path: String, vocabulary: CharacterVocabulary? = nil, limit: Int = PlainText.defaultLimit
  ) throws(UnrollError) {
    try self.init(PlainText(contentsOf: path, limit: limit), vocabulary: vocabulary)
  }

  /// Cuts a text in parts; see ``init(contentsOf:vocabulary:limit:)``.
  public init(_ text: PlainText, vocabulary: CharacterVocabulary? = nil) throws(UnrollError) {
    source = text.source
    self.vocabulary = vocabulary ?? CharacterVocabulary(of: text)
    let tokens = try self.vocabulary.encode(text)
    guard tokens.count >= Self.minimumCount else {
      throw UnrollError(
        .invalidData,
        "the text is too short to learn from: \(tokens.count) character\(tokens.count == 1 ? "" : "s"), and "
          + "\(Self.minimumCount) are the least that can be cut into training, validation and test",
        at: source, hint: "a model begins to learn words from some 100,000 characters on")
    }
    // In this order nothing overflows, whatever the count.
    let twentieth = (tokens.count / 20, tokens.count % 20)
    let ends = [18, 19].map { twentieth.0 * $0 + twentieth.1 * $0 / 20 }
    training = tokens.part(0..<ends[0])
    validation = tokens.part(ends[0]..<ends[1])
    test = tokens.part(ends[1]..<tokens.count)
  }

  /// The training part as parallel streams; see ``TokenStreams/init(training:batch:length:step:offset:source:)``.
  public func trainingStreams(
    batch: Int, length: Int, step: Int? = nil, offset: Int = 0
  ) throws(UnrollError) -> TokenStreams {
    try TokenStreams(training: training, batch: batch, length: length, step: step, offset: offset, source: source)
  }
}
