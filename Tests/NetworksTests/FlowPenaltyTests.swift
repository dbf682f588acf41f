import Foundation
import Networks
import Recurrence
import Tensors
import TestSupport
import Testing

/// The penalty on what steps do to gradients that flow back through them.
@Suite struct FlowPenaltyTests {
  /// Values of `Tests/Golden/preservation.py`.
  private struct Golden: Decodable {
    struct Case: Decodable {
      let loss, penalty: Double
      let parameters, gradients: [String: [Float]]
    }
    let input, hidden: Int
    let lengths: [Int]
    let factor: Float
    let readout: [Float]
    let sequences: [[Float]]
    let elman, gru, lstm: Case
  }

  private func expectEqual(
    _ cell: some RecurrentCell, _ expected: Golden.Case, _ golden: Golden,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let layer = Recurrent(cell)
    for named in cell.parameters {
      named.parameter.value = Tensor(
        shape: named.parameter.shape, values: try #require(expected.parameters[named.path]))
    }
    let batch = SequenceBatch(
      golden.sequences.map { values in
        stride(from: 0, to: values.count, by: golden.input).map { Array(values[$0..<$0 + golden.input]) }
      })
    let readout = Tensor(shape: [golden.hidden, 1], values: golden.readout)
    func loss() -> Tensor { square(matmul(layer(batch).output.rows, readout)).mean() }
    let (value, penalty, gradients) = valueAndGradient(of: cell, preservingGradients: golden.factor, loss)
    #expect(abs(Double(value) - expected.loss) < 1e-5 * expected.loss, sourceLocation: sourceLocation)
    #expect(abs(penalty - expected.penalty) < 1e-5 * expected.penalty, sourceLocation: sourceLocation)
    for named in cell.parameters {
      let own = try #require(gradients[named.parameter]).values
      let theirs = try #require(expected.gradients[named.path])
      #expect(own.count == theirs.count, sourceLocation: sourceLocation)
      let largest = theirs.map { abs($0) }.max() ?? 0
      for (a, b) in zip(own, theirs) {
        #expect(abs(a - b) < 2e-5 * largest, "\(named.path): \(a), \(b)", sourceLocation: sourceLocation)
      }
    }
    // Without it, loss and gradients are those of a plain run, bit for bit, and others.
    let plain = valueAndGradient(of: cell, loss)
    #expect(plain.value == value, sourceLocation: sourceLocation)
    #expect(
      cell.parameters.allSatisfy { plain.gradients[$0.parameter] != gradients[$0.parameter] },
      sourceLocation: sourceLocation)
  }

  @Test func equalsPyTorch() throws {
    let path = #filePath.replacing("NetworksTests/FlowPenaltyTests.swift", with: "Golden/preservation.json")
    let golden = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    var random = RandomSource(seed: 1)
    let (x, h) = (golden.input, golden.hidden)
    try expectEqual(Elman(inputSize: x, hiddenSize: h, using: &random), golden.elman, golden)
    try expectEqual(GRU(inputSize: x, hiddenSize: h, using: &random), golden.gru, golden)
    try expectEqual(LSTM(inputSize: x, hiddenSize: h, using: &random), golden.lstm, golden)
  }

  /// Where only the last state has a loss, what flows back to a state is the gradient of what comes after it: the rest of
  /// the sequence, begun in that state.
  @Test(arguments: TestCell.all) func isWhatGradientsDo(_ cell: TestCell) throws {
    let isBackward = cell.description.hasSuffix("backward")
    func check(_ layer: some SequenceLayer, _ random: inout RandomSource) throws {
      let time = 5
      let names = layer.initialState(batch: 1).parts.map(\.name)
      let batch = SequenceBatch(rows: random.normal([time, 3]), layout: Layout(lengths: [time]))
      let watch = RecurrenceWatch(of: layer.parameters, followsFlow: true)
      let seeds = layer.initialState(batch: 1).parts.map { random.normal($0.tensor.shape) }
      func run(_ steps: Range<Int>, from state: LayerState) -> LayerState {
        var evaluation = Evaluation.inference
        // A layer that walks backwards begins with the last rows.
        let rows = isBackward ? time - steps.upperBound..<time - steps.lowerBound : steps
        let part = SequenceBatch(rows: batch.rows.rows(rows), layout: Layout(lengths: [steps.count]))
        return layer(part, from: state, in: &evaluation).state
      }
      func loss(_ steps: Range<Int>, from state: LayerState) -> Tensor {
        zip(run(steps, from: state).parts, seeds).reduce(Tensor.zeros([])) { $0 + ($1.0.tensor * $1.1).sum() }
      }
      let start = layer.initialState(batch: 1)
      _ = valueAndGradient(of: layer, watching: watch) { loss(0..<time, from: start) }
      let seen = try #require(watch.observations.first)
      let lengths = (1...time).map { step -> Double in
        let state = States(parts: run(0..<step, from: start).parts.map { Parameter($0.tensor) })
        let (_, gradients) = valueAndGradient(of: state) {
          let parts = zip(names, state.parts).map { LayerState.Part(name: $0, tensor: $1.tensor) }
          return step < time
            ? loss(step..<time, from: LayerState(parts: parts))
            : zip(parts, seeds).reduce(Tensor.zeros([])) { $0 + ($1.0.tensor * $1.1).sum() }
        }
        return state.parts.reduce(0) { $0 + (gradients[$1]?.squaredNorm(ofRow: 0) ?? 0) }.squareRoot()
      }
      let terms = (1..<time).filter { lengths[$0] > 0 }.map { step in
        let ratio = lengths[step - 1] / lengths[step]
        return (ratio - 1) * (ratio - 1)
      }
      var penalty = FlowPenalty()
      penalty.add(seen)
      #expect(penalty.steps == terms.count && !terms.isEmpty)
      let expected = terms.reduce(0, +)
      #expect(abs(penalty.sum - expected) < 1e-4 * max(0.1, expected), "\(penalty.sum), \(expected)")
    }
    var random = RandomSource(seed: 8)
    try check(cell.layer(input: 3, hidden: 4, using: &random), &random)
  }

