import Interchange

/// A text as tokens, in three parts: to train on, to choose the best model by, and to measure that model with.
///
///     let corpus = try TextCorpus(contentsOf: "poems.txt")
///     let streams = try corpus.trainingStreams(batch: 32, length: 128)
///
/// One text is cut by tokens: the first 90 % are ``training``, the next 5 % ``validation``, the last 5 % ``test``. It
/// is not shuffled: a held-out part is text that the model has never seen the neighbourhood of. A corpus that comes in
/// three files, as those that results are published for do, is taken as it is cut.
public struct TextCorpus: Sendable {
  /// Tokens that a text must have, so that both held-out parts have at least two.
  public static let minimumCount = 40

  /// Where the text is from.
  public let files: TextFiles
  /// Number of characters, in all parts.
  public let characters: Int
  /// The characters of the whole text: those of the held-out parts are among them, else a rare character there could
  /// not even be written down; which ones occur is all that training learns of these parts. Or the words of the part to
  /// train on alone, as `<unk>` stands for all others. Pieces of words are made of the characters of the whole text,
  /// and learnt from its first nine tenths, or from the part to train on.
  public let vocabulary: TextVocabulary
  /// The first 90 %.
  public let training: Tokens
  /// The next 5 %.
  public let validation: Tokens
  /// The last 5 %.
  public let test: Tokens

  /// Where the part to train on is from.
  public var source: String { files.path }

  /// Reads a text file.
  ///
  /// - Parameters:
  ///   - tokenization: What its tokens are; its characters by default.
  ///   - limit: The largest number of bytes to read.
  /// - Throws: What ``PlainText/init(contentsOf:limit:)`` throws; `.invalidData` for a text under ``minimumCount``
  ///   tokens, or for a character that a given vocabulary lacks.
  public init(
    contentsOf path: String, as tokenization: Tokenization = .characters, limit: Int = PlainText.defaultLimit
  ) throws(UnrollError) {
    try self.init(PlainText(contentsOf: path, limit: limit), as: tokenization)
  }

  /// Reads one file, or three. Throws as ``init(contentsOf:as:limit:)-(String,_,_)``, and for a held-out text of fewer
  /// than two tokens.
  public init(
    contentsOf files: TextFiles, as tokenization: Tokenization = .characters, limit: Int = PlainText.defaultLimit
  ) throws(UnrollError) {
    let text = try PlainText(contentsOf: files.path, limit: limit)
    guard let heldOut = files.heldOut else {
      try self.init(text, as: tokenization)
      return
    }
    try self.init(
      text, validation: PlainText(contentsOf: heldOut.validation, limit: limit),
      test: PlainText(contentsOf: heldOut.test, limit: limit), as: tokenization)
  }

  /// Cuts a text in parts; see ``init(contentsOf:as:limit:)-(String,_,_)``.
  public init(_ text: PlainText, as tokenization: Tokenization = .characters) throws(UnrollError) {
    files = TextFiles(path: text.source)
    characters = text.count
    switch tokenization {
    case .characters: vocabulary = .characters(CharacterVocabulary(of: text))
    case .graphemes: vocabulary = .graphemes(GraphemeVocabulary(of: text))
    case .bytes: vocabulary = .bytes(ByteVocabulary())
    case .words(let most):
      vocabulary = .words(WordVocabulary(of: text, first: Self.ends(of: text.wordCount)[0], most: most))
    case .subwords(let merges):
      vocabulary = .subwords(SubwordVocabulary(of: [text], merges: merges, first: Self.ends(of: text.runCount)[0]))
    case .vocabulary(let given): vocabulary = given
    }
    let tokens = try vocabulary.encode(text)
    guard tokens.count >= Self.minimumCount else {
      let unit = vocabulary.unit.singular
      throw UnrollError(
        .invalidData,
        "the text is too short to learn from: \(tokens.count) \(unit)\(tokens.count == 1 ? "" : "s"), and "
          + "\(Self.minimumCount) are the least that can be cut into training, validation and test",
        at: text.source, hint: "a model begins to learn words from some 100,000 characters on")
    }
    let ends = Self.ends(of: tokens.count)
    training = tokens.part(0..<ends[0])
    validation = tokens.part(ends[0]..<ends[1])
    test = tokens.part(ends[1]..<tokens.count)
  }

