import Networks
import Recurrence
import Tensors

/// A describer's network: one to many.
///
///     features → relu(linear) → the writer begins from them (Vinyals et al. 2015)
///     places   → relu(linear) → it begins from their mean, and looks at all (Xu et al. 2015)
public struct DescriberNetwork: Module {
  /// From a picture's features, or those of each place.
  public let projection: Linear
  /// Writes the caption.
  public let writer: SentenceWriter
  private let dropout: Dropout
  private let hasPlaces: Bool

  /// A new network for features of so many values, at places or not.
  public init(_ shape: DescriberShape, values: Int, hasPlaces: Bool, words: Int, using random: inout RandomSource) {
    projection = Linear(inputs: values, outputs: shape.features, using: &random)
    writer = SentenceWriter(
      shape.writer(words: words, hasPlaces: hasPlaces), dropout: shape.dropout, outputDropout: shape.outputDropout,
      labelSmoothing: shape.labelSmoothing, using: &random)
    dropout = Dropout(rate: shape.featureDropout)
    self.hasPlaces = hasPlaces
  }

  /// What the writer begins from, [pictures, features], and what it looks at.
  private func read(
    _ pictures: SequenceBatch, in evaluation: inout Evaluation
  ) -> (vector: Tensor, places: SequenceBatch?) {
    let rows = dropout(relu(projection(dropout(pictures.rows, in: &evaluation))), in: &evaluation)
    let places = pictures.replacingRows(with: rows)
    return (Pooling.mean(places, LayerState()), hasPlaces ? places : nil)
  }

  /// The summed loss of captions, in nats, a word each and each end one; `owners` says whose picture each is.
  func summedLoss(
    of captions: [[Int32]], owners: [Int], _ pictures: SequenceBatch, in evaluation: inout Evaluation
  ) -> (sum: Tensor, units: Int) {
    let (vector, places) = read(pictures, in: &evaluation)
    return writer.summedLoss(
      of: captions, from: vector.gatheringRows(owners.map(Int32.init)), lookingAt: places?.sequences(owners),
      in: &evaluation)
  }

  /// The best captions of each picture, best first.
  func describe(_ pictures: SequenceBatch, longest: Int, by search: BeamSearch) -> [[BeamSearch.Hypothesis]] {
    var evaluation = Evaluation.inference
    let (vector, places) = read(pictures, in: &evaluation)
    return writer.write(
      from: vector, lookingAt: places, limits: pictures.lengths.map { _ in longest }, by: search)
  }
}
