import Corpora
import Interchange
import Networks

/// The sizes of a ``Tagger``'s network, and how it reads sentences.
public struct TaggerShape: RecurrentShape {
  /// The form of its files.
  public var format = TagFormat.upos
  /// How often a word must occur in the training sentences, in any case, to have a vector of its own; 2 by default.
  public var minimumCount = 2
  /// The cell of all recurrent layers.
  public var cell = CellKind.lstm
  /// How the recurrent layers' weights for the state begin; nil: orthogonal.
  public var recurrentInitializer: Initializer?
  /// Number of bidirectional layers over the words.
  public var layers = 2
  /// Whether the output of each layer above the first is added to what it reads (``Residual``), as in networks that
  /// grew; nil: no.
  public var isResidual: Bool?
  /// Values of each of these layers' hidden state, in each direction.
  public var hidden = 200
  /// Values of a word's vector.
  public var wordVector = 100
  /// Values of a character's vector.
  public var characterVector = 32
  /// Values of the hidden state over the characters of a word, in each direction.
  public var characterHidden = 64
  /// Rate of the dropout before, between and after the layers.
  public var dropout: Float = 0.4
  /// Rate of words that are read as `<unk>` while training: their characters must do.
  public var wordDropout: Float = 0.1
  /// Whether a tag's score depends on the tag before it, too (``LinearChain``).
  public var hasChain = false
  /// Noise and normalisation inside the recurrent layers over the words; nil: none.
  public var regularization: Regularization?

  /// The default sizes.
  public init() {}

  /// Throws when a number is outside its range.
  public func validate(at place: String?) throws(UnrollError) {
    try require("minimum-count", minimumCount, 1...1_000_000_000, at: place)
    try require("layers", layers, 1...64, at: place)
    try require("hidden", hidden, 1...16_384, at: place)
    try require("word-vector", wordVector, 1...16_384, at: place)
    try require("character-vector", characterVector, 1...16_384, at: place)
    try require("character-hidden", characterHidden, 1...16_384, at: place)
    try requireRate("dropout", dropout, at: place)
    try requireRate("word-dropout", wordDropout, at: place)
    try require(regularization, for: cell, at: place)
  }

  /// Number of learnt values of such a network, but for a chain's.
  package func parameterCount(words: Int, characters: Int, tags: Int) -> Int {
    let spelling = 2 * cell.parameterCount(inputSize: characterVector, hiddenSize: characterHidden)
    let perLayer = (0..<layers).map { layer in
      2
        * cell.parameterCount(
          inputSize: layer == 0 ? 2 * characterHidden + wordVector : 2 * hidden, hiddenSize: hidden,
          normalizesLayers: regularization?.normalizesLayers ?? false)
    }
    let tables = words * wordVector + characters * characterVector
    return perLayer.reduce(tables + spelling + (2 * hidden + 1) * tags, +)
  }
}
