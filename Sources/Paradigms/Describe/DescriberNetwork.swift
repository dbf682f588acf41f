import Networks
import Recurrence
import Tensors

/// A describer's network: one to many.
///
///     features → relu(linear) → the writer begins from them (Vinyals et al. 2015)
///     places   → relu(linear) → it begins from their mean, and looks at all (Xu et al. 2015)
///     pixels   → (convolution → relu → 2 x 2 pooling) for each of the channels → places
public struct DescriberNetwork: Module {
  /// The form of a picture.
  struct Picture: Hashable, Codable {
    /// Values of features, of those of a place, or channels of a pixel.
    var values: Int
    /// Places that it has; 0: its features are one vector.
    var places: Int
    /// Height and width of pixels; nil: they are features.
    var pixels: [Int]?

    var hasPlaces: Bool { places > 0 }
  }

  /// From pixels to places.
  public let convolutions: [Convolution]
  /// From a picture's features, or those of each place.
  public let projection: Linear
  /// Writes the caption.
  public let writer: SentenceWriter
  private let dropout: Dropout
  private let picture: Picture
  private let shift: Int

  /// A new network for pictures of a form.
  init(_ shape: DescriberShape, _ picture: Picture, words: Int, using random: inout RandomSource) {
    var values = picture.values
    var convolutions: [Convolution] = []
    for outputs in picture.pixels == nil ? [] : shape.channels {
      // Half of the values behind a rectifier are 0 (He et al. 2015).
      convolutions.append(
        Convolution(
          inputs: values, outputs: outputs, initializer: .normal(deviation: (2 / Float(9 * values)).squareRoot()),
          using: &random))
      values = outputs
    }
    self.convolutions = convolutions
    projection = Linear(inputs: values, outputs: shape.features, using: &random)
    writer = SentenceWriter(
      shape.writer(words: words, hasPlaces: picture.hasPlaces), dropout: shape.dropout,
      outputDropout: shape.outputDropout,
      labelSmoothing: shape.labelSmoothing, initialization: shape.initialization, using: &random)
    dropout = Dropout(rate: shape.featureDropout)
    self.picture = picture
    shift = shape.shift
  }

  /// What pixels become: a map of features, as a sequence of its places.
  private func places(of pictures: SequenceBatch, in evaluation: inout Evaluation) -> SequenceBatch {
    guard let pixels = picture.pixels, pixels.count == 2 else { return pictures }
    let (packed, batch, height, width) = (pictures.layout.packedIndex, pictures.layout.batch, pixels[0], pixels[1])
    var rows: [Int32] = []
    rows.reserveCapacity(batch * height * width)
    for n in 0..<batch {
      var (down, right) = (0, 0)
      if shift > 0, var random = evaluation.random {
        // What comes in repeats the edge.
        (down, right) = (random.integer(below: 2 * shift + 1) - shift, random.integer(below: 2 * shift + 1) - shift)
        evaluation.random = random
      }
      for y in 0..<height {
        let row = min(max(y + down, 0), height - 1) * width
        for x in 0..<width { rows.append(Int32(packed[(row + min(max(x + right, 0), width - 1)) * batch + n])) }
      }
    }
    var maps = PictureBatch(rows: pictures.rows.gatheringRows(rows), count: batch, height: height, width: width)
    for convolution in convolutions { maps = convolution(maps).pooledByTwo().mapRows(relu) }
    return maps.places
  }

  /// What the writer begins from, [pictures, features], and what it looks at.
  private func read(
    _ pictures: SequenceBatch, in evaluation: inout Evaluation
  ) -> (vector: Tensor, places: SequenceBatch?) {
    let features = places(of: pictures, in: &evaluation)
    let places = features.replacingRows(
      with: dropout(relu(projection(dropout(features.rows, in: &evaluation))), in: &evaluation))
    return (Pooling.mean(places, LayerState()), picture.hasPlaces ? places : nil)
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
