import CKernels
import Foundation

/// Counter-based random numbers: the n-th number depends on seed and position alone, never on threads or history
/// elsewhere.
///
///     var random = RandomSource(seed: 7)
///     let weights = random.uniform([3, 2], in: -0.1...0.1)
///
/// Philox 4×32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011). A value type: a copy goes on
/// from the same place. `position` can be stored and set again to continue.
public struct RandomSource: Sendable, Hashable, Codable {
  /// The seed; equal seeds give equal numbers.
  public let seed: UInt64
  /// Which of the 2^64 independent sequences of the seed.
  public let stream: UInt64
  /// How many numbers were taken.
  public var position: UInt64

  /// The beginning of a sequence.
  public init(seed: UInt64, stream: UInt64 = 0, position: UInt64 = 0) {
    self.seed = seed
    self.stream = stream
    self.position = position
  }

  /// 32 random bits.
  public mutating func bits() -> UInt32 {
    defer { position += 1 }
    return UInt32(truncatingIfNeeded: ur_random_bits(seed, stream, position))
  }

  /// A number in 0..<1, with 24 random bits.
  public mutating func uniform() -> Float { Float(bits() >> 8) * 0x1p-24 }

  /// A whole number in 0..<limit, each equally likely. Traps when the limit is not positive.
  public mutating func integer(below limit: Int) -> Int {
    demand(limit > 0 && limit <= Int(UInt32.max), "integer(below: \(limit))")
    let limit = UInt32(limit)
    while true {
      let (high, low) = limit.multipliedFullWidth(by: bits())
      // Rejects the few values that would make some results likelier (Lemire 2019).
      if low >= (0 &- limit) % limit { return Int(high) }
    }
  }

  /// Numbers spread evenly over a range.
  public mutating func uniform(_ shape: Shape, in range: ClosedRange<Float> = 0...1) -> Tensor {
    let storage = Storage(count: shape.count)
    ur_random_uniform(seed, stream, position, shape.count, storage.floats)
    position += UInt64(shape.count)
    let width = range.upperBound - range.lowerBound
    return Tensor(shape: shape, storage: storage) * width + range.lowerBound
  }

  /// Normally distributed numbers (Box & Muller 1958).
  public mutating func normal(_ shape: Shape, deviation: Float = 1) -> Tensor {
    let radius = sqrt(-2 * log(1 - uniform(shape)))
    let angle = uniform(shape) * (2 * Float.pi)
    let values = zip(radius.values, angle.values).map { $0 * cos($1) * deviation }
    return Tensor(shape: shape, values: values)
  }

  /// 0 with probability `rate`, else 1 / (1 - rate): what dropout multiplies with. Traps unless 0 <= rate < 1.
  public mutating func dropoutMask(_ shape: Shape, rate: Float) -> Tensor {
    demand(rate >= 0 && rate < 1, "a dropout rate is in 0..<1, not \(rate)")
    let storage = Storage(count: shape.count)
    ur_random_mask(seed, stream, position, shape.count, rate, 1 / (1 - rate), storage.floats)
    position += UInt64(shape.count)
    return Tensor(shape: shape, storage: storage)
  }

  /// The rows `places` of a mask of `count` rows: 0 with probability `rate`, else `kept`. What a row holds depends on
  /// its place alone, not on which others are asked for.
  package mutating func mask(rows places: [Int], of count: Int, width: Int, rate: Float, kept: Float) -> Tensor {
    let storage = Storage(count: places.count * width)
    let source = self
    parallelRanges(places.count, grain: max(1, (1 << 14) / max(1, width))) { part in
      for row in part {
        ur_random_mask(
          source.seed, source.stream, source.position + UInt64(places[row] * width), width, rate, kept,
          storage.floats + row * width)
      }
    }
    position += UInt64(count * width)
    return Tensor(shape: [places.count, width], storage: storage)
  }

  /// The numbers 0..<count in random order (Fisher & Yates).
  public mutating func permutation(_ count: Int) -> [Int] {
    var order = Array(0..<count)
    for i in stride(from: count - 1, to: 0, by: -1) { order.swapAt(i, integer(below: i + 1)) }
    return order
  }
}
