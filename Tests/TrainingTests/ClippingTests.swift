import Networks
import Tensors
import Testing
import Training

extension TrainingTests {
  @Suite struct ClippingTests {
    private let model = Affine(inputs: 2, outputs: 3)
    private var gradients: Gradients {
      var gradients = Gradients()
      gradients[model.weight] = Tensor([[1, -2, 3], [0, 4, -5]])
      gradients[model.bias] = Tensor([-6, 2, 0.5])
      return gradients
    }
    // √(1 + 4 + 9 + 16 + 25 + 36 + 4 + 0.25)
    private let norm = 95.25.squareRoot()

    @Test func noneMeasures() {
      var clipped = gradients
      let (norm, scale) = Clipping.none.clip(&clipped, of: model.parameters)
      #expect(norm == self.norm && scale == 1)
      #expect(clipped[model.weight] == gradients[model.weight])
    }

    @Test func normScalesAllTogether() {
      var clipped = gradients
      let (norm, scale) = Clipping.norm(2).clip(&clipped, of: model.parameters)
      #expect(norm == self.norm)
      #expect(scale == Float(2 / norm))
      // The optimiser multiplies; the values themselves stay.
      #expect(clipped[model.bias] == gradients[model.bias])
      #expect(Clipping.norm(10).clip(&clipped, of: model.parameters).scale == 1)
    }

    @Test func valueClampsEach() {
      var clipped = gradients
      let (norm, scale) = Clipping.value(2.5).clip(&clipped, of: model.parameters)
      #expect(norm == self.norm && scale == 1)
      #expect(clipped[model.weight] == Tensor([[1, -2, 2.5], [0, 2.5, -2.5]]))
      #expect(clipped[model.bias] == Tensor([-2.5, 2, 0.5]))
      #expect(gradients[model.bias] == Tensor([-6, 2, 0.5]))
    }

    /// Each row by itself, in Double; a bias is one row.
    @Test func adaptiveScalesUnits() {
      for (ratio, floor) in [(Float(2), false), (0.1, false), (0.1, true)] {
        if floor { model.weight.value = .zeros(model.weight.shape) }
        var clipped = gradients
        let (norm, scale) = Clipping.adaptive(ratio).clip(&clipped, of: model.parameters)
        #expect(norm == self.norm && scale == 1)
        for (parameter, rows) in [(model.weight, 2), (model.bias, 1)] {
          let (own, before, after) = (
            parameter.value.values, gradients[parameter]?.values ?? [], clipped[parameter]?.values ?? []
          )
          let length = own.count / rows
          for row in 0..<rows {
            let places = row * length..<(row + 1) * length
            func norm(_ values: [Float]) -> Double {
              values[places].reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
            }
            let factor = min(1, Double(ratio) * max(0.001, norm(own)) / norm(before))
            for i in places { #expect(abs(Double(after[i]) - factor * Double(before[i])) < 1e-6) }
          }
        }
      }
    }

    @Test func countsOnlyGradientsThatAreThere() {
      var clipped = gradients
      clipped[model.weight] = nil
      #expect(Clipping.none.clip(&clipped, of: model.parameters).norm == 40.25.squareRoot())
      #expect(Clipping.value(1).clip(&clipped, of: []).norm == 0)
    }

    @Test func showsWhatIsNotFinite() {
      for (value, clipping) in [(Float.nan, Clipping.none), (.infinity, .norm(1)), (.nan, .value(1))] {
        var clipped = gradients
        clipped[model.bias] = Tensor([1, value, 2])
        #expect(!clipping.clip(&clipped, of: model.parameters).norm.isFinite)
      }
    }
  }
}