  /// A corpus that is cut already. Throws `.invalidData` for a held-out text of fewer than two tokens, or a character
  /// that a given vocabulary lacks.
  public init(
    _ text: PlainText, validation: PlainText, test: PlainText, as tokenization: Tokenization = .characters
  ) throws(UnrollError) {
    files = TextFiles(path: text.source, validation: validation.source, test: test.source)
    characters = text.count + validation.count + test.count
    switch tokenization {
    case .characters: vocabulary = .characters(CharacterVocabulary(of: text, validation, test))
    case .graphemes: vocabulary = .graphemes(GraphemeVocabulary(of: text, validation, test))
    case .bytes: vocabulary = .bytes(ByteVocabulary())
    case .words(let most): vocabulary = .words(WordVocabulary(of: text, most: most))
    case .subwords(let merges):
      vocabulary = .subwords(SubwordVocabulary(of: [text, validation, test], merges: merges))
    case .vocabulary(let given): vocabulary = given
    }
    training = try vocabulary.encode(text)
    self.validation = try vocabulary.encode(validation)
    self.test = try vocabulary.encode(test)
    for (tokens, place) in [(self.validation, validation.source), (self.test, test.source)] where tokens.count < 2 {
      throw UnrollError(
        .invalidData, "the text is too short to measure with: it has \(tokens.count) \(vocabulary.unit.singular)",
        at: place, hint: "give a longer text")
    }
  }

  /// Where 90 and 95 % of some tokens end. In this order nothing overflows, whatever the count.
  private static func ends(of count: Int) -> [Int] { [18, 19].map { count / 20 * $0 + count % 20 * $0 / 20 } }

  /// The same with the parts to train on and to validate with as one, and none to validate with.
  package var joined: TextCorpus { trained(on: Array(training) + Array(validation)) }

  /// ``joined`` without a part of it, and that part: the `number`-th of `count` parts of the same length, from 0.
  package func fold(_ number: Int, of count: Int) -> (rest: TextCorpus, heldOut: Tokens) {
    let all = Array(training) + Array(validation)
    let range = all.count * number / count..<all.count * (number + 1) / count
    let rest = trained(on: Array(all[..<range.lowerBound] + all[range.upperBound...]))
    return (rest, Tokens(Array(all[range]), kinds: vocabulary.count))
  }

  private func trained(on tokens: [Int32]) -> TextCorpus {
    TextCorpus(
      files: files, characters: characters, vocabulary: vocabulary, training: Tokens(tokens, kinds: vocabulary.count),
      validation: Tokens([], kinds: vocabulary.count), test: test)
  }

  private init(
    files: TextFiles, characters: Int, vocabulary: TextVocabulary, training: Tokens, validation: Tokens, test: Tokens
  ) {
    (self.files, self.characters, self.vocabulary) = (files, characters, vocabulary)
    (self.training, self.validation, self.test) = (training, validation, test)
  }

  /// The training part as parallel streams; see ``TokenStreams/init(training:batch:length:step:offset:unit:source:)``.
  public func trainingStreams(
    batch: Int, length: Int, step: Int? = nil, offset: Int = 0
  ) throws(UnrollError) -> TokenStreams {
    try TokenStreams(
      training: training, batch: batch, length: length, step: step, offset: offset, unit: vocabulary.unit,
      source: source)
  }
}

/// The files of a corpus: one that is cut in three, or three.
public struct TextFiles: Hashable, Sendable, Codable {
  /// The text, or the part to train on.
  public var path: String
  /// What chooses the best model; nil: a part of the text.
  public var validation: String?
  /// What measures it; nil: a part of the text.
  public var test: String?

  /// One file, or three.
  public init(path: String, validation: String? = nil, test: String? = nil) {
    (self.path, self.validation, self.test) = (path, validation, test)
  }

  /// The same, those that are not nil in place of these.
  ///
  ///     TextFiles(path: "a.txt", test: "b.txt").replaced(by: (nil, nil, "c.txt"))  // a.txt, c.txt
  public func replaced(by moved: (data: String?, validation: String?, test: String?)) -> TextFiles {
    TextFiles(path: moved.data ?? path, validation: moved.validation ?? validation, test: moved.test ?? test)
  }

  /// The held-out files, if there are any.
  public var heldOut: (validation: String, test: String)? {
    guard let validation, let test else { return nil }
    return (validation, test)
  }
}
