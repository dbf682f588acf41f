import Interchange

/// What a token of a text is.
public enum TokenUnit: String, Hashable, Sendable, Codable, CaseIterable {
  /// A Unicode scalar; see ``CharacterVocabulary``.
  case characters
  /// What a reader takes for one character, an extended grapheme cluster; see ``GraphemeVocabulary``.
  case graphemes
  /// A byte of UTF-8; see ``ByteVocabulary``.
  case bytes
  /// What stands between white space, or a line's end; see ``WordVocabulary``.
  case words
  /// A character, or a piece of a word that is made of frequent neighbours; see ``SubwordVocabulary``.
  case subwords

  /// The word for one.
  public var singular: String { String(rawValue.dropLast()) }
}

/// How a text becomes tokens.
///
///     try TextCorpus(contentsOf: "news.txt", as: .words(most: 10_000))
public enum Tokenization: Sendable {
  /// As the characters that occur in it.
  case characters
  /// As the grapheme clusters that occur in it.
  case graphemes
  /// As bytes of UTF-8.
  case bytes
  /// As its words: at most so many different ones, `<unk>` and `<eos>` among them, the most frequent first; nil for
  /// ``WordVocabulary/most``.
  case words(most: Int? = nil)
  /// As its characters, and up to so many pieces of words that the part to train on teaches.
  case subwords(merges: Int)
  /// As a model that exists already reads it.
  case vocabulary(TextVocabulary)
}

/// What a text model reads and writes: characters, bytes, words or pieces of words, each with a number, its token.
///
///     let vocabulary = TextVocabulary.words(WordVocabulary(of: PlainText("the cat\nthe dog\n")))
///     vocabulary.count                  // 5: <unk>, <eos>, the, cat, dog
///     try vocabulary.encode("the dog")  // [2, 4]
public enum TextVocabulary: Sendable, Equatable {
  /// Every character of a text.
  case characters(CharacterVocabulary)
  /// Every grapheme cluster of a text.
  case graphemes(GraphemeVocabulary)
  /// Bytes of UTF-8.
  case bytes(ByteVocabulary)
  /// Words, with one token for all others.
  case words(WordVocabulary)
  /// Pieces of words.
  case subwords(SubwordVocabulary)

  /// Reads the `vocabulary.json` of a model of such tokens. Throws as
  /// ``CharacterVocabulary/init(contentsOf:)``.
  public init(contentsOf path: String, unit: TokenUnit) throws(UnrollError) {
    switch unit {
    case .characters: self = .characters(try CharacterVocabulary(contentsOf: path))
    case .graphemes: self = .graphemes(try GraphemeVocabulary(contentsOf: path))
    case .bytes: self = .bytes(try ByteVocabulary(contentsOf: path))
    case .words: self = .words(try WordVocabulary(contentsOf: path))
    case .subwords: self = .subwords(try SubwordVocabulary(contentsOf: path))
    }
  }

  /// Writes it as JSON, atomically. Throws when the file cannot be written; then the old one, if any, is still there.
  public func write(to path: String) throws(UnrollError) {
    switch self {
    case .characters(let vocabulary): try vocabulary.write(to: path)
    case .graphemes(let vocabulary): try vocabulary.write(to: path)
    case .bytes(let vocabulary): try vocabulary.write(to: path)
    case .words(let vocabulary): try vocabulary.write(to: path)
    case .subwords(let vocabulary): try vocabulary.write(to: path)
    }
  }

  /// What its tokens are.
  public var unit: TokenUnit {
    switch self {
    case .characters: .characters
    case .graphemes: .graphemes
    case .bytes: .bytes
    case .words: .words
    case .subwords: .subwords
    }
  }

  /// Number of tokens: what an embedding needs as its size, and a softmax as its width.
  public var count: Int {
    switch self {
    case .characters(let vocabulary): vocabulary.count
    case .graphemes(let vocabulary): vocabulary.count
    case .bytes(let vocabulary): vocabulary.count
    case .words(let vocabulary): vocabulary.count
    case .subwords(let vocabulary): vocabulary.count
    }
  }

  /// What stands before a line: its end's token, or the first one when the vocabulary knows no lines.
  public var lineEnd: Int32 {
    switch self {
    case .characters(let vocabulary): vocabulary.token(of: "\n") ?? 0
    case .graphemes(let vocabulary): vocabulary.token(of: "\n") ?? vocabulary.token(of: "\r\n") ?? 0
    case .bytes: Int32(UInt8(ascii: "\n"))
    case .words: WordVocabulary.lineEndToken
    case .subwords(let vocabulary): vocabulary.characters.token(of: "\n") ?? 0
    }
  }

  /// The tokens of a text. Throws `.invalidData` for a character that the vocabulary lacks; there are no such words or
  /// bytes.
  public func encode(_ text: PlainText) throws(UnrollError) -> Tokens {
    switch self {
    case .characters(let vocabulary): try vocabulary.encode(text)
    case .graphemes(let vocabulary): try vocabulary.encode(text)
    case .bytes(let vocabulary): vocabulary.encode(text)
    case .words(let vocabulary): vocabulary.encode(text)
    case .subwords(let vocabulary): try vocabulary.encode(text)
    }
  }

  /// The tokens of a string, for example a prompt; `source` is what it is called in a message.
  public func encode(_ string: String, source: String = "text") throws(UnrollError) -> [Int32] {
    try Array(encode(PlainText(string, source: source)))
  }

  /// The text of tokens. Traps on a number outside 0..<count.
  public func decode(_ tokens: some Sequence<Int32>) -> String {
    var decoder = TokenDecoder(self)
    var text = ""
    for token in tokens { text += decoder.text(of: token) }
    return text + decoder.rest()
  }

  /// How a token is shown by itself: its text, or a byte's number. Traps on a number outside 0..<count.
  public func label(of token: Int32) -> String {
    switch self {
    case .bytes(let vocabulary): return vocabulary.label(of: token)
    case .characters, .graphemes, .words, .subwords:
      var decoder = TokenDecoder(self)
      return decoder.text(of: token)
    }
  }

  /// Characters (Unicode scalars) that some tokens stand for; nil for words, which do not tell how they were set apart.
  public func characters(of tokens: some Sequence<Int32>) -> Int? {
    switch self {
    case .characters: tokens.reduce(0) { count, _ in count + 1 }
    case .graphemes(let vocabulary): tokens.reduce(0) { $0 + vocabulary.length(of: $1) }
    case .bytes: tokens.reduce(0) { $0 + (UTF8.isContinuation(UInt8(truncatingIfNeeded: $1)) ? 0 : 1) }
    case .words: nil
    case .subwords(let vocabulary): tokens.reduce(0) { $0 + vocabulary.length(of: $1) }
    }
  }
}
