import Foundation
import Networks
import Recurrence
import Tensors
import TestSupport
import Testing

/// Convolutions and poolings of pictures.
@Suite struct ConvolutionTests {
  private struct Golden: Decodable {
    let count, height, width, inputs, outputs: Int
    let x, weight, bias, maps, pooled, cotangents: [Float]
    let gradients: [String: [Float]]
  }
  private struct Watched: Module {
    let rows: Parameter
    let layer: Convolution
  }

  /// Values of `Tests/Golden/convolution.py`, by PyTorch.
  @Test func equalsPyTorch() throws {
    let path = #filePath.replacing("NetworksTests/ConvolutionTests.swift", with: "Golden/convolution.json")
    let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    var random = RandomSource(seed: 1)
    let layer = Convolution(inputs: golden.inputs, outputs: golden.outputs, using: &random)
    layer.map.weight.value = Tensor(shape: layer.map.weight.shape, values: golden.weight)
    layer.map.bias?.value = Tensor(golden.bias)
    let rows = Parameter(
      Tensor(shape: [golden.count * golden.height * golden.width, golden.inputs], values: golden.x))
    var (maps, pooled) = (Tensor.zeros([0]), Tensor.zeros([0]))
    let (_, gradients) = valueAndGradient(of: Watched(rows: rows, layer: layer)) {
      let pictures = PictureBatch(
        rows: rows.tensor, count: golden.count, height: golden.height, width: golden.width)
      let result = layer(pictures)
      (maps, pooled) = (result.rows, result.pooledByTwo().rows)
      return (pooled * Tensor(shape: pooled.shape, values: golden.cotangents)).sum()
    }
    func expectClose(_ actual: Tensor?, _ expected: [Float], _ name: String) {
      #expect(actual?.shape.count == expected.count, "\(name)")
      for (a, b) in zip(actual?.values ?? [], expected) { #expect(abs(a - b) < 1e-4 * max(1, abs(b)), "\(name)") }
    }
    expectClose(maps, golden.maps, "maps")
    expectClose(pooled, golden.pooled, "pooled")
    expectClose(gradients[rows], golden.gradients["x"] ?? [], "x")
    expectClose(gradients[layer.map.weight], golden.gradients["weight"] ?? [], "weight")
    expectClose(layer.map.bias.flatMap { gradients[$0] }, golden.gradients["bias"] ?? [], "bias")
  }

  @Test(arguments: [1, 3, 5]) func passesFiniteDifferences(window: Int) {
    var random = RandomSource(seed: 3)
    let layer = Convolution(inputs: 2, outputs: 3, window: window, using: &random)
    let weights = random.uniform([2 * 3 * 2, 3], in: -1...1)
    let comparisons = compareGradients(leaves: [random.uniform([2 * 3 * 2, 2], in: -1...1)]) { leaves in
      (tanh(layer(PictureBatch(rows: leaves[0], count: 2, height: 3, width: 2)).rows) * weights).sum()
    }
    #expect(comparisons.count == 3)
    for comparison in comparisons { #expect(comparison.error < 1e-4, "\(comparison.name): \(comparison.error)") }
  }

  /// A picture's places, in its own order, whatever else is in the batch.
  @Test func placesAreThoseOfTheirPicture() {
    let rows = Tensor(shape: [12, 1], values: (0..<12).map(Float.init))
    let places = PictureBatch(rows: rows, count: 2, height: 3, width: 2).places
    #expect(places.lengths == [6, 6] && places.features == 1)
    #expect(places.sequence(0).values == [0, 1, 2, 3, 4, 5] && places.sequence(1).values == [6, 7, 8, 9, 10, 11])
    let pooled = PictureBatch(rows: rows, count: 2, height: 3, width: 2).pooledByTwo()
    #expect(pooled.height == 2 && pooled.width == 1 && pooled.rows.values == [3, 5, 9, 11])
  }
}
