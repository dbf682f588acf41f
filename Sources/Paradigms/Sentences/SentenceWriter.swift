import Networks
import Recurrence
import Tensors

/// Writes sentences, token by token, after what it was told: a decoder.
///
///     state  = tanh(W · vector)
///     tokens → vectors → layer, which may look at memories before each step (Bahdanau et al. 2015)
///            → tanh(W · [vector, output]) → scores of the next token
///
/// The output is the state alone, or with what attention read. The table of the tokens' vectors is the weight of the
/// scores too.
public struct SentenceWriter: Module {
  /// Sizes of a writer.
  struct Sizes {
    var cell: CellKind
    /// Tokens, values of a vector, of the hidden state.
    var tokens, embedding, hidden: Int
    /// Values of what it looks at; nil: it looks at nothing.
    var memory: Int?
    /// Hidden units of the attention.
    var attention = 1
    /// Values of the vector that it begins from.
    var vector: Int
  }

  /// Vectors of the tokens.
  public let vectors: Embedding
  /// The layer that looks at memories; nil: it looks at none.
  public let attentive: (any AttentiveLayer)?
  /// The layer that looks at nothing; nil: it does.
  public let plain: (any SequenceLayer)?
  /// From a vector to the state to begin with.
  public let bridge: Bridge
  /// From [vector, output] to the size of a vector.
  public let combine: Linear
  /// Scores of the next token.
  public let readout: Linear
  private let vectorDropout, outputDropout: Dropout
  private let labelSmoothing: Float

  init(
    _ sizes: Sizes, dropout: Float, outputDropout: Float, labelSmoothing: Float,
    initialization: CellInitialization = CellInitialization(), using random: inout RandomSource
  ) {
    // Small vectors, as what a rare word begins with is noise.
    vectors = Embedding(
      tokens: sizes.tokens, size: sizes.embedding, initializer: .normal(deviation: 0.1), using: &random)
    let layer: any SequenceLayer
    if let memory = sizes.memory {
      let attention = Attention(
        .additive(size: sizes.attention), querySize: sizes.hidden, memorySize: memory, using: &random)
      let cell = sizes.cell.cell(
        inputSize: sizes.embedding + memory, hiddenSize: sizes.hidden, initialization: initialization, using: &random)
      let attentive = cell.attentive(inputSize: sizes.embedding, attentions: [attention], using: &random)
      (self.attentive, plain) = (attentive, nil)
      let oneRow = SequenceBatch(rows: .zeros([1, memory]), layout: Layout(lengths: [1]))
      layer = attentive.anyAttending(to: [oneRow])
    } else {
      layer = sizes.cell.layer(
        inputSize: sizes.embedding, hiddenSize: sizes.hidden, initialization: initialization, using: &random)
      (attentive, plain) = (nil, layer)
    }
    bridge = Bridge(inputSize: sizes.vector, to: layer, using: &random)
    combine = Linear(inputs: sizes.embedding + layer.outputSize, outputs: sizes.embedding, using: &random)
    readout = Linear(weight: vectors.table, bias: Parameter(.zeros([sizes.tokens])))
    vectorDropout = Dropout(rate: dropout)
    self.outputDropout = Dropout(rate: outputDropout)
    self.labelSmoothing = labelSmoothing
  }

  /// Number of learnt values of such a writer.
  static func parameterCount(_ sizes: Sizes) -> Int {
    let (memory, hidden) = (sizes.memory ?? 0, sizes.hidden)
    let looking = memory == 0 ? 0 : memory * sizes.attention + (hidden + 2) * sizes.attention
    let cell = sizes.cell.parameterCount(inputSize: sizes.embedding + memory, hiddenSize: hidden)
    let parts = sizes.cell.stateParts.count
    return sizes.tokens * (sizes.embedding + 1) + looking + cell + parts * (sizes.vector + 1) * hidden
      + (sizes.embedding + hidden + memory + 1) * sizes.embedding
  }

