import Foundation
import Interchange
import Networks
import Recurrence
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

    /// What is not learnt is saved with the rest, and moved by no optimiser; a network that has run before knows the
    /// values that were loaded.
    @Test func whatIsNotLearntComesBackToo() throws {
      try withFolder { folder in
        let path = folder + "/weights.safetensors"
        var random = RandomSource(seed: 1)
        let layer = Recurrent(GRUD(means: Tensor([0.5, -2]), hiddenSize: 3, using: &random))
        let other = Recurrent(GRUD(means: Tensor([9, 9]), hiddenSize: 3, using: &random))
        let batch = SequenceBatch(observations: [[[nil, 1], [2, nil], [nil, nil]]], times: [[0, 1, 3]])
        var optimizer = Optimizer(.adamW(weightDecay: WeightDecay(0.5, includesVectors: true)))
        for unrolling in [Unrolling.compiled, .stepwise] {
          let gradients = valueAndGradient(of: layer) {
            square(layer(batch, from: layer.cell.initialState(batch: 1), unrolling: unrolling).output.rows).sum()
          }.gradients
          #expect(gradients[layer.cell.means] == nil && gradients[layer.cell.inputDecay] != nil)
          optimizer.update(layer.parameters, with: gradients, learningRate: 0.1)
        }
        #expect(layer.cell.means.value == Tensor([0.5, -2]))
        #expect(layer.parameterCount == layer.parameters.reduce(-2) { $0 + $1.parameter.shape.count })
        #expect(other(batch).output.rows != layer(batch).output.rows)
        try Weights.save(layer, to: path)
        try Weights.load(into: other, from: path)
        #expect(bits(other.cell.means.value) == bits(Tensor([0.5, -2])))
        #expect(bits(other(batch).output.rows) == bits(layer(batch).output.rows))
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
