import Testing
import Unroll

/// The code of "Pitfalls".
@Suite struct PitfallsTests {
  struct Inputs: Module {
    let rows: Parameter
  }

  /// For each time step the length of the gradient, with respect to that step's input, of a loss on the last output.
  func gradientByTimeStep(_ layer: some SequenceLayer, _ steps: Tensor) -> [Float] {
    let inputs = Inputs(rows: Parameter(steps))
    let count = steps.shape[0]
    let (_, gradients) = valueAndGradient(of: inputs) {
      let batch = SequenceBatch(rows: inputs.rows.tensor, layout: Layout(lengths: [count]))
      return square(layer(batch).output.sequence(0).rows(count - 1..<count)).sum()
    }
    guard let gradient = gradients[inputs.rows] else { return [] }
    return (0..<count).map { t in square(gradient.rows(t..<t + 1)).sum().scalar.squareRoot() }
  }

  @Test func gradientsVanishAndExplode() throws {
    var random = RandomSource(seed: 1)
    let steps = random.normal([100, 4])
    let large = CellInitialization(recurrent: .orthogonal(gain: 2))
    let layers: [any SequenceLayer] = [
      Recurrent(Elman(inputSize: 4, hiddenSize: 32, using: &random)),
      Recurrent(LSTM(inputSize: 4, hiddenSize: 32, using: &random)),
      Recurrent(LSTM(inputSize: 4, hiddenSize: 32, forgetBias: 4, using: &random)),
      Recurrent(Elman(inputSize: 4, hiddenSize: 32, initialization: large, using: &random)),
    ]
    let gradients = layers.map { gradientByTimeStep($0, steps) }  // gradients[0][99]: Elman's, at the last input

    let kept = gradients.map { $0[0] / $0[99] }  // what is left at the first input
    #expect(kept[0] < 1e-9)
    #expect(kept[1] > 1e3 * kept[0] && kept[1] < 1e-2)
    #expect(kept[2] > 0.1)
    #expect(kept[3] > 1e3)
  }

  @Test func clippingKeepsTheDirection() throws {
    var random = RandomSource(seed: 2)
    let large = CellInitialization(recurrent: .orthogonal(gain: 1.5))
    let layer = Recurrent(
      Elman(inputSize: 2, hiddenSize: 8, activation: .identity, initialization: large, using: &random))
    let batch = SequenceBatch(rows: random.normal([50, 2]), layout: Layout(lengths: [50]))
    var optimizer = Optimizer(.sgd())
    let before = layer.cell.hidden.weight.value

    var (_, gradients) = valueAndGradient(of: layer) { square(layer(batch).output.rows).mean() }
    let (norm, scale) = Clipping.norm(1).clip(&gradients, of: layer.parameters)  // norm: as it was
    optimizer.update(layer.parameters, with: gradients, learningRate: 0.1, gradientScale: scale)

    #expect(norm > 1e6)
    let step = square(layer.cell.hidden.weight.value - before).sum().scalar.squareRoot()
    #expect(step < 0.1001 && step > 0.01)
  }

  @Test func gradientsAreKeptAsLongAsTheyAre() throws {
    var random = RandomSource(seed: 4)
    let small = CellInitialization(recurrent: .orthogonal(gain: 0.5))
    let layer = Recurrent(Elman(inputSize: 2, hiddenSize: 8, initialization: small, using: &random))
    let batch = SequenceBatch(rows: random.normal([50, 2]), layout: Layout(lengths: [50]))
    var optimizer = Optimizer(.adam())
    var penalties: [Double] = []
    for _ in 0..<100 {
      let (loss, penalty, gradients) = valueAndGradient(of: layer, preservingGradients: 4) {
        square(layer(batch).output.sequence(0).rows(49..<50)).mean()
      }
      optimizer.update(layer.parameters, with: gradients, learningRate: 0.01)  // of loss + 4 · penalty
      #expect(loss.isFinite)
      penalties.append(penalty)
    }
    #expect(penalties[0] > 0.2 && penalties[99] < penalties[0] / 4, "\(penalties[0]), \(penalties[99])")
  }

  @Test func indRNNsAreKeptWithinTheirLimit() {
    var random = RandomSource(seed: 3)
    let layer = Recurrent(IndRNN(inputSize: 2, hiddenSize: 8, using: &random))
    layer.cell.recurrent.value = Tensor(shape: [8], repeating: 0.99)
    let batch = SequenceBatch(rows: random.normal([600, 2]), layout: Layout(lengths: [600]))
    var optimizer = Optimizer(.adam())

    let (_, gradients) = valueAndGradient(of: layer) { square(layer(batch).output.rows - 1000).mean() }
    optimizer.update(layer.parameters, with: gradients, learningRate: 0.1)
    layer.limitRecurrent(steps: 600)  // |u| ≤ 2^(1/600), so that 600 steps at most double a gradient

    let weights = layer.cell.recurrent.value.values
    #expect(weights.allSatisfy { abs($0) < 1.00116 })
    #expect(weights.contains { $0 > 1.0011 })
  }