  /// The layer that looks at this memory; nil where it looks at nothing.
  private func layer(lookingAt memory: SequenceBatch?) -> any SequenceLayer {
    if let plain { return plain }
    guard let attentive, let memory else { mistake("SentenceWriter: there is no memory to look at") }
    return attentive.anyAttending(to: [memory])
  }

  /// What the scores of the next tokens are read from, and the state after them.
  private func features(
    after tokens: TokenBatch, _ layer: any SequenceLayer, from state: LayerState, in evaluation: inout Evaluation
  ) -> (rows: Tensor, state: LayerState) {
    let inputs = vectorDropout(vectors(tokens), in: &evaluation)
    let result = layer(inputs, from: state, in: &evaluation)
    let combined = tanh(combine(concatenated(inputs.rows, result.output.rows)))
    return (outputDropout(combined, in: &evaluation), result.state)
  }

  /// The losses of sentences in nats, one for each token and each end, and how many they are.
  ///
  /// - Parameters:
  ///   - sentences: Tokens.
  ///   - vector: What each sentence begins from, [sentences, vector].
  ///   - memory: What it looks at, a sequence for each sentence; nil where it looks at nothing.
  func summedLoss(
    of sentences: [[Int32]], from vector: Tensor, lookingAt memory: SequenceBatch?, in evaluation: inout Evaluation
  ) -> (sum: Tensor, units: Int) {
    let inputs = TokenBatch(sentences.map { [SentenceTokens.begin] + $0 })
    let wanted = TokenBatch(sentences.map { $0 + [SentenceTokens.end] })
    let rows = features(after: inputs, layer(lookingAt: memory), from: bridge(vector), in: &evaluation).rows
    let losses = readout.crossEntropy(
      rows, wanted.tokens, smoothing: evaluation.random == nil ? 0 : labelSmoothing)
    return (losses.sum(), wanted.tokens.count)
  }

  /// Sentences that a search finds, best first, at least one for each row of `vector`; of `limits` tokens at most.
  func write(
    from vector: Tensor, lookingAt memory: SequenceBatch?, limits: [Int], by search: BeamSearch
  ) -> [[BeamSearch.Hypothesis]] {
    // A row for each beginning; what it looks at is the same for all of one sentence.
    let owners = (0..<limits.count * search.width).map { $0 / search.width }
    let layer = layer(lookingAt: memory?.sequences(owners))
    var evaluation = Evaluation.inference
    var state = bridge(vector).rows(owners)
    return search.search(limits: limits, tokens: readout.outputSize) { last, parents in
      let result = features(
        after: TokenBatch(tokens: last, time: 1, batch: last.count), layer, from: state.rows(parents), in: &evaluation)
      state = result.state
      return SequenceBatch(
        rows: logSoftmax(readout(result.rows)), layout: Layout(time: 1, batch: last.count)
      ).values.values
    }
  }
}

extension SentenceWriter {
  /// Where it looks while it writes a sentence and its end: for each of these tokens a weight for each place. Traps
  /// where it looks at nothing.
  func weights(of sentence: [Int32], from vector: Tensor, lookingAt memory: SequenceBatch) -> [[Float]] {
    guard let attentive else { mistake("SentenceWriter: it looks at nothing") }
    var evaluation = Evaluation.inference
    let inputs = vectors(TokenBatch([[SentenceTokens.begin] + sentence]))
    let weights = attentive.anyAttending(to: [memory]).run(inputs, from: bridge(vector), in: &evaluation).weights[0]
    let (values, places) = (weights.values.values, weights.features)
    return (0...sentence.count).map { Array(values[$0 * places..<($0 + 1) * places]) }
  }
}

/// The numbers of what is no piece of text.
enum SentenceTokens {
  static let specials = ["<unk>", "<bos>", "<eos>"]
  static let unknown: Int32 = 0
  static let begin: Int32 = 1
  static let end: Int32 = 2
}
