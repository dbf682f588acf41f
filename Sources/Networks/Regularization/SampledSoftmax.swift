import Foundation
import Tensors

/// Cross-entropy over a sample of the classes, for training where there are so many that scoring all of them takes most
/// of the time (Bengio & Senécal 2008; Jean et al. 2015).
///
///     let softmax = SampledSoftmax(counts: timesOfEachWord, samples: 4096)
///     let losses = softmax.crossEntropy(of: readout, rows, targets, using: &random)
///
/// For each call `samples` different classes are drawn, frequent ones with higher probability, and the targets are
/// added to them. A class's score is lowered by the logarithm of the probability π that it is among them, so that the
/// sum of exponentials Σ e^(s - log π) has the whole one as its expectation; a frequent class, which is always there,
/// keeps its score. Judging and generating go on with all classes: the layer is the same.
public struct SampledSoftmax: Sendable {
  /// Different classes that are drawn for each call.
  public let samples: Int
  /// A class's share of all targets, and its probability in one draw, ∝ count^¾ (Mikolov et al. 2013).
  private let shares, proposals: [Double]
  /// Walker's alias method (1977): place i stands for class i with this probability, for `aliases[i]` otherwise.
  private let kept: [Double]
  private let aliases: [Int32]

  /// A sampler of classes that are the target as often as `counts` says; one that never is counts as once.
  ///
  /// Traps unless 1 ≤ samples ≤ half the classes: drawing more takes longer than it saves.
  public init(counts: [Int], samples: Int) {
    demand(
      samples >= 1 && samples <= counts.count / 2, "SampledSoftmax: \(samples) samples of \(counts.count) classes")
    self.samples = samples
    let counts = counts.map { Double(max(1, $0)) }
    let total = counts.reduce(0, +)
    shares = counts.map { $0 / total }
    let weights = counts.map { pow($0, 0.75) }
    let sum = weights.reduce(0, +)
    proposals = weights.map { $0 / sum }
    (kept, aliases) = Self.aliasTable(of: proposals)
  }

  /// The loss of each row, in nats: `layer`'s scores of x [rows, inputs] against `targets`, among the sampled classes.
  /// A negative target is left out: its loss and its gradient are 0.
  ///
  /// Traps unless the layer has as many outputs as there are counts.
  public func crossEntropy(
    of layer: Linear, _ x: Tensor, _ targets: [Int32], using random: inout RandomSource
  ) -> Tensor {
    demand(
      layer.outputSize == shares.count, "SampledSoftmax: \(shares.count) classes for \(layer.outputSize) outputs")
    var places = [Int32](repeating: -1, count: shares.count)
    var classes: [Int32] = []
    func place(_ label: Int32) {
      guard places[Int(label)] < 0 else { return }
      places[Int(label)] = Int32(classes.count)
      classes.append(label)
    }
    var draws = 0
    while classes.count < samples {
      draws += 1
      place(draw(using: &random))
    }
    var asked = 0
    for target in targets where target >= 0 {
      demand(Int(target) < shares.count, "SampledSoftmax: target \(target) of \(shares.count) classes")
      asked += 1
      place(target)
    }
    let corrections = classes.map { Float(-logInclusion(of: Int($0), draws: draws, targets: asked)) }
    var bias = Tensor(shape: [classes.count], values: corrections)
    if let own = layer.bias {
      bias = bias + own.tensor.reshaped(to: [shares.count, 1]).gatheringRows(classes).reshaped(to: [classes.count])
    }
    return linearCrossEntropy(
      x, weight: layer.weight.tensor.gatheringRows(classes), bias: bias,
      targets: Indices(targets.map { $0 < 0 ? $0 : places[Int($0)] }))
  }

  private func draw(using random: inout RandomSource) -> Int32 {
    let place = random.integer(below: kept.count)
    return Double(random.uniform()) < kept[place] ? Int32(place) : aliases[place]
  }

  /// log π: a class is missing only if no draw hit it, and no target was it.
  private func logInclusion(of label: Int, draws: Int, targets: Int) -> Double {
    let missing = Double(draws) * log1p(-proposals[label]) + Double(targets) * log1p(-shares[label])
    return log(-expm1(missing))
  }

  private static func aliasTable(of probabilities: [Double]) -> (kept: [Double], aliases: [Int32]) {
    var kept = probabilities.map { $0 * Double(probabilities.count) }
    var aliases = probabilities.indices.map { Int32($0) }
    var small = kept.indices.filter { kept[$0] < 1 }
    var large = kept.indices.filter { kept[$0] >= 1 }
    while let low = small.popLast(), let high = large.last {
      aliases[low] = Int32(high)
      kept[high] -= 1 - kept[low]
      if kept[high] < 1 { small.append(large.removeLast()) }
    }
    return (kept, aliases)
  }
}
