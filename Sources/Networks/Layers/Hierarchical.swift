import Recurrence
import Tensors

/// A recurrence over elements that are sequences themselves: an inner one reads the parts of each element, an outer one
/// the elements. Characters to word, words to sentence, sentences to document (Ling et al. 2015; Yang et al. 2016).
///
///     let words = Encoder(
///       Bidirectional(forward: GRU(inputSize: 16, hiddenSize: 24, using: &random), backward: GRU(…)),
///       pooling: .state(["forward.hidden", "backward.hidden"]))
///     let tagger = Hierarchical(words, Recurrent(LSTM(inputSize: 48, hiddenSize: 64, using: &random)))
///     let text = NestedBatch([[[4, 7, 1], [2]], [[9, 9]]]).mapParts { characters($0) }
///     tagger(text).output.lengths   // [2, 1]: one output a word
///
/// Where a layer takes more values than the level below gives, the rest comes from the features of the batch's level
/// (``NestedBatch/adding(_:toLevel:)``), behind the vector of the parts:
///
///     Hierarchical(words, Recurrent(LSTM(inputSize: 48 + 100, …)))(text.adding(wordVectors(tokens)))
///
/// All elements of a level are one batch of their own lengths. The inner layers begin with their initial states; the
/// state that is carried, the output and its lengths are the highest level's. To stream, run the encoder over the parts
/// of each element as it comes, and push its vector to a ``Session`` of ``top``.
public struct Hierarchical: Module {
  /// What makes an element from its parts, finest level first.
  public let encoders: [Encoder]
  /// What reads the elements of the highest level.
  public let top: any SequenceLayer
  /// Of elements, their features among them, before the layer above reads them; not before the finest level.
  public let dropout: Dropout

  /// Levels above one another, the finest first; `dropout` is the rate between them. Traps when there is no encoder, or
  /// a layer takes fewer values than the level below it gives.
  public init(_ encoders: [Encoder], _ top: any SequenceLayer, dropout rate: Float = 0) {
    demand(!encoders.isEmpty, "Hierarchical: no encoder below the highest layer")
    self.encoders = encoders
    self.top = top
    dropout = Dropout(rate: rate)
    for level in encoders.indices {
      demand(
        featureSize(ofLevel: level) >= 0,
        "Hierarchical: level \(level) gives \(encoders[level].outputSize) values, the layer above takes "
          + "\(layer(above: level).inputSize)")
    }
  }

  /// Two levels.
  public init(_ encoder: Encoder, _ top: any SequenceLayer, dropout rate: Float = 0) {
    self.init([encoder], top, dropout: rate)
  }

  /// Values in a time step of the parts.
  public var inputSize: Int { encoders[0].inputSize }
  /// Values in a time step of the output.
  public var outputSize: Int { top.outputSize }
  /// Values that the batch's features must have for an element of this level; 0: none are taken.
  public func featureSize(ofLevel level: Int) -> Int { layer(above: level).inputSize - encoders[level].outputSize }

  private func layer(above level: Int) -> any SequenceLayer {
    level + 1 < encoders.count ? encoders[level + 1].layer : top
  }

  /// The initial state of the highest layer, for sequences of the highest level.
  public func initialState(batch: Int) -> LayerState { top.initialState(batch: batch) }

  /// Runs all levels, from a state of the highest one. Traps when the batch has another number of levels, or other
  /// features than the layers take.
  public func callAsFunction(
    _ batch: NestedBatch<SequenceBatch>, from state: LayerState, in evaluation: inout Evaluation
  ) -> (output: SequenceBatch, state: LayerState) {
    demand(
      batch.levels.count == encoders.count,
      "Hierarchical: a batch of \(batch.levels.count) levels above its parts for \(encoders.count) encoders")
    var elements = batch.parts
    for (i, (encoder, level)) in zip(encoders, batch.levels).enumerated() {
      let vectors = LayerPath.entering("encoders.\(i)") { encoder(elements, in: &evaluation).vector }
      let rows = vectors.gatheringRows(level.layout.elementOfRow)
      let size = featureSize(ofLevel: i)
      demand(
        (level.features?.features ?? 0) == size,
        "Hierarchical: level \(i) has \(level.features?.features ?? 0) features an element, the layer above takes "
          + "\(size)")
      let all = concatenated([rows] + (level.features.map { [$0.rows] } ?? []))
      elements = SequenceBatch(rows: dropout(all, in: &evaluation), layout: level.layout)
    }
    return LayerPath.entering("top") { top(elements, from: state, in: &evaluation) }
  }

  /// Runs all levels from their initial states, without the noise of training.
  public func callAsFunction(_ batch: NestedBatch<SequenceBatch>) -> (output: SequenceBatch, state: LayerState) {
    var evaluation = Evaluation.inference
    let sequences = batch.levels.last?.layout.batch ?? 0
    return self(batch, from: initialState(batch: sequences), in: &evaluation)
  }
}

extension Layout {
  /// For each packed row, its number when elements are counted sequence by sequence.
  fileprivate var elementOfRow: [Int32] {
    var first = 0
    let starts = lengths.map { length in
      defer { first += length }
      return first
    }
    return paddedIndex.map { Int32(starts[$0 % batch] + $0 / batch) }
  }
}
