import Foundation
import Networks
import Tensors
import Testing

/// A sampled softmax has the whole one's loss and gradient, but for what chance leaves out.
@Suite struct SampledSoftmaxTests {
  private let classes = 400

  private func layer(_ random: inout RandomSource) -> Linear {
    let layer = Linear(inputs: 8, outputs: classes, using: &random)
    layer.bias?.value = random.normal([classes], deviation: 0.5)
    return layer
  }

  /// Frequent classes first, as 1 / rank.
  private var counts: [Int] { (0..<classes).map { 4000 / ($0 + 1) } }

  @Test func itsMeanGradientIsTheWholeOnes() throws {
    var random = RandomSource(seed: 1)
    let layer = layer(&random)
    let x = random.normal([64, 8])
    // Targets as frequent as the counts say.
    let targets = (0..<64).map { _ in Int32(min(Double(classes - 1), exp(Double(random.uniform()) * log(400.0)) - 1)) }
    let (whole, expected) = valueAndGradient(of: layer) { layer.crossEntropy(x, targets).mean() }
    let softmax = SampledSoftmax(counts: counts, samples: 200)
    var total = 0.0
    var gradient = Tensor.zeros([classes, 8])
    for _ in 0..<100 {
      let (loss, gradients) = valueAndGradient(of: layer) {
        softmax.crossEntropy(of: layer, x, targets, using: &random).mean()
      }
      total += Double(loss) / 100
      gradient = gradient + 0.01 * (try #require(gradients[layer.weight]))
    }
    // A target that is seldom drawn has a higher score than without sampling, so that its loss is a little lower.
    #expect(total < Double(whole) && total > 0.94 * Double(whole))
    func norm(_ tensor: Tensor) -> Float { square(tensor).sum().scalar.squareRoot() }
    let exact = try #require(expected[layer.weight])
    #expect(norm(gradient - exact) < 0.1 * norm(exact))
  }

  @Test func rowsWithoutATargetAreLeftOut() throws {
    var random = RandomSource(seed: 2)
    let layer = layer(&random)
    let softmax = SampledSoftmax(counts: counts, samples: 20)
    let x = Parameter(random.normal([3, 8]))
    struct Input: Module { let x: Parameter }
    var source = RandomSource(seed: 3)
    var losses: [Float] = []
    let (_, gradients) = valueAndGradient(of: Input(x: x)) {
      let all = softmax.crossEntropy(of: layer, x.tensor, [399, -1, 0], using: &source)
      losses = all.values
      return all.sum()
    }
    #expect(losses[1] == 0 && losses[0] > 0 && losses[2] > 0)
    let gradient = try #require(gradients[x]).values
    #expect(gradient[8..<16].allSatisfy { $0 == 0 } && gradient[0..<8].contains { $0 != 0 })
    // The same source, the same loss.
    var again = RandomSource(seed: 3)
    #expect(softmax.crossEntropy(of: layer, x.value, [399, -1, 0], using: &again).values == losses)
    #expect(source.position == again.position)
  }
}
