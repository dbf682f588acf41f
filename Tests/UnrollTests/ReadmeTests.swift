import Foundation
import Testing
import Unroll

/// The README's code, as it stands there: it compiles with `import Unroll` alone, and does what is said beside it.
@Suite struct ReadmeTests {
  struct Leaky: RecurrentCell {
    let mix: Linear  // takes [h, x]
    let hiddenSize: Int
    var inputSize: Int { mix.inputSize - hiddenSize }

    func initialState(batch: Int) -> Tensor { .zeros([batch, hiddenSize]) }

    func step(_ x: Tensor, _ h: Tensor) -> (output: Tensor, state: Tensor) {
      let new = 0.9 * h + 0.1 * tanh(mix(concatenated(h, x)))
      return (output: new, state: new)
    }
  }

  @Test func layersTakeBatchesOfAnyLengths() {
    var random = RandomSource(seed: 1)
    let layer = Recurrent(LSTM(inputSize: 3, hiddenSize: 8, using: &random))
    let batch = SequenceBatch([[[1, 2, 3], [4, 5, 6]], [[7, 8, 9]]])  // two sequences, lengths 2 and 1
    let (output, state) = layer(batch)
    #expect(output.features == 8)
    #expect(output.lengths == [2, 1])
    #expect(state["cell"]?.shape == [2, 8])
  }

  /// A cell of one's own learns: to give out a running mean of its input.
  @Test func ownCellsLearn() {
    struct Model: Module {
      let recurrent: Recurrent<Leaky>
      let readout: Linear
    }
    var random = RandomSource(seed: 1)
    let cell = Leaky(mix: Linear(inputs: 12 + 1, outputs: 12, using: &random), hiddenSize: 12)
    let model = Model(recurrent: Recurrent(cell), readout: Linear(inputs: 12, outputs: 1, using: &random))
    var optimizer = Optimizer(.adam())
    var losses: [Float] = []
    for _ in 0..<150 {
      let rows = random.uniform([40, 1], in: -1...1)
      let batch = SequenceBatch(rows: rows, layout: Layout(lengths: [10, 20, 7, 3]))
      let (loss, gradients) = valueAndGradient(of: model) {
        square(model.readout(model.recurrent(batch).output.rows) - 0.5 * rows).mean()
      }
      optimizer.update(model.parameters, with: gradients, learningRate: 0.01)
      losses.append(loss)
    }
    let (first, last) = (losses.prefix(10).reduce(0, +), losses.suffix(10).reduce(0, +))
    #expect(last < 0.3 * first)
  }

  /// Every snippet above stands in the README, line by line.
  @Test func theReadmeShowsThisCode() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    func words(_ text: String) -> String { text.split(whereSeparator: \.isWhitespace).joined(separator: " ") }
    let readme = words(try String(contentsOf: root.appendingPathComponent("README.md"), encoding: .utf8))
    let source = try String(contentsOfFile: #filePath, encoding: .utf8)
    let begin = try #require(source.range(of: "  struct Leaky"))
    let end = try #require(source.range(of: "  @Test func layersTake"))
    #expect(readme.contains(words(String(source[begin.lowerBound..<end.lowerBound]))))
  }
}
