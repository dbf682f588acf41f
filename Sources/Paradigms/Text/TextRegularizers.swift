import Interchange
import Networks
import Tensors

/// What keeps a language model from learning its text by heart, beside dropout between and noise inside the recurrent
/// layers. Everything is off by default; while training alone.
public struct TextRegularizers: Hashable, Sendable, Codable {
  /// Whether the readout's weight is the embedding's table (Inan et al. 2017; Press & Wolf 2017): one parameter, which
  /// needs vectors of the state's size. The table begins with a deviation of 1/√size, and what is read from it is
  /// scaled, so that both sides begin as usual.
  public var tiesEmbeddings = false
  /// What is read from a tied table is multiplied with this; nil: √size, so that vectors begin with a deviation of 1,
  /// like those that are not tied. With 1 the table is read as it is, as in Press & Wolf 2017. Which learns better is
  /// for the data to say.
  public var embeddingScale: Float?
  /// Rate of tokens that are read as the first of the vocabulary: `<unk>`, of characters one of them.
  public var wordDropout: Float = 0
  /// Rate of tokens whose vectors are dropped from a batch.
  public var embeddingDropout: Float = 0
  /// Share of the target's probability that is spread over all tokens.
  public var labelSmoothing: Float = 0
  /// Factor of the mean square of what the readout reads (AR; Merity et al. 2017 use 2).
  public var activationPenalty: Float = 0
  /// Factor of the mean square of how much the last layer's output changes in a time step (TAR; there 1).
  public var temporalPenalty: Float = 0

  /// Nothing.
  public init() {}

  /// What is wrong, and the flag that sets it; nil when nothing is.
  func fault(_ shape: TextNetworkShape) -> (flag: String, message: String)? {
    for (flag, rate) in [
      ("word-dropout", wordDropout), ("embedding-dropout", embeddingDropout), ("label-smoothing", labelSmoothing),
    ] where !(rate >= 0 && rate < 1) {
      return (flag, "\(flag) is \(rate), and must be at least 0 and below 1")
    }
    for (flag, factor) in [("activation-penalty", activationPenalty), ("temporal-penalty", temporalPenalty)]
    where !(factor >= 0 && factor.isFinite) {
      return (flag, "\(flag) is \(factor), and must be 0 or more")
    }
    if let embeddingScale {
      guard embeddingScale > 0, embeddingScale.isFinite else {
        return ("embedding-scale", "embedding-scale is \(embeddingScale), and must be above 0")
      }
      guard tiesEmbeddings else {
        return ("embedding-scale", "embedding-scale is for tied embeddings, and these are not (--tie-embeddings)")
      }
    }
    guard tiesEmbeddings, shape.embedding != shape.hidden else { return nil }
    return (
      "embedding", "tied embeddings need vectors of the state's size, \(shape.hidden), not \(shape.embedding)"
    )
  }
}
