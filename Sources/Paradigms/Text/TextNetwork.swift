import Networks
import Recurrence
import Tensors

/// The sizes of a ``TextNetwork``.
public struct TextNetworkShape: Hashable, Sendable, Codable {
  /// The recurrent layers' cell; LSTM by default.
  public var cell = CellKind.lstm
  /// How the recurrent layers' weights for the state begin; nil: orthogonal.
  public var recurrentInitializer: Initializer?
  /// Number of recurrent layers; 1 by default.
  public var layers = 1
  /// Whether the output of each layer above the first is added to what it reads (``Residual``), as in networks that
  /// grew; nil: no.
  public var isResidual: Bool?
  /// Values of each layer's hidden state; 256 by default.
  public var hidden = 256
  /// Values of a character's vector; 64 by default.
  public var embedding = 64
  /// Rate of the dropout before, between and after the recurrent layers; 0 by default.
  public var dropout: Float = 0
  /// Noise and normalisation inside the recurrent layers; nil: none.
  public var regularization: Regularization?
  /// What else keeps the model from learning by heart; nil: nothing.
  public var regularizers: TextRegularizers?

  /// The default sizes.
  public init() {}
}

/// A language model's network: each token's vector, recurrent layers, and a score for each token that may come next.
///
///     tokens [time, batch] → embedding → recurrent layers → linear → logits [rows, tokens]
///
/// Many to many of the same length: at every time step the answer is the next token.
public struct TextNetwork: Module {
  /// The tokens' vectors.
  public let embedding: Embedding
  /// The recurrent layers.
  public let recurrent: Stack
  /// Scores of the tokens.
  public let readout: Linear
  /// Before and after the recurrent layers.
  public let dropout: Dropout
  /// Of tokens, their vectors, and the loss.
  public let regularizers: TextRegularizers
  /// What vectors are multiplied with where the table is the readout's weight too.
  let scale: Float

  /// A new network for a vocabulary of `tokens`.
  public init(
    _ shape: TextNetworkShape, tokens: Int, initialization: CellInitialization = CellInitialization(),
    using random: inout RandomSource
  ) {
    regularizers = shape.regularizers ?? TextRegularizers()
    let root = regularizers.tiesEmbeddings ? Float(shape.embedding).squareRoot() : 1
    scale = regularizers.embeddingScale ?? root
    embedding = Embedding(
      tokens: tokens, size: shape.embedding, initializer: .normal(deviation: 1 / root), using: &random)
    let layers = (0..<shape.layers).map { layer in
      shape.cell.layer(
        inputSize: layer == 0 ? shape.embedding : shape.hidden, hiddenSize: shape.hidden,
        initialization: initialization, regularization: shape.regularization ?? .none, using: &random
      ).added(shape.isResidual == true && layer > 0)
    }
    recurrent = Stack(layers, dropout: shape.dropout)
    readout =
      regularizers.tiesEmbeddings
      ? Linear(weight: embedding.table, bias: Parameter(.zeros([tokens])))
      : Linear(inputs: shape.hidden, outputs: tokens, using: &random)
    dropout = Dropout(rate: shape.dropout)
  }

  /// The state before the first token.
  public func initialState(batch: Int) -> LayerState { recurrent.initialState(batch: batch) }

  /// Scores of what comes after each token, [rows of `tokens.layout`, vocabulary], and the state after the last ones.
  public func callAsFunction(_ tokens: TokenBatch, from state: LayerState, in evaluation: inout Evaluation) -> (
    logits: Tensor, state: LayerState
  ) {
    let result = features(of: tokens, from: state, in: &evaluation)
    return (readout(result.dropped.rows), result.state)
  }

  /// What the last recurrent layer gives, the same after dropout, which the scores are read from, and the state.
  private func features(of tokens: TokenBatch, from state: LayerState, in evaluation: inout Evaluation) -> (
    output: SequenceBatch, dropped: SequenceBatch, state: LayerState
  ) {
    let read = tokens.replacing(at: regularizers.wordDropout, with: 0, in: &evaluation)
    var vectors = embedding(read, dropping: regularizers.embeddingDropout, in: &evaluation)
    if scale != 1 { vectors = vectors.mapRows { scale * $0 } }
    vectors = dropout(vectors, in: &evaluation)
    let result = LayerPath.entering("recurrent") { recurrent(vectors, from: state, in: &evaluation) }
    return (result.output, dropout(result.output, in: &evaluation), result.state)
  }

  /// The summed loss of the targets, in nats, a token each, and the state after the last ones. While training, labels
  /// are smoothed, or `sampling` takes part of the tokens, and the penalties are added, times the number of targets.
  func summedLoss(
    of targets: TokenBatch, after tokens: TokenBatch, from state: LayerState, sampling: SampledSoftmax? = nil,
    in evaluation: inout Evaluation
  ) -> (sum: Tensor, state: LayerState) {
    let result = features(of: tokens, from: state, in: &evaluation)
    guard var random = evaluation.random else {
      return (readout.crossEntropy(result.dropped.rows, targets.tokens).sum(), result.state)
    }
    let losses =
      sampling?.crossEntropy(of: readout, result.dropped.rows, targets.tokens, using: &random)
      ?? readout.crossEntropy(result.dropped.rows, targets.tokens, smoothing: regularizers.labelSmoothing)
    evaluation.random = random
    var sum = losses.sum()
    let count = Float(targets.tokens.count { $0 >= 0 })
    if regularizers.activationPenalty > 0 {
      sum = sum + count * regularizers.activationPenalty * result.dropped.activationPenalty()
    }
    if regularizers.temporalPenalty > 0 {
      sum = sum + count * regularizers.temporalPenalty * result.output.temporalActivationPenalty()
    }
    return (sum, result.state)
  }
}
