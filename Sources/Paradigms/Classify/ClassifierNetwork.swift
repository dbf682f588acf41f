import Networks
import Recurrence
import Tensors

/// A classifier's network: many to one.
///
///     tokens [time, batch] → embedding → recurrent layers → pooling → linear → logits [batch, labels]
public struct ClassifierNetwork: Module {
  /// The tokens' vectors.
  public let embedding: Embedding
  /// The recurrent layers.
  public let recurrent: Stack
  /// Weights of the outputs, when the pooling learns them.
  public let attention: AttentivePooling?
  /// Scores of the labels.
  public let readout: Linear
  private let shape: ClassifierShape
  private let dropout: Dropout
  private let pooling: Pooling

  /// A new network for a number of tokens and labels.
  public init(_ shape: ClassifierShape, tokens: Int, labels: Int, using random: inout RandomSource) {
    self.shape = shape
    dropout = Dropout(rate: shape.dropout)
    // Most words are rare: a large vector that no update ever changes much would be noise. Characters are not.
    let deviation: Float = shape.unit == .words ? 0.1 : 1
    embedding = Embedding(
      tokens: tokens, size: shape.embedding, initializer: .normal(deviation: deviation), using: &random)
    let outputs = shape.isBidirectional ? 2 * shape.hidden : shape.hidden
    let layers = (0..<shape.layers).map { layer -> any SequenceLayer in
      let inputs = layer == 0 ? shape.embedding : outputs
      let regularization = shape.regularization ?? .none
      let own: any SequenceLayer =
        shape.isBidirectional
        ? shape.cell.bidirectional(
          inputSize: inputs, hiddenSize: shape.hidden, initialization: shape.initialization,
          regularization: regularization, using: &random)
        : shape.cell.layer(
          inputSize: inputs, hiddenSize: shape.hidden, initialization: shape.initialization,
          regularization: regularization, using: &random)
      return own.added(shape.isResidual == true && layer > 0)
    }
    recurrent = Stack(layers, dropout: shape.dropout)
    attention =
      shape.pooling == .attention
      ? AttentivePooling(size: outputs, hidden: shape.hidden, using: &random) : nil
    switch shape.pooling {
    case .last: pooling = .last
    case .mean, .attention: pooling = .mean
    case .max: pooling = .maximum
    case .state:
      let part = shape.cell.stateParts.first ?? "hidden"
      let directions = shape.isBidirectional ? ["forward.", "backward."] : [""]
      pooling = .state(directions.map { "\(shape.layers - 1).\($0)\(part)" })
    }
    readout = Linear(inputs: pooling.size(of: recurrent), outputs: labels, using: &random)
  }

  /// A vector for each text, [batch, size], which the scores are read from.
  func vectors(of tokens: TokenBatch, in evaluation: inout Evaluation) -> Tensor {
    let read = tokens.replacing(at: shape.wordDropout, with: 0, in: &evaluation)
    let vectors = dropout(
      embedding(read, dropping: shape.embeddingDropout, in: &evaluation), in: &evaluation)
    let result = LayerPath.entering("recurrent") {
      recurrent(vectors, from: recurrent.initialState(batch: tokens.layout.batch), in: &evaluation)
    }
    let pooled = attention.map { $0(result.output) } ?? pooling(result.output, result.state)
    return dropout(pooled, in: &evaluation)
  }

  /// The summed loss of the labels in nats, smoothed while training.
  func loss(of labels: [Int32], for tokens: TokenBatch, in evaluation: inout Evaluation) -> Tensor {
    let smoothing = evaluation.random == nil ? 0 : shape.labelSmoothing
    return readout.crossEntropy(vectors(of: tokens, in: &evaluation), labels, smoothing: smoothing).sum()
  }

  /// Scores of the labels, [batch, labels], without the noise of training.
  public func callAsFunction(_ tokens: TokenBatch) -> Tensor {
    var evaluation = Evaluation.inference
    return readout(vectors(of: tokens, in: &evaluation))
  }
}
