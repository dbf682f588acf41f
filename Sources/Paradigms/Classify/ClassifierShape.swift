import Corpora
import Interchange
import Networks

/// The sizes of a ``Classifier``'s network, and how it reads texts.
public struct ClassifierShape: RecurrentShape {
  /// How the outputs over a text become one vector.
  public enum Pooling: String, Hashable, Sendable, Codable, CaseIterable {
    /// The output at the last token.
    case last
    /// The mean of the outputs.
    case mean
    /// The largest of the outputs, value by value.
    case max
    /// The last layer's final state, of both directions.
    case state
    /// A weighted mean, by learnt weights (``AttentivePooling``).
    case attention
  }

  /// What a token is: a word between white space, a character (a Unicode scalar), a grapheme cluster, or a byte of
  /// UTF-8; no piece of a word.
  public var unit = TokenUnit.words
  /// Whether texts are read in lower case.
  public var lowercases = false
  /// How often a token must occur in the training texts to have a vector of its own; others are `<unk>`.
  public var minimumCount = 1
  /// Where texts and labels stand in a file.
  public var columns = TextColumns()
  /// The recurrent layers' cell.
  public var cell = CellKind.lstm
  /// How the recurrent layers' weights for the state begin; nil: orthogonal.
  public var recurrentInitializer: Initializer?
  /// Number of recurrent layers.
  public var layers = 1
  /// Whether the output of each layer above the first is added to what it reads (``Residual``), as in networks that
  /// grew; nil: no.
  public var isResidual: Bool?
  /// Values of each layer's hidden state, in each direction.
  public var hidden = 64
  /// Whether the layers read a text from both sides.
  public var isBidirectional = true
  /// Values of a token's vector.
  public var embedding = 128
  /// How outputs become one vector.
  public var pooling = Pooling.attention
  /// Rate of the dropout before, between and after the recurrent layers, and of the vector.
  public var dropout: Float = 0.6
  /// Rate of tokens that are read as `<unk>` while training.
  public var wordDropout: Float = 0.3
  /// Rate of tokens whose vectors are dropped from a batch while training.
  public var embeddingDropout: Float = 0
  /// Share of the right label's probability that is spread over all labels while training.
  public var labelSmoothing: Float = 0
  /// Noise and normalisation inside the recurrent layers; nil: none.
  public var regularization: Regularization?

  /// The defaults for texts of words.
  public init() {}

  /// The defaults for texts of words, or of anything smaller: of these there are few, and small differences matter.
  public init(_ unit: TokenUnit) {
    self.unit = unit
    guard unit != .words else { return }
    hidden = 128
    embedding = 32
    dropout = 0.3
    wordDropout = 0
    pooling = .max
  }

  /// Throws when a number is outside its range.
  public func validate(at place: String?) throws(UnrollError) {
    try require("layers", layers, 1...64, at: place)
    try require("hidden", hidden, 1...16_384, at: place)
    try require("embedding", embedding, 1...16_384, at: place)
    try require("minimum-count", minimumCount, 1...1_000_000_000, at: place)
    guard unit != .subwords else {
      throw UnrollError(
        place == nil ? .usage : .invalidData,
        "tokens are subwords, and a classifier reads words, characters, graphemes or bytes",
        at: place,
        hint: "--tokens words")
    }
    try requireRate("dropout", dropout, at: place)
    try requireRate("word-dropout", wordDropout, at: place)
    try requireRate("embedding-dropout", embeddingDropout, at: place)
    try requireRate("label-smoothing", labelSmoothing, at: place)
    try require(regularization, for: cell, at: place)
  }

  /// Number of learnt values of such a network, but for attention's.
  func parameterCount(tokens: Int, labels: Int) -> Int {
    let directions = isBidirectional ? 2 : 1
    let perLayer = (0..<layers).map { layer in
      directions
        * cell.parameterCount(
          inputSize: layer == 0 ? embedding : directions * hidden, hiddenSize: hidden,
          normalizesLayers: regularization?.normalizesLayers ?? false)
    }
    return perLayer.reduce(tokens * embedding + (directions * hidden + 1) * labels, +)
  }
}
