import Foundation
import Networks
import Recurrence
import Tensors
import Testing
import Training

extension TrainingTests {
  @Suite struct WatchStatisticsTests {
    @Test func aSlopeIsTheRateOfDecay() throws {
      let decay = try #require(logSlope(of: (0..<50).map { 3 * pow(0.8, Double($0)) }))
      #expect(abs(exp(decay) - 0.8) < 1e-12)
      // What has underflown says nothing, and three points are too few.
      let underflown = try #require(logSlope(of: (0..<50).map { $0 < 20 ? pow(0.5, Double($0)) : 0 }))
      #expect(abs(exp(underflown) - 0.5) < 1e-12)
      #expect(logSlope(of: [1, 0.5, 0.25, 0, 0]) == nil)
      #expect(logSlope(of: []) == nil)
    }

    @Test func theSpectralRadiusIsTheLargestEigenvalues() {
      var random = RandomSource(seed: 1)
      func radius(_ rows: [[Float]]) -> Double { spectralRadius(of: Tensor(rows), using: &random) }
      #expect(abs(radius([[2, 0], [0, -3]]) - 3) < 1e-3)
      // A rotation by 40° times 0.9: a complex pair. A Jordan block: defective.
      let (c, s) = (Float(cos(0.7) * 0.9), Float(sin(0.7) * 0.9))
      #expect(abs(radius([[c, -s], [s, c]]) - 0.9) < 1e-3)
      #expect(abs(radius([[0.5, 1], [0, 0.5]]) - 0.5) < 0.01)
      #expect(radius([[0, 1], [0, 0]]) == 0)
      // ‖W‖ says much more than the spectral radius of a matrix that is far from normal.
      #expect(abs(radius([[0.5, 100], [0, 0.4]]) - 0.5) < 0.01)
    }

    @Test func gatesAreCounted() {
      func gate(_ function: Pointwise, _ values: [Float]) -> GateWatch {
        GateWatch(.init(name: "forget", function: function, values: Tensor(shape: [values.count, 1], values: values)))
      }
      let sigmoid = gate(.sigmoid, [0.01, 0.02, 0.5, 0.99])
      #expect(sigmoid.function == "sigmoid" && sigmoid.name == "forget")
      #expect(sigmoid.saturatedLow == 0.5 && sigmoid.saturatedHigh == 0.25 && abs(sigmoid.mean - 0.38) < 1e-6)
      #expect(sigmoid.histogram.reduce(0, +) == 4)
      #expect(sigmoid.histogram[0] == 2 && sigmoid.histogram[10] == 1 && sigmoid.histogram[19] == 1)
      let tanh = gate(.tanh, [-1, -0.96, 0, 0.94, 0.97])
      #expect(abs(tanh.saturatedLow - 0.4) < 1e-9 && abs(tanh.saturatedHigh - 0.2) < 1e-9)
      #expect(tanh.histogramRange == [-1, 1])
      let relu = gate(.relu, [0, 0, 0, 4])
      #expect(relu.saturatedLow == 0.75 && relu.saturatedHigh == 0 && relu.histogramRange == [0, 4])
    }

    /// Gradients G + noise of deviation s in n values have the noise scale n·s² / |G|².
    @Test func theNoiseScaleIsFoundInPairsOfGradients() throws {
      var random = RandomSource(seed: 2)
      struct One: Module { let weight = Parameter(.zeros([1000])) }
      let named = One().parameters
      let parameter = named[0].parameter
      let truth = random.normal([1000], deviation: 0.1)
      var noise = NoiseScale()
      for update in 0..<400 {
        var gradients = Gradients()
        gradients[parameter] = truth + random.normal([1000], deviation: 0.3)
        noise.add(gradients, of: named, begins: update % 2 == 0)
        if update < 7 { #expect(noise.scale == nil) }
      }
      let square = truth.values.reduce(0.0) { $0 + Double($1) * Double($1) }
      let scale = try #require(noise.scale)
      #expect(abs(scale / (1000 * 0.09 / square) - 1) < 0.1)
    }
  }
}
