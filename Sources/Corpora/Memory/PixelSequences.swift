import Interchange
import Tensors

/// Pictures as sequences of pixels, one a time step, in an order that is mixed once for all pictures; the last of them
/// are held out to judge by. On MNIST this is the permuted sequential MNIST of Le et al. 2015.
public struct PixelSequences: Sendable {
  private let images: IDXArray
  private let labels: IDXArray
  private let order: [Int]
  /// Pictures to train on, and all.
  public let trainingCount, count: Int
  /// Different labels: the largest and one more.
  public let classes: Int

  /// Pixels of a picture.
  public var length: Int { order.count }

  /// Sequences of pictures [count, height, width] and labels [count]; `heldOut` of them are kept back.
  ///
  /// Throws when the files do not fit together, or there are too few pictures.
  public init(images: IDXArray, labels: IDXArray, heldOut: Int = 1_000, seed: UInt64 = 1, at place: String)
    throws(UnrollError)
  {
    guard images.extents.count == 3, labels.extents.count == 1, images.extents[0] == labels.extents[0] else {
      throw UnrollError(
        .invalidData,
        "pictures \(images.extents) and labels \(labels.extents) do not fit: [count, height, width] and [count]",
        at: place)
    }
    guard images.extents[0] > heldOut, images.extents[1] * images.extents[2] > 0 else {
      throw UnrollError(
        .invalidData, "there are \(images.extents[0]) pictures; \(heldOut) are held out, so more are needed", at: place)
    }
    self.images = images
    self.labels = labels
    count = images.extents[0]
    trainingCount = count - heldOut
    classes = Int(labels.values.max() ?? 0) + 1
    var random = RandomSource(seed: seed)
    order = random.permutation(images.extents[1] * images.extents[2])
  }

  /// Some pictures by number: inputs [length, pictures, 1] in -0.5…0.5, and their classes.
  public func batch(_ pictures: [Int]) -> (inputs: Tensor, classes: [Int32]) {
    let values = order.flatMap { pixel in
      pictures.map { Float(images.values[$0 * length + pixel]) / 255 - 0.5 }
    }
    return (
      Tensor(shape: [length, pictures.count, 1], values: values), pictures.map { Int32(labels.values[$0]) }
    )
  }
}
