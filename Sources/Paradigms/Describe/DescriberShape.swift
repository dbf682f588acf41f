import Interchange
import Networks

/// The sizes of a ``Describer``'s network, and how it reads files.
public struct DescriberShape: RecurrentShape {
  /// The file of captions; nil: they stand beside the names.
  public var captions: String?
  /// Words that occur less often are unknown.
  public var minimumCount = 4
  /// The recurrent cell.
  public var cell = CellKind.lstm
  /// How the recurrent layers' weights for the state begin; nil: orthogonal.
  public var recurrentInitializer: Initializer?
  /// Values of the hidden state.
  public var hidden = 512
  /// Values of a word's vector.
  public var embedding = 256
  /// Values that a picture's features become.
  public var features = 512
  /// Hidden units of the attention, where features have places.
  public var attention = 256
  /// Channels of each convolution of pixels, the first first; a 2 x 2 pooling follows each.
  public var channels = [32, 64, 128]
  /// Pixels that a picture is moved by at most, at random, while training.
  public var shift = 0
  /// Rate of the dropout of features.
  public var featureDropout: Float = 0.3
  /// Rate of the dropout of words' vectors.
  public var dropout: Float = 0.3
  /// Rate of the dropout of what scores are read from.
  public var outputDropout: Float = 0.5
  /// Share of a word's probability that is spread over all.
  public var labelSmoothing: Float = 0.1
  /// Words of a caption at most.
  public var longest = 40

  /// The default sizes.
  public init() {}

  /// Throws when a number is outside its range.
  public func validate(at place: String?) throws(UnrollError) {
    try require("minimum-count", minimumCount, 1...1_000_000_000, at: place)
    try require("hidden", hidden, 1...16_384, at: place)
    try require("embedding", embedding, 1...16_384, at: place)
    try require("features", features, 1...16_384, at: place)
    try require("attention", attention, 1...16_384, at: place)
    try require("channels", channels.count, 1...16, at: place)
    for count in channels { try require("channels", count, 1...16_384, at: place) }
    try require("shift", shift, 0...1000, at: place)
    try require("longest", longest, 1...100_000, at: place)
    try requireRate("feature-dropout", featureDropout, at: place)
    try requireRate("dropout", dropout, at: place)
    try requireRate("output-dropout", outputDropout, at: place)
    try requireRate("label-smoothing", labelSmoothing, at: place)
  }

  /// The decoder's sizes.
  func writer(words: Int, hasPlaces: Bool) -> SentenceWriter.Sizes {
    SentenceWriter.Sizes(
      cell: cell, tokens: words, embedding: embedding, hidden: hidden, memory: hasPlaces ? features : nil,
      attention: attention, vector: features)
  }

  /// Number of learnt values of such a network.
  func parameterCount(_ picture: DescriberNetwork.Picture, words: Int) -> Int {
    var count = (picture.values + 1) * features
    if picture.pixels != nil {
      let sizes = [picture.values] + channels
      count = zip(sizes, channels).reduce((sizes[channels.count] + 1) * features) { $0 + (9 * $1.0 + 1) * $1.1 }
    }
    return count + SentenceWriter.parameterCount(writer(words: words, hasPlaces: picture.hasPlaces))
  }
}
