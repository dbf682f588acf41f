import Interchange
import Networks

/// Sizes of a ``TranslatorNetwork``, and how text becomes tokens.
public struct TranslatorShape: RecurrentShape {
  /// The cell of encoder and decoder; GRU by default.
  public var cell = CellKind.gruResetAfter
  /// How the recurrent layers' weights for the state begin; nil: orthogonal.
  public var recurrentInitializer: Initializer?
  /// Bidirectional layers of the encoder; 1 by default.
  public var layers = 1
  /// Values of each state; 256 by default.
  public var hidden = 256
  /// Values of a token's vector; 128 by default.
  public var embedding = 128
  /// Units of the attention's hidden layer; 256 by default.
  public var attention = 256
  /// Rate of dropout of vectors; 0.25 by default.
  public var dropout: Float = 0.25
  /// Rate of dropout of what attention reads, and of what the scores are read from; 0.4 by default.
  public var outputDropout: Float = 0.4
  /// Share of the target's probability that is spread over all tokens; 0.1 by default.
  public var labelSmoothing: Float = 0.1
  /// Merges of the byte pair encoding, learnt of both languages together; 0: words and marks as they are.
  public var merges = 8_000
  /// Whether text is lower-cased.
  public var lowercases = true
  /// Tokens of the two languages' tables.
  public var sourceTokens = 0, targetTokens = 0
  /// Tokens of a sentence that are read at most; what is behind them is left out. 200 by default.
  public var longest = 200

  /// The default sizes.
  public init() {}

  /// Throws when a number is outside its range.
  public func validate(at place: String?) throws(UnrollError) {
    try require("layers", layers, 1...64, at: place)
    try require("hidden", hidden, 1...16_384, at: place)
    try require("embedding", embedding, 1...16_384, at: place)
    try require("attention", attention, 1...16_384, at: place)
    try require("merges", merges, 0...1_000_000, at: place)
    try require("longest", longest, 1...100_000, at: place)
    try require("source tokens", sourceTokens, 3...2_000_000, at: place)
    try require("target tokens", targetTokens, 3...2_000_000, at: place)
    try requireRate("dropout", dropout, at: place)
    try requireRate("output-dropout", outputDropout, at: place)
    try requireRate("label-smoothing", labelSmoothing, at: place)
  }

  /// The decoder's sizes.
  var writer: SentenceWriter.Sizes {
    SentenceWriter.Sizes(
      cell: cell, tokens: targetTokens, embedding: embedding, hidden: hidden, memory: 2 * hidden, attention: attention,
      vector: 2 * hidden)
  }

  /// Number of learnt values of such a network.
  package var parameterCount: Int {
    let encoder = (0..<layers).map { layer in
      2 * cell.parameterCount(inputSize: layer == 0 ? embedding : 2 * hidden, hiddenSize: hidden)
    }
    return encoder.reduce(sourceTokens * embedding + SentenceWriter.parameterCount(writer), +)
  }
}
