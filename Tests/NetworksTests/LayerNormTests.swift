import Foundation
import Networks
import Recurrence
import Tensors
import TestSupport
import Testing

/// Layer normalisation against torch.nn.LayerNorm, by itself and inside a step. The values were made by
/// Tests/Golden/layernorm.py.
@Suite struct LayerNormTests {
  /// A step that does nothing else.
  struct NormCell: RecurrentCell {
    let norm: LayerNorm
    var inputSize: Int { norm.inputSize }
    func initialState(batch: Int) -> Tensor { .zeros([batch, 1]) }
    func step(_ x: Tensor, _ h: Tensor) -> (output: Tensor, state: Tensor) { (output: norm(x), state: h + 1) }
  }

  /// What gradients are taken of.
  struct Watched: Module {
    let rows: Parameter
    let norm: LayerNorm
  }

  static let golden = Result {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    let data = try Data(contentsOf: folder.appendingPathComponent("Golden/layernorm.json"))
    return try JSONDecoder().decode(GoldenTests.Golden.self, from: data)
  }

  static func norm(_ golden: GoldenTests.Golden) -> LayerNorm {
    let norm = LayerNorm(size: golden.sizes["size"] ?? 0)
    norm.gain.value = golden["gain"]
    norm.shift?.value = golden["shift"]
    return norm
  }

  /// On the rows as they stand, and at each time step of a recurrence.
  @Test(arguments: [nil, Unrolling.compiled, .stepwise])
  func equalsPyTorch(unrolling: Unrolling?) throws {
    let golden = try Self.golden.get()
    let norm = Self.norm(golden)
    let (rows, layout) = (Parameter(golden["input"]), Layout(lengths: golden.lengths))
    let layer = Recurrent(NormCell(norm: norm))
    var output = Tensor.zeros([0])
    let (loss, gradients) = valueAndGradient(of: Watched(rows: rows, norm: norm)) {
      let batch = SequenceBatch(rows: rows.tensor, layout: layout)
      var evaluation = Evaluation(unrolling: unrolling ?? .compiled)
      let state = layer.initialState(batch: layout.batch)
      output = unrolling == nil ? norm(batch.rows) : layer(batch, from: state, in: &evaluation).output.rows
      return (output * golden["loss.output"]).sum()
    }
    #expect(abs(Double(loss) - golden.loss) < 1e-4)
    func expectClose(_ actual: Tensor?, _ name: String) {
      let expected = golden[name]
      #expect(actual?.shape == expected.shape, "\(name)")
      for (a, b) in zip(actual?.values ?? [], expected.values) {
        #expect(abs(a - b) < 1e-4 * max(1, abs(b)), "\(name)")
      }
    }
    expectClose(output, "output")
    expectClose(gradients[rows], "gradient.input")
    expectClose(gradients[norm.gain], "gradient.gain")
    expectClose(try gradients[#require(norm.shift)], "gradient.shift")
  }

  /// Whatever a row's size and mean, it comes out with mean 0 and variance 1; equal values come out as 0.
  @Test func rowsHaveMeanZeroAndVarianceOne() {
    var random = RandomSource(seed: 5)
    let norm = LayerNorm(size: 300, shift: false)
    #expect(norm.parameters.map(\.path) == ["gain"] && norm.inputSize == 300 && norm.outputSize == 300)
    let rows = norm(random.uniform([4, 300], in: 40...44))
    for row in 0..<4 {
      let values = rows.rows(row..<row + 1).values.map(Double.init)
      let mean = values.reduce(0, +) / 300
      #expect(abs(mean) < 1e-4)
      #expect(abs(values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 300 - 1) < 1e-3)
    }
    #expect(LayerNorm(size: 3)(Tensor([[7, 7, 7]])).values == [0, 0, 0])
    #expect(LayerNorm(size: 1)(Tensor([[7], [-3]])).values == [0, 0])
    #expect(LayerNorm(size: 3)(.zeros([0, 3])).shape == [0, 3])
  }
}
