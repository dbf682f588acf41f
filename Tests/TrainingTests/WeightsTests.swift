import Foundation
import Interchange
import Networks
import Tensors
import Testing
import Training

private struct Nested: Module {
  var layers: [Affine]
  var tied: Parameter
}

extension TrainingTests {
  @Suite struct WeightsTests {
    @Test func comeBackBitForBit() throws {
      try withFolder { folder in
        let path = folder + "/weights.safetensors"
        let shared = Affine(inputs: 3, outputs: 4)
        let model = Nested(layers: [shared, Affine(inputs: 4, outputs: 2, seed: 2)], tied: shared.weight)
        try Weights.save(model, to: path)
        #expect(
          try SafeTensors.read(from: path).tensors.map(\.name).sorted()
            == ["layers.0.bias", "layers.0.weight", "layers.1.bias", "layers.1.weight"])
        let other = Affine(inputs: 3, outputs: 4, seed: 7)
        let copy = Nested(layers: [other, Affine(inputs: 4, outputs: 2, seed: 8)], tied: other.weight)
        try Weights.load(into: copy, from: path)
        for (a, b) in zip(model.parameters, copy.parameters) {
          #expect(bits(a.parameter.value) == bits(b.parameter.value))
        }
        #expect(bits(copy.tied.value) == bits(shared.weight.value))
      }
    }

    @Test func refuseWhatDoesNotFit() throws {
      try withFolder { folder in
        let path = folder + "/weights.safetensors"
        let weight = Tensor.ones([3, 4])
        let bias = Tensor.ones([4])
        let cases: [([(name: String, tensor: Tensor)], String)] = [
          ([("weight", weight)], "the model's tensor bias of shape [4] is not in the file"),
          ([("weight", weight), ("bias", .ones([5]))], "tensor bias has shape [5] in the file and [4] in the model"),
          ([("weight", .ones([4, 3])), ("bias", bias)], "tensor weight has shape [4, 3] in the file and [3, 4]"),
          (
            [("weight", weight), ("bias", bias), ("gate", .ones([1]))],
            "the file's tensor gate of shape [1] is not in the"
          ),
        ]
        for (tensors, message) in cases {
          try SafeTensors(tensors: tensors).write(to: path)
          let model = Affine(inputs: 3, outputs: 4)
          let before = bits(model.weight.value)
          let error = unrollError { try Weights.load(into: model, from: path) }
          #expect(error?.kind == .invalidData)
          #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
          #expect(error?.place == path)
          #expect(bits(model.weight.value) == before)
        }
        let missing = folder + "/none.safetensors"
        let error = unrollError { try Weights.load(into: Affine(inputs: 3, outputs: 4), from: missing) }
        #expect(error?.kind == .missing)
        #expect(error?.place == missing)
      }
    }
  }
}
