import Networks
import Recurrence
import Tensors

/// The sizes of a ``TextNetwork``.
public struct TextNetworkShape: Hashable, Sendable, Codable {
  /// The recurrent layers' cell; LSTM by default.
  public var cell = CellKind.lstm
  /// Number of recurrent layers; 1 by default.
  public var layers = 1
  /// Values of each layer's hidden state; 256 by default.
  public var hidden = 256
  /// Values of a character's vector; 64 by default.
  public var embedding = 64
  /// Rate of the dropout before, between and after the recurrent layers; 0 by default.
  public var dropout: Float = 0
  /// Noise and normalisation inside the recurrent layers; nil: none.
  public var regularization: Regularization?

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

  /// A new network for a vocabulary of `tokens`.
  public init(
    _ shape: TextNetworkShape, tokens: Int, initialization: CellInitialization = CellInitialization(),
    using random: inout RandomSource
  ) {
    embedding = Embedding(tokens: tokens, size: shape.embedding, using: &random)
    let layers = (0..<shape.layers).map { layer in
      shape.cell.layer(
        inputSize: layer == 0 ? shape.embedding : shape.hidden, hiddenSize: shape.hidden,
        initialization: initialization, regularization: shape.regularization ?? .none, using: &random)
    }
    recurrent = Stack(layers, dropout: shape.dropout)
    readout = Linear(inputs: shape.hidden, outputs: tokens, using: &random)
    dropout = Dropout(rate: shape.dropout)
  }

  /// The state before the first token.
  public func initialState(batch: Int) -> LayerState { recurrent.initialState(batch: batch) }

  /// Scores of what comes after each token, [rows of `tokens.layout`, vocabulary], and the state after the last ones.
  public func callAsFunction(_ tokens: TokenBatch, from state: LayerState, in evaluation: inout Evaluation) -> (
    logits: Tensor, state: LayerState
  ) {
    let result = features(of: tokens, from: state, in: &evaluation)
    return (readout(result.rows), result.state)
  }

  /// What the scores are read from: [rows of `tokens.layout`, hidden].
  func features(of tokens: TokenBatch, from state: LayerState, in evaluation: inout Evaluation) -> (
    rows: Tensor, state: LayerState
  ) {
    let vectors = dropout(embedding(tokens), in: &evaluation)
    let result = LayerPath.entering("recurrent") { recurrent(vectors, from: state, in: &evaluation) }
    return (dropout(result.output.rows, in: &evaluation), result.state)
  }
}