  @Test func noiseInsideTheRecurrence() {
    var random = RandomSource(seed: 4)
    let layer = Recurrent(
      LSTM(inputSize: 3, hiddenSize: 16, using: &random),
      regularization: Regularization(
        inputDropout: 0.2, stateDropout: 0.25, zoneout: ["hidden": 0.05, "cell": 0.2], normalizesLayers: true))
    let batch = SequenceBatch(rows: random.normal([12, 3]), layout: Layout(lengths: [7, 5]))

    var training = Evaluation.training(RandomSource(seed: 5))
    let noisy = layer(batch, from: layer.initialState(batch: 2), in: &training).output
    let again = layer(batch, from: layer.initialState(batch: 2), in: &training).output  // other masks
    let plain = layer(batch).output  // no noise: the expectation

    #expect(!isClose(noisy.rows, again.rows, within: 1e-3))
    #expect(!isClose(noisy.rows, plain.rows, within: 1e-3))
    #expect(isClose(plain.rows, layer(batch).output.rows))
  }

  struct Tagger: Module {
    let recurrent: Recurrent<LSTM>
    let readout: Linear
  }

  @Test func penaltiesSmoothingAndGroups() {
    var random = RandomSource(seed: 6)
    let model = Tagger(
      recurrent: Recurrent(LSTM(inputSize: 3, hiddenSize: 8, using: &random)),
      readout: Linear(inputs: 8, outputs: 5, using: &random))
    let batch = SequenceBatch(rows: random.normal([6, 3]), layout: Layout(lengths: [4, 2]))
    let targets: [Int32] = [0, 1, 2, 3, 4, 0]
    let before = model.readout.weight.value
    let bias = model.recurrent.cell.forget.bias?.value

    var optimizer = Optimizer(
      .adamW(weightDecay: 0.1),
      groups: [
        ParameterGroup("*.bias", weightDecay: 0),
        ParameterGroup("readout", learningRate: 0),  // frozen
      ])
    let (loss, gradients) = valueAndGradient(of: model) {
      let output = model.recurrent(batch).output
      return crossEntropy(model.readout(output.rows), targets, smoothing: 0.1).mean()
        + 2 * output.activationPenalty() + output.temporalActivationPenalty()  // AR and TAR
    }
    optimizer.update(model.parameters, with: gradients, learningRate: 0.01)

    let output = model.recurrent(batch).output
    #expect(loss > 1)
    #expect(isClose(model.readout.weight.value, before, within: 0))
    #expect(!isClose(model.recurrent.cell.forget.bias?.value, bias, within: 1e-3))
    #expect(isClose(output.activationPenalty(), square(output.rows).mean()))
  }

  /// 16 sequences with labels that mean nothing: a network that is large enough learns them by heart, and knows nothing
  /// of others.
  @Test func largeNetworksLearnByHeart() {
    func losses(hidden: Int) -> (training: Float, heldOut: Float) {
      var random = RandomSource(seed: 7)
      let model = Tagger(
        recurrent: Recurrent(LSTM(inputSize: 4, hiddenSize: hidden, using: &random)),
        readout: Linear(inputs: hidden, outputs: 2, using: &random))
      let layout = Layout(lengths: [Int](repeating: 12, count: 16))
      let batches = (0..<2).map { _ in SequenceBatch(rows: random.normal([16 * 12, 4]), layout: layout) }
      let labels = (0..<16).map { Int32($0 % 2) }
      func loss(_ batch: SequenceBatch) -> Tensor {
        let last = Pooling.last(model.recurrent(batch).output, LayerState())
        return crossEntropy(model.readout(last), labels).mean()
      }
      var optimizer = Optimizer(.adam())
      for _ in 0..<100 {
        let (_, gradients) = valueAndGradient(of: model) { loss(batches[0]) }
        optimizer.update(model.parameters, with: gradients, learningRate: 0.02)
      }
      return (loss(batches[0]).scalar, loss(batches[1]).scalar)
    }
    let small = losses(hidden: 1)
    let large = losses(hidden: 32)

    #expect(large.training < 0.001 && large.heldOut > 4)
    #expect(large.heldOut - large.training > small.heldOut - small.training)
  }
}
