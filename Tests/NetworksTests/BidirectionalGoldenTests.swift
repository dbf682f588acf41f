import Networks
import Recurrence
import Tensors
import Testing

/// Bidirectional LSTMs and GRUs of one and two layers against PyTorch's, over packed ragged sequences with non-zero
/// initial states. The values were made by Tests/Golden/bidirectional.py.
@Suite struct BidirectionalGoldenTests {
  static let cases = [("gru", 1), ("gru", 2), ("lstm", 1), ("lstm", 2)]

  private static func stack(_ cell: String, layers: Int, input: Int, hidden: Int) -> Stack {
    var random = RandomSource(seed: 1)
    return Stack(
      (0..<layers).map { i -> any SequenceLayer in
        let size = i == 0 ? input : 2 * hidden
        if cell == "lstm" {
          return Bidirectional(
            forward: LSTM(inputSize: size, hiddenSize: hidden, using: &random),
            backward: LSTM(inputSize: size, hiddenSize: hidden, using: &random))
        }
        return Bidirectional(
          forward: GRU(.resetAfter, inputSize: size, hiddenSize: hidden, using: &random),
          backward: GRU(.resetAfter, inputSize: size, hiddenSize: hidden, using: &random))
      })
  }

  @Test(arguments: cases, [Unrolling.compiled, .stepwise])
  func layersEqualPyTorch(drawn: (cell: String, layers: Int), unrolling: Unrolling) throws {
    let golden = try GoldenTests.Golden("\(drawn.cell)-\(drawn.layers)", family: "bidirectional")
    let kind = try #require(GoldenTests.kinds.first { $0.testDescription == drawn.cell })
    let (input, hidden) = try (#require(golden.sizes["input"]), #require(golden.sizes["hidden"]))
    let stack = Self.stack(drawn.cell, layers: drawn.layers, input: input, hidden: hidden)
    let parameters = GoldenTests.byPath(stack)
    /// Our parameters with the values that `prefix` names.
    func pairs(_ prefix: String) throws -> [(path: String, parameter: Parameter, value: Tensor)] {
      try (0..<drawn.layers).flatMap { i in
        try [("forward", ""), ("backward", "_reverse")].flatMap { direction, suffix in
          try kind.blocks.flatMap { block in
            let values = golden.block(block, layer: i, prefix: prefix, suffix: suffix)
            let path = "layers.\(i).\(direction).cell.\(block.path)"
            return try [("weight", values.weight), ("bias", values.bias)].map { name, value in
              ("\(path).\(name)", try #require(parameters["\(path).\(name)"]), value)
            }
          }
        }
      }
    }
    let values = try pairs("")
    #expect(values.count == parameters.count)
    for (_, parameter, value) in values { parameter.value = value }
    let run = GoldenTests.Run(stack: stack, golden: golden, unrolling: unrolling)
    run.expectClose(SequenceBatch(rows: run.output, layout: run.layout).values, golden["output"], "output")
    run.expectClose(run.inputGradient, golden["gradient.input"], "∂input")
    for part in run.state.parts {
      run.expectClose(part.tensor, golden.part(part.name, of: "final"), "final \(part.name)")
      let gradient = try #require(run.stateGradients[part.name])
      run.expectClose(gradient, golden.part(part.name, of: "gradient.initial"), "∂initial \(part.name)")
    }
    for (path, parameter, value) in try pairs("gradient.") {
      run.expectClose(run.gradient(parameter), value, "∂\(path)")
    }
  }
}
