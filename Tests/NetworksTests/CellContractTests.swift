import Foundation
import Networks
import Recurrence
import Tensors
import TestSupport
import Testing

/// What single cells promise beside their equations: how they begin, what they survive, how their rows are laid out.
@Suite struct CellContractTests {
  /// |λ| lies in the ring, its angle below the phase, and γ is what keeps the state's size.
  @Test(arguments: [0...1, 0.9...0.999, 0.5...0.5] as [ClosedRange<Float>])
  func linearRecurrentUnitsBeginOnARing(radii: ClosedRange<Float>) {
    var random = RandomSource(seed: 1)
    let cell = LRU(inputSize: 3, hiddenSize: 200, outputSize: 2, radii: radii, phase: 1.5, using: &random)
    let parameters = zip(cell.nuLog.value.values, zip(cell.thetaLog.value.values, cell.gammaLog.value.values))
    for (nu, (theta, gamma)) in parameters {
      let radius = exp(-exp(Double(nu)))
      #expect(radius >= Double(radii.lowerBound) - 1e-5 && radius <= Double(radii.upperBound) + 1e-5)
      #expect(exp(Double(theta)) <= 1.5 && exp(Double(theta)) > 0)
      #expect(abs(exp(2 * Double(gamma)) - (1 - radius * radius)) < 1e-4)
    }
    #expect(cell.outputSize == 2 && cell.inputSize == 3 && cell.hiddenSize == 200)
  }

  /// Nothing comes in: each unit turns by its own λ.
  @Test func linearRecurrentUnitsTurn() {
    var random = RandomSource(seed: 2)
    let cell = LRU(inputSize: 1, hiddenSize: 5, using: &random)
    let layer = Recurrent(cell)
    let state = LRU.State(real: .ones([1, 5]), imaginary: .zeros([1, 5]))
    let result = layer(SequenceBatch([[[0], [0], [0]]]), from: state)
    for i in 0..<5 {
      let radius = exp(-3 * exp(Double(cell.nuLog.value.values[i])))
      let angle = 3 * exp(Double(cell.thetaLog.value.values[i]))
      #expect(abs(Double(result.state.real.values[i]) - radius * cos(angle)) < 1e-5)
      #expect(abs(Double(result.state.imaginary.values[i]) - radius * sin(angle)) < 1e-5)
    }
  }

  @Test func realGatedUnitsBeginByRemembering() {
    var random = RandomSource(seed: 3)
    let cell = RGLRU(inputSize: 4, hiddenSize: 100, using: &random)
    let shares = cell.decay.value.values.map { pow(1 / (1 + exp(-Double($0))), 8) }
    #expect(shares.allSatisfy { $0 > 0.8999 && $0 < 0.9991 })
    #expect((shares.max() ?? 0) - (shares.min() ?? 0) > 0.05)
  }

  /// Gates that are exponentials of hundreds: the state and its gradient stay finite, and the output within 1.
  @Test(arguments: [-400, 0, 400] as [Float], [-400, 0, 400] as [Float])
  func exponentialGatesDoNotOverflow(forget: Float, input: Float) {
    var random = RandomSource(seed: 4)
    let cell = SLSTM(inputSize: 2, hiddenSize: 3, using: &random)
    cell.forget.input.bias?.value = Tensor(shape: [3], repeating: forget)
    cell.input.input.bias?.value = Tensor(shape: [3], repeating: input)
    let layer = Recurrent(cell)
    let batch = SequenceBatch.random(lengths: [30, 1], features: 2, using: &random)
    var output = Tensor.zeros([0])
    let gradients = valueAndGradient(of: layer) {
      output = layer(batch).output.rows
      return square(output).sum()
    }.gradients
    #expect(output.values.allSatisfy { abs($0) <= 1 })
    for named in layer.parameters {
      #expect(gradients[named.parameter]?.values.allSatisfy(\.isFinite) ?? false, "\(named.path)")
    }
  }

  /// The same of a memory of matrices: from gates that write nothing at all to gates that write without bounds.
  @Test(arguments: [-400, 0, 400] as [Float], [-400, 0, 400] as [Float])
  func matrixMemoriesDoNotOverflow(forget: Float, input: Float) {
    var random = RandomSource(seed: 8)
    let cell = MLSTM(inputSize: 2, hiddenSize: 6, heads: 2, using: &random)
    cell.forget.bias?.value = Tensor(shape: [2], repeating: forget)
    cell.input.bias?.value = Tensor(shape: [2], repeating: input)
    let layer = Recurrent(cell)
    let batch = SequenceBatch.random(lengths: [30, 1], features: 2, using: &random)
    var output = Tensor.zeros([0])
    let gradients = valueAndGradient(of: layer) {
      output = layer(batch).output.rows
      return square(output).sum()
    }.gradients
    #expect(output.values.allSatisfy { $0.isFinite })
    let isSilent = output.values.allSatisfy { $0 == 0 }
    #expect(!isSilent || input < 0)
    for named in layer.parameters {
      #expect(gradients[named.parameter]?.values.allSatisfy(\.isFinite) ?? false, "\(named.path)")
    }
  }