  private struct States: Module {
    let parts: [Parameter]
  }

  /// The second derivative of every cell's step, against central differences in Double.
  @Test(arguments: TestCell.all) func itsDerivativeIsRight(_ cell: TestCell) throws {
    var random = RandomSource(seed: 12)
    guard let layer = cell.layer(input: 3, hidden: 4, using: &random) as? any RecurrentLayer else { return }
    let step = layer.unroller.step
    let pullback = Unroller(step.pullback(of: step.traced()))
    let layout = Layout(lengths: [2, 1])
    let inputs = (step.inputWidths + step.stateWidths).map { random.uniform([3, $0], in: -1...1) }
    let vector = step.stateWidths.map { random.uniform([3, $0], in: -1...1) }
    let names = Dictionary(
      layer.parameters.map { (ObjectIdentifier($0.parameter), $0.path) }, uniquingKeysWith: { first, _ in first })
    let found = compareGradients(leaves: vector, names: names, along: random) { vector in
      let product = pullback(inputs + vector, states: [], layout: layout, .stepwise).outputs
      let squares = product.map { square($0).reduced(to: [3, 1]) }
      return square(sqrt(squares.dropFirst().reduce(squares[0], +)) - 1).sum()
    }
    for comparison in found { #expect(comparison.error < 2e-4, "\(comparison.name): \(comparison.error)") }
  }

  /// Noise inside the step and layer normalisation are parts of it; a window's two pieces are one mean.
  @Test func knowsNoiseAndPieces() throws {
    var random = RandomSource(seed: 3)
    let regularization = Regularization(
      stateDropout: 0.3, recurrentDropout: 0.2, zoneout: 0.1, dropConnect: 0.2, normalizesLayers: true)
    let layer = Recurrent(GRU(inputSize: 3, hiddenSize: 4, using: &random), regularization: regularization)
    let batch = SequenceBatch.random(lengths: [4, 6, 2], features: 3, using: &random)
    func penalty(_ count: Int) -> (penalty: Double, gradients: [[Float]]) {
      let (_, penalty, gradients) = valueAndGradient(of: layer, preservingGradients: 1) {
        (0..<count).reduce(Tensor.zeros([])) { sum, _ in
          var evaluation = Evaluation.training(RandomSource(seed: 4))
          let state = layer.initialState(batch: 3)
          return sum + square(layer(batch, from: state, in: &evaluation).output.rows).sum()
        }
      }
      return (penalty, layer.parameters.map { gradients[$0.parameter]?.values ?? [] })
    }
    let (once, twice) = (penalty(1), penalty(2))
    #expect(once.penalty > 1e-3 && abs(once.penalty - twice.penalty) < 1e-6)
    #expect(once.gradients.allSatisfy { !$0.isEmpty && $0.allSatisfy(\.isFinite) })
  }

  /// States that no gradient reaches do not count.
  @Test func countsWhatIsReached() {
    var random = RandomSource(seed: 5)
    let layer = Recurrent(Elman(inputSize: 2, hiddenSize: 3, using: &random))
    let batch = SequenceBatch.random(lengths: [6, 4], features: 2, using: &random)
    let watch = RecurrenceWatch(of: layer.parameters, followsFlow: true)
    _ = valueAndGradient(of: layer, watching: watch) { layer(batch).output.sequence(1).rows(1..<2).sum() }
    var penalty = FlowPenalty()
    for seen in watch.observations { penalty.add(seen) }
    #expect(penalty.steps == 1)
    var none = FlowPenalty()
    none.add(watch.observations[0])
    #expect(none.mean == penalty.mean && FlowPenalty().mean == 0)
  }
}
