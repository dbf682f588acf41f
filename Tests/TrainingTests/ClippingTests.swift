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