  /// A query that is a key finds the value that was written under it, whatever else was written under keys at right
  /// angles to it, and in the row of its own head.
  @Test func matrixMemoriesFindWhatWasWritten() {
    var random = RandomSource(seed: 9)
    let cell = MLSTM(inputSize: 4, hiddenSize: 8, heads: 2, forgetBias: 100, using: &random)
    // Both heads: key and query are the input, the value a random matrix of it; all gates open, memories kept.
    let keys: [[Float]] = [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    let both = Tensor(keys + keys)
    cell.query.weight.value = both
    cell.key.weight.value = 2 * both
    for layer in [cell.forget, cell.input, cell.output] { layer.weight.value = .zeros(layer.weight.shape) }
    cell.output.bias?.value = Tensor(shape: [8], repeating: 100)
    let rows = [keys[0], keys[1], keys[2], keys[1]]
    let shown = Recurrent(cell)(SequenceBatch([rows])).output.rows
    // Written twice and divided by its count.
    let written = matmul(Tensor([rows[1]]), cell.value.weight.value, transposeB: true).values
    for (a, b) in zip(shown.rows(3..<4).values, written) { #expect(abs(a - b) < 1e-4) }
  }

  /// The first time step is the candidate alone, whatever the gates say.
  @Test func exponentialGatesBeginWithWhatIsWritten() {
    var random = RandomSource(seed: 5)
    let cell = SLSTM(inputSize: 1, hiddenSize: 1, forgetBias: 40, using: &random)
    let state = Recurrent(cell)(SequenceBatch([[[1]]])).state
    #expect(state["normalizer"]?.values == [1])
    let written = tanh((cell.candidate.input.weight.value + cell.candidate.input.bias!.value).values[0])
    #expect(abs((state["cell"]?.values[0] ?? 9) - written) < 1e-6)
  }

  @Test func rowsOfIrregularTimeAreLaidOutAsDocumented() {
    let timed = SequenceBatch(values: [[[7, 1], [8, 2]], [], [[9, 3]]], times: [[10, 10.5], [], [3]])
    #expect(timed.lengths == [2, 0, 1] && timed.features == 3)
    #expect(timed.sequence(0).values == [7, 1, 0, 8, 2, 0.5])
    #expect(timed.sequence(2).values == [9, 3, 0])
    let observed = SequenceBatch(observations: [[[7, nil], [nil, 2], [nil, nil]]], times: [[0, 4, 4]])
    #expect(observed.sequence(0).values == [7, 0, 1, 0, 0, 0, 2, 0, 1, 4, 0, 0, 0, 0, 0])
  }

  /// The time since a value was last seen adds up while it is not, in chunks too; a value that was never seen is the mean.
  @Test func decayRemembersWhenEachValueWasSeen() {
    var random = RandomSource(seed: 6)
    let layer = Recurrent(GRUD(means: Tensor([0.5, -2]), hiddenSize: 4, using: &random))
    #expect(layer.initialState(batch: 2)["last"]?.values == [0.5, -2, 0.5, -2])
    let batch = SequenceBatch(
      observations: [[[1, nil], [nil, nil], [nil, 3], [nil, nil]]], times: [[2, 3, 5, 5.5]])
    let state = layer(batch).state
    #expect(state["last"]?.values == [1, 3])
    #expect(state["unseen"]?.values == [3.5, 0.5])
    // What stands where nothing was observed changes nothing.
    var rows = batch.rows
    for (row, column) in [(0, 1), (1, 0), (1, 1), (2, 0), (3, 0), (3, 1)] { rows[row, column] = 77 }
    #expect(layer(batch.replacingRows(with: rows)).output.rows == layer(batch).output.rows)
    #expect(layer.parameters.map(\.path).contains("cell.means"))
  }

  /// A regular interval is the same as a column of it.
  @Test func regularStepsAreAColumnOfThem() {
    var random = RandomSource(seed: 7)
    let cell = CfC(inputSize: 2, hiddenSize: 3, interval: .constant(0.25), using: &random)
    let timed = CfC(inputSize: 3, hiddenSize: 3, using: &random)
    #expect(cell.inputSize == 2 && timed.inputSize == 3)
    for (a, b) in zip(cell.parameters, timed.parameters) { b.parameter.value = a.parameter.value }
    let batch = SequenceBatch.random(lengths: [3, 1], features: 2, using: &random)
    let column = Tensor(shape: [4, 1], repeating: 0.25)
    let expected = Recurrent(timed)(batch.mapRows { concatenated($0, column) }).output.rows.values
    for (a, b) in zip(Recurrent(cell)(batch).output.rows.values, expected) { #expect(abs(a - b) < 1e-6) }
  }
}
