import Networks
import Recurrence
import Tensors

/// An encoder that reads a sentence in both directions, and a decoder that looks at it at every step (Bahdanau et al.
/// 2015): many to many of different length.
///
///     source → vectors → bidirectional layers → annotations, one for each token
///     the writer begins from the mean annotation, and looks at all of them
public struct TranslatorNetwork: Module {
  /// Vectors of the source's tokens.
  public let source: Embedding
  /// Reads the source.
  public let encoder: Stack
  /// Writes the target.
  public let writer: SentenceWriter
  private let vectorDropout, outputDropout: Dropout

  /// A new network. Recurrent columns begin orthogonal; `initialization` says otherwise.
  public init(
    _ shape: TranslatorShape, initialization: CellInitialization = CellInitialization(),
    using random: inout RandomSource
  ) {
    // Small vectors, as what a rare word begins with is noise.
    source = Embedding(
      tokens: shape.sourceTokens, size: shape.embedding, initializer: .normal(deviation: 0.1), using: &random)
    encoder = Stack(
      (0..<shape.layers).map { layer in
        let inputs = layer == 0 ? shape.embedding : 2 * shape.hidden
        return shape.cell.bidirectional(
          inputSize: inputs, hiddenSize: shape.hidden, initialization: initialization, using: &random)
      }, dropout: shape.dropout)
    writer = SentenceWriter(
      shape.writer, dropout: shape.dropout, outputDropout: shape.outputDropout, labelSmoothing: shape.labelSmoothing,
      initialization: initialization, using: &random)
    vectorDropout = Dropout(rate: shape.dropout)
    outputDropout = Dropout(rate: shape.outputDropout)
  }

  /// What attention looks at: an annotation for each token of the source; and what the writer begins from.
  private func read(_ sources: [[Int32]], in evaluation: inout Evaluation) -> (annotations: SequenceBatch, mean: Tensor)
  {
    let vectors = vectorDropout(source(TokenBatch(sources)), in: &evaluation)
    let output = encoder(vectors, from: encoder.initialState(batch: sources.count), in: &evaluation).output
    let annotations = outputDropout(output, in: &evaluation)
    return (annotations, Pooling.mean(annotations, LayerState()))
  }

  /// The summed loss of sentences, in nats, a target token and each end one.
  func summedLoss(
    sources: [[Int32]], targets: [[Int32]], in evaluation: inout Evaluation
  ) -> (sum: Tensor, units: Int) {
    let (annotations, mean) = read(sources, in: &evaluation)
    return writer.summedLoss(of: targets, from: mean, lookingAt: annotations, in: &evaluation)
  }

  /// The best translations of some sentences, best first, at least one each.
  func translate(_ sources: [[Int32]], by search: BeamSearch) -> [[BeamSearch.Hypothesis]] {
    var evaluation = Evaluation.inference
    let (annotations, mean) = read(sources, in: &evaluation)
    return writer.write(
      from: mean, lookingAt: annotations, limits: sources.map { max(1, 2 * $0.count + 5) }, by: search)
  }

  /// Where the writer looks while it writes a translation and its end: weights [target + 1, source].
  func weights(of translation: [Int32], from source: [Int32]) -> [[Float]] {
    var evaluation = Evaluation.inference
    let (annotations, mean) = read([source], in: &evaluation)
    return writer.weights(of: translation, from: mean, lookingAt: annotations)
  }
}
