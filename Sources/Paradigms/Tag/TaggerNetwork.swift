import Networks
import Recurrence
import Tensors

/// A tagger's network: many to many of the same length, over words that are sequences of characters themselves.
///
///     characters → embedding → both directions → a vector for each word ┐
///     words → embedding ────────────────────────────────────────────────┴→ layers of both directions → linear → scores
public struct TaggerNetwork: Module {
  /// The characters' vectors.
  public let characters: Embedding
  /// The words' own vectors.
  public let words: Embedding
  /// Characters to words, words to sentences.
  public let reader: Hierarchical
  /// Scores of the tags.
  public let readout: Linear
  /// What tags follow each other; nil: each is chosen by itself.
  public let chain: LinearChain?
  private let dropout: Dropout
  private let wordDropout: Float

  /// A new network for a number of characters, words and tags.
  public init(_ shape: TaggerShape, characters: Int, words: Int, tags: Int, using random: inout RandomSource) {
    dropout = Dropout(rate: shape.dropout)
    wordDropout = shape.wordDropout
    // Small vectors, as what a rare word begins with is noise.
    let small = Initializer.normal(deviation: 0.1)
    self.characters = Embedding(
      tokens: characters, size: shape.characterVector, initializer: small, using: &random)
    self.words = Embedding(tokens: words, size: shape.wordVector, initializer: small, using: &random)
    let spelling = shape.cell.bidirectional(
      inputSize: shape.characterVector, hiddenSize: shape.characterHidden,
      initialization: shape.initialization, using: &random)
    let ends = shape.cell.stateParts.contains("hidden")
    let encoder = Encoder(
      spelling, pooling: ends ? .state(["forward.hidden", "backward.hidden"]) : .maximum)
    let layers = (0..<shape.layers).map { layer -> any SequenceLayer in
      shape.cell.bidirectional(
        inputSize: layer == 0 ? encoder.outputSize + shape.wordVector : 2 * shape.hidden, hiddenSize: shape.hidden,
        initialization: shape.initialization, regularization: shape.regularization ?? .none, using: &random
      ).added(shape.isResidual == true && layer > 0)
    }
    reader = Hierarchical(encoder, Stack(layers, dropout: shape.dropout), dropout: shape.dropout)
    readout = Linear(inputs: 2 * shape.hidden, outputs: tags, using: &random)
    chain = shape.hasChain ? LinearChain(tags: tags) : nil
  }

  /// What the scores are read from: a row for each word of `words`, in the order of its packed tokens.
  private func rows(_ words: TokenBatch, _ characters: TokenBatch, in evaluation: inout Evaluation) -> Tensor {
    let read = words.replacing(at: wordDropout, with: 0, in: &evaluation)
    let batch = NestedBatch(self.characters(characters), in: [words.layout]).adding(self.words(read))
    let result = LayerPath.entering("reader") {
      reader(batch, from: reader.initialState(batch: words.layout.batch), in: &evaluation)
    }
    return dropout(result.output.rows, in: &evaluation)
  }

  /// The summed loss of the tags in nats. `words` and `tags` are packed alike, `characters` has a sequence for each
  /// word, sentence by sentence.
  func loss(
    of tags: TokenBatch, for words: TokenBatch, _ characters: TokenBatch, in evaluation: inout Evaluation
  ) -> Tensor {
    let rows = rows(words, characters, in: &evaluation)
    guard let chain else { return readout.crossEntropy(rows, tags.tokens).sum() }
    return chain.loss(of: tags, scores: readout(rows)).sum()
  }

  /// The best tags of each sentence, without the noise of training.
  func tags(for words: TokenBatch, _ characters: TokenBatch) -> [[Int32]] {
    var evaluation = Evaluation.inference
    let scores = readout(rows(words, characters, in: &evaluation))
    if let chain { return chain.bestTags(for: SequenceBatch(rows: scores, layout: words.layout)) }
    let (values, tags, layout) = (scores.values, readout.outputSize, words.layout)
    var best = layout.lengths.map { [Int32](repeating: 0, count: $0) }
    for (row, place) in layout.paddedIndex.enumerated() {
      let own = values[row * tags..<(row + 1) * tags]
      best[place % layout.batch][place / layout.batch] = Int32(
        (own.indices.max { own[$0] < own[$1] } ?? 0) - row * tags)
    }
    return best
  }
}
