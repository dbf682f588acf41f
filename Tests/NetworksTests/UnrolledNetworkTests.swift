import Networks
import Recurrence
import Tensors
import Testing

/// Backpropagation through time as it is defined: unroll the network, treat it as a feedforward network, update the tied
/// weights together.
@Suite struct UnrolledNetworkTests {
  /// A cell, inputs [time, batch, features], a state to begin with, and the outputs' weights in the loss.
  private struct Example {
    static let (time, batch, features, hidden) = (6, 3, 2, 4)
    let cell: Elman
    let inputs: Tensor
    let start: Tensor
    let weights: Tensor

    init() {
      var random = RandomSource(seed: 81)
      cell = Elman(inputSize: Self.features, hiddenSize: Self.hidden, using: &random)
      cell.hidden.bias!.value = random.uniform([Self.hidden], in: -0.5...0.5)
      inputs = random.uniform([Self.time, Self.batch, Self.features], in: -1...1)
      start = random.uniform([Self.batch, Self.hidden], in: -1...1)
      weights = random.uniform([Self.time, Self.batch, Self.hidden], in: -1...1)
    }

    /// The library's layer over windows of time; the state is cut off between them.
    func recurrent(window: Int = Example.time, _ unrolling: Unrolling = .compiled) -> (
      value: Float, gradients: Gradients
    ) {
      let layer = Recurrent(cell)
      return valueAndGradient(of: layer) {
        var evaluation = Evaluation(unrolling: unrolling)
        var state = LayerState(parts: [LayerState.Part(name: "hidden", tensor: start)])
        var loss = Tensor([0])
        for first in stride(from: 0, to: Self.time, by: window) {
          let steps = first..<min(Self.time, first + window)
          let lengths = [Int](repeating: steps.count, count: Self.batch)
          let batch = SequenceBatch(values: inputs.rows(steps), lengths: lengths)
          let result = layer(batch, from: state.detached, in: &evaluation)
          state = result.state
          loss = loss + (result.output.values * weights.rows(steps)).sum()
        }
        return loss
      }
    }

    /// The same from `copies`: h is cut off after each window.
    func unrolled(_ copies: Copies, window: Int = Example.time) -> (value: Float, gradients: Gradients) {
      valueAndGradient(of: copies) {
        var h = start
        var loss = Tensor([0])
        for (t, layer) in copies.layers.enumerated() {
          if t % window == 0 { h = h.detached }
          let x = inputs.rows(t..<t + 1).reshaped(to: [Self.batch, Self.features])
          h = tanh(matmul(concatenated(h, x), layer.weight.tensor, transposeB: true) + layer.bias!.tensor)
          loss = loss + (h * weights.rows(t..<t + 1).reshaped(to: h.shape)).sum()
        }
        return loss
      }
    }
  }

  /// The hidden layer once for each time step: a feedforward network as deep as the sequence is long.
  private struct Copies: Module {
    let layers: [Linear]

    init(of cell: Elman) {
      layers = (0..<Example.time).map { _ in
        Linear(weight: Parameter(cell.hidden.weight.value), bias: Parameter(cell.hidden.bias!.value))
      }
    }

    func sum(_ gradients: Gradients, _ parameter: (Linear) -> Parameter) -> Tensor {
      let all = layers.map { gradients[parameter($0)]! }
      return all.dropFirst().reduce(all[0], +)
    }
  }

  private func expectClose(_ a: Tensor, _ b: Tensor, source: SourceLocation = #_sourceLocation) {
    #expect(a.shape == b.shape, sourceLocation: source)
    let error = zip(a.values, b.values).map { abs($0 - $1) }.max() ?? 0
    #expect(error < 2e-5, "\(error)", sourceLocation: source)
  }

  @Test(arguments: [Unrolling.compiled, .stepwise])
  func backpropagationThroughTimeIsThatOfTheUnrolledNetwork(unrolling: Unrolling) throws {
    let example = Example()
    let copies = Copies(of: example.cell)
    let (weight, bias) = (example.cell.hidden.weight, try #require(example.cell.hidden.bias))
    // The networks stay the same under updates: the tied weight by its gradient, every copy by the sum of all copies'.
    for _ in 0..<3 {
      let tied = example.recurrent(window: Example.time, unrolling)
      let unrolled = example.unrolled(copies)
      #expect(abs(tied.value - unrolled.value) < 2e-5)
      let sums = (weight: copies.sum(unrolled.gradients, \.weight), bias: copies.sum(unrolled.gradients) { $0.bias! })
      let own = (weight: try #require(tied.gradients[weight]), bias: try #require(tied.gradients[bias]))
      expectClose(own.weight, sums.weight)
      expectClose(own.bias, sums.bias)
      #expect(Set(copies.layers.map { unrolled.gradients[$0.weight]!.values }).count == Example.time)
      weight.value = weight.value - 0.1 * own.weight
      bias.value = bias.value - 0.1 * own.bias
      for layer in copies.layers {
        layer.weight.value = layer.weight.value - 0.1 * sums.weight
        layer.bias!.value = layer.bias!.value - 0.1 * sums.bias
      }
    }
  }

  /// Truncated backpropagation through time: windows with the state carried over, but no gradient.
  @Test(arguments: [1, 2, 4, 5])
  func truncationCutsGradientsBetweenWindows(window: Int) throws {
    let example = Example()
    let copies = Copies(of: example.cell)
    let weight = example.cell.hidden.weight
    let truncated = example.recurrent(window: window)
    let expected = example.unrolled(copies, window: window)
    let gradient = try #require(truncated.gradients[weight])
    expectClose(gradient, copies.sum(expected.gradients, \.weight))
    let full = example.recurrent()
    #expect(abs(truncated.value - full.value) < 2e-5)
    let difference = zip(gradient.values, try #require(full.gradients[weight]).values).map { abs($0 - $1) }.max() ?? 0
    #expect(difference > 1e-2)
  }

  @Test(arguments: [6, 7, 100])
  func windowsAsLongAsTheSequenceTruncateNothing(window: Int) throws {
    let example = Example()
    let (full, truncated) = (example.recurrent(), example.recurrent(window: window))
    #expect(full.value == truncated.value)
    for named in example.cell.parameters {
      let gradient = try #require(full.gradients[named.parameter])
      #expect(gradient == truncated.gradients[named.parameter], "\(named.path)")
    }
  }
}
