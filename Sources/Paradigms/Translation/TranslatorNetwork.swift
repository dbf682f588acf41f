import Networks
import Recurrence
import Tensors

/// An encoder that reads a sentence in both directions, and a decoder that looks at it at every step (Bahdanau et al.
/// 2015): many to many of different length.
///
///     source → vectors → bidirectional layers → annotations, one for each token
///     state  = tanh(W · mean annotation)
///     target → vectors → decoder: [cell's output, what attention reads] → tanh → scores of the next token
///
/// The table of the target's vectors is the weight of the scores too.
public struct TranslatorNetwork: Module {
  /// Vectors of the source's and the target's tokens.
  public let source, target: Embedding
  /// Reads the source.
  public let encoder: Stack
  /// From the mean annotation to the decoder's state.
  public let bridge: Bridge
  /// Writes the target.
  public let decoder: any AttentiveLayer
  /// From [vector, output, what was read] to the size of a vector.
  public let combine: Linear
  /// Scores of the next token.
  public let readout: Linear
  private let vectorDropout, outputDropout: Dropout
  private let scale: Float
  private let labelSmoothing: Float

  /// A new network. Recurrent columns begin orthogonal; `initialization` says otherwise.
  public init(
    _ shape: TranslatorShape, initialization: CellInitialization = CellInitialization(),
    using random: inout RandomSource
  ) {
    scale = Float(shape.embedding).squareRoot()
    source = Embedding(tokens: shape.sourceTokens, size: shape.embedding, using: &random)
    target = Embedding(
      tokens: shape.targetTokens, size: shape.embedding, initializer: .normal(deviation: 1 / scale), using: &random)
    encoder = Stack(
      (0..<shape.layers).map { layer in
        let inputs = layer == 0 ? shape.embedding : 2 * shape.hidden
        return shape.cell.bidirectional(
          inputSize: inputs, hiddenSize: shape.hidden, initialization: initialization, using: &random)
      }, dropout: shape.dropout)
    let memory = encoder.outputSize
    let attention = Attention(
      .additive(size: shape.attention), querySize: shape.hidden, memorySize: memory, using: &random)
    let cell = shape.cell.cell(
      inputSize: shape.embedding + memory, hiddenSize: shape.hidden, initialization: initialization, using: &random)
    let decoder = cell.attentive(inputSize: shape.embedding, attentions: [attention], using: &random)
    self.decoder = decoder
    bridge = Bridge(inputSize: memory, to: decoder.anyAttending(to: [.oneRow(memory)]), using: &random)
    combine = Linear(
      inputs: shape.embedding + decoder.outputSize, outputs: shape.embedding, using: &random)
    readout = Linear(weight: target.table, bias: Parameter(.zeros([shape.targetTokens])))
    vectorDropout = Dropout(rate: shape.dropout)
    outputDropout = Dropout(rate: shape.outputDropout)
    labelSmoothing = shape.labelSmoothing
  }

  /// What attention looks at: an annotation for each token of the source.
  func annotations(of tokens: TokenBatch, in evaluation: inout Evaluation) -> SequenceBatch {
    let vectors = vectorDropout(source(tokens), in: &evaluation)
    let output = encoder(
      vectors, from: encoder.initialState(batch: tokens.layout.batch), in: &evaluation
    ).output
    return outputDropout(output, in: &evaluation)
  }

  /// The state that the decoder begins with.
  func initialState(_ annotations: SequenceBatch) -> LayerState {
    bridge(Pooling.mean(annotations, LayerState()))
  }

  /// What the scores of the next tokens are read from, the state after them, and where the decoder looked.
  func features(
    after tokens: TokenBatch, _ layer: any AttendingLayer, from state: LayerState, in evaluation: inout Evaluation
  ) -> (rows: Tensor, state: LayerState, weights: SequenceBatch) {
    let vectors = vectorDropout(target(tokens).mapRows { scale * $0 }, in: &evaluation)
    let result = layer.run(vectors, from: state, in: &evaluation)
    let combined = tanh(combine(concatenated(vectors.rows, result.output.rows)))
    return (outputDropout(combined, in: &evaluation), result.state, result.weights[0])
  }

  /// The summed loss of sentences, in nats, a target token and each end one.
  func summedLoss(
    sources: [[Int32]], targets: [[Int32]], in evaluation: inout Evaluation
  ) -> (sum: Tensor, units: Int) {
    let annotations = annotations(of: TokenBatch(sources), in: &evaluation)
    let layer = decoder.anyAttending(to: [annotations])
    let inputs = TokenBatch(targets.map { [TranslatorTokens.begin] + $0 })
    let wanted = TokenBatch(targets.map { $0 + [TranslatorTokens.end] })
    let result = features(after: inputs, layer, from: initialState(annotations), in: &evaluation)
    let losses = readout.crossEntropy(
      result.rows, wanted.tokens, smoothing: evaluation.random == nil ? 0 : labelSmoothing)
    return (losses.sum(), wanted.tokens.count)
  }
}

/// The numbers of what is no piece of text.
enum TranslatorTokens {
  static let specials = ["<unk>", "<bos>", "<eos>"]
  static let unknown: Int32 = 0
  static let begin: Int32 = 1
  static let end: Int32 = 2
}

extension SequenceBatch {
  /// One sequence of one time step of zeros.
  fileprivate static func oneRow(_ features: Int) -> SequenceBatch {
    SequenceBatch(rows: .zeros([1, features]), layout: Layout(lengths: [1]))
  }
}
