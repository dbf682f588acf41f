import ArgumentParser
import Unroll

/// Noise and normalisation inside the recurrent layers, as flags.
struct RegularizationOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: "Share of values dropped from each layer's input while training, the same at all time steps.")
  var inputDropout: Float?
  @Option(parsing: .unconditional, help: "The same of the state, where products read it.") var stateDropout: Float?
  @Option(parsing: .unconditional, help: "The same of each layer's output.") var outputDropout: Float?
  @Option(parsing: .unconditional, help: "Share of what is written into the state that is dropped, anew at each step.")
  var recurrentDropout: Float?
  @Option(parsing: .unconditional, help: "Share of the state that stays as it was, anew at each step.")
  var zoneout: Float?
  @Option(parsing: .unconditional, help: "Share of the recurrent weights dropped, anew at each update.")
  var dropConnect: Float?
  @Flag(help: "Layer normalisation of the products inside the recurrent layers.") var layerNorm = false

  /// The flags, and whether each was given.
  var given: [(String, Bool)] {
    [
      ("--input-dropout", inputDropout != nil), ("--state-dropout", stateDropout != nil),
      ("--output-dropout", outputDropout != nil), ("--recurrent-dropout", recurrentDropout != nil),
      ("--zoneout", zoneout != nil), ("--drop-connect", dropConnect != nil), ("--layer-norm", layerNorm),
    ]
  }

  /// nil when no flag was given.
  var value: Regularization? {
    guard given.contains(where: \.1) else { return nil }
    return Regularization(
      inputDropout: inputDropout ?? 0, stateDropout: stateDropout ?? 0, outputDropout: outputDropout ?? 0,
      recurrentDropout: recurrentDropout ?? 0, zoneout: .init(others: zoneout ?? 0), dropConnect: dropConnect ?? 0,
      normalizesLayers: layerNorm)
  }
}

/// What else keeps a language model from learning its text by heart, as flags.
struct TextRegularizerOptions: ParsableArguments {
  @Flag(help: "One table for the tokens' vectors and the readout; --embedding is then --hidden.")
  var tieEmbeddings = false
  @Option(
    parsing: .unconditional,
    help: "What a tied table's vectors are multiplied with where they are read. (default: √hidden)")
  var embeddingScale: Float?
  @Option(parsing: .unconditional, help: "Share of tokens that are read as the vocabulary's first, <unk> of words.")
  var wordDropout: Float?
  @Option(parsing: .unconditional, help: "Share of tokens whose vectors are dropped from a batch.")
  var embeddingDropout: Float?
  @Option(parsing: .unconditional, help: "Share of the target's probability that is spread over all tokens.")
  var labelSmoothing: Float?
  @Option(parsing: .unconditional, help: "Factor of the mean square of the outputs (AR).") var activationPenalty: Float?
  @Option(parsing: .unconditional, help: "Factor of the mean square of their change over time (TAR).")
  var temporalPenalty: Float?

  /// The flags, and whether each was given.
  var given: [(String, Bool)] {
    [
      ("--tie-embeddings", tieEmbeddings), ("--embedding-scale", embeddingScale != nil),
      ("--word-dropout", wordDropout != nil),
      ("--embedding-dropout", embeddingDropout != nil), ("--label-smoothing", labelSmoothing != nil),
      ("--activation-penalty", activationPenalty != nil), ("--temporal-penalty", temporalPenalty != nil),
    ]
  }

  /// nil when no flag was given.
  var value: TextRegularizers? {
    guard given.contains(where: \.1) else { return nil }
    var value = TextRegularizers()
    value.tiesEmbeddings = tieEmbeddings
    value.embeddingScale = embeddingScale
    value.wordDropout = wordDropout ?? 0
    value.embeddingDropout = embeddingDropout ?? 0
    value.labelSmoothing = labelSmoothing ?? 0
    value.activationPenalty = activationPenalty ?? 0
    value.temporalPenalty = temporalPenalty ?? 0
    return value
  }
}
