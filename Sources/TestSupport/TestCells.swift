import Networks
import Recurrence
import Tensors

/// Every cell of the library, and some that only the tests know: the laws of recurrences hold for all of them.
package struct TestCell: Sendable, CustomStringConvertible {
  package let description: String
  private let make: @Sendable (Int, Int, inout RandomSource) -> any SequenceLayer

  /// A layer of the cell, whose parameters are all random (biases too).
  package func layer(input: Int, hidden: Int, using random: inout RandomSource) -> any SequenceLayer {
    let layer = make(input, hidden, &random)
    for named in layer.parameters where named.parameter.shape.rank == 1 {
      named.parameter.value = random.uniform(named.parameter.shape, in: -0.5...0.5)
    }
    return layer
  }

  package static let all = [
    TestCell(description: "Elman") { Recurrent(Elman(inputSize: $0, hiddenSize: $1, using: &$2)) },
    TestCell(description: "Elman, relu, readout") {
      Recurrent(Elman(inputSize: $0, hiddenSize: $1, outputSize: $1 + 2, activation: .relu, using: &$2))
    },
    TestCell(description: "GRU") { Recurrent(GRU(inputSize: $0, hiddenSize: $1, using: &$2)) },
    TestCell(description: "GRU, no bias") { Recurrent(GRU(inputSize: $0, hiddenSize: $1, bias: false, using: &$2)) },
    TestCell(description: "GRU, reset after") {
      Recurrent(GRU(.resetAfter, inputSize: $0, hiddenSize: $1, using: &$2))
    },
    TestCell(description: "LSTM") { Recurrent(LSTM(inputSize: $0, hiddenSize: $1, using: &$2)) },
    TestCell(description: "LSTM, backward") {
      Recurrent(LSTM(inputSize: $0, hiddenSize: $1, using: &$2), direction: .backward)
    },
    TestCell(description: "GRU, backward") {
      Recurrent(GRU(inputSize: $0, hiddenSize: $1, using: &$2), direction: .backward)
    },
    TestCell(description: "two dense layers") {
      Recurrent(
        FeedforwardCell(Feedforward(sizes: [$0 + $1, 2 * $1 + 1, $1], activations: [.relu, .tanh], using: &$2)))
    },
    TestCell(description: "odd cell") { Recurrent(OddCell(inputSize: $0, hiddenSize: $1, using: &$2)) },
    TestCell(description: "linear cell") { Recurrent(LinearCell(inputSize: $0, hiddenSize: $1, using: &$2)) },
    TestCell(description: "late cell") { Recurrent(LateCell(inputSize: $0, hiddenSize: $1, using: &$2)) },
    TestCell(description: "scanned pair") { Recurrent(ScannedPair(inputSize: $0, hiddenSize: $1, using: &$2)) },
    TestCell(description: "rotation") { Recurrent(Rotation(inputSize: $0, hiddenSize: $1, using: &$2)) },
    TestCell(description: "MGU") { Recurrent(MGU(inputSize: $0, hiddenSize: $1, using: &$2)) },
    TestCell(description: "IndRNN, tanh") {
      Recurrent(IndRNN(inputSize: $0, hiddenSize: $1, activation: .tanh, using: &$2))
    },
    TestCell(description: "LSTM, peepholes and clip") {
      let options = VariantLSTM.Options(peepholes: true, cellClip: 0.3)
      return Recurrent(VariantLSTM(inputSize: $0, hiddenSize: $1, options: options, using: &$2))
    },
    TestCell(description: "LSTM, all variants") {
      let options = VariantLSTM.Options(peepholes: true, couplesGates: true, projection: $1 - 1, cellClip: 0.5)
      return Recurrent(VariantLSTM(inputSize: $0, hiddenSize: $1, options: options, using: &$2))
    },
    TestCell(description: "multiplicative LSTM") {
      Recurrent(MultiplicativeLSTM(inputSize: $0, hiddenSize: $1, using: &$2))
    },
    TestCell(description: "minGRU") { Recurrent(MinGRU(inputSize: $0, hiddenSize: $1, using: &$2)) },
    TestCell(description: "minLSTM") { Recurrent(MinLSTM(inputSize: $0, hiddenSize: $1, using: &$2)) },
    TestCell(description: "SRU") { Recurrent(SRU(inputSize: $0, hiddenSize: $1, using: &$2)) },
    TestCell(description: "GRU, output fed back") {
      Recurrent(OutputFeedback(GRU(inputSize: $0 + $1, hiddenSize: $1, using: &$2)))
    },
    TestCell(description: "LSTM, readout fed back") {
      let cell = LSTM(inputSize: $0 + 2, hiddenSize: $1, using: &$2)
      return Recurrent(OutputFeedback(cell, readout: Linear(inputs: $1, outputs: 2, using: &$2)))
    },
    TestCell(description: "RHN") { Recurrent(RHN(inputSize: $0, hiddenSize: $1, depth: 2, using: &$2)) },
    TestCell(description: "integrator") { Recurrent(Integrator(inputSize: $0, hiddenSize: $1, using: &$2)) },
    TestCell(description: "layer-norm LSTM") { Recurrent(LayerNormLSTM(inputSize: $0, hiddenSize: $1, using: &$2)) },
    TestCell(description: "layer-norm GRU") { Recurrent(LayerNormGRU(inputSize: $0, hiddenSize: $1, using: &$2)) },
    TestCell(description: "Jordan") {
      Recurrent(Jordan(inputSize: $0, hiddenSize: $1 + 2, outputSize: $1, outputActivation: .tanh, using: &$2))
    },
    TestCell(description: "Li-GRU") { Recurrent(LiGRU(inputSize: $0, hiddenSize: $1, using: &$2)) },
    TestCell(description: "sLSTM") { Recurrent(SLSTM(inputSize: $0, hiddenSize: 2 * $1, heads: 2, using: &$2)) },
    TestCell(description: "mLSTM") { Recurrent(MLSTM(inputSize: $0, hiddenSize: 2 * $1, heads: 2, using: &$2)) },
    TestCell(description: "QRNN") { Recurrent(QRNN(inputSize: $0, hiddenSize: $1, using: &$2)) },
    TestCell(description: "RG-LRU") { Recurrent(RGLRU(inputSize: $0, hiddenSize: $1, using: &$2)) },
    TestCell(description: "LRU") { Recurrent(LRU(inputSize: $0, hiddenSize: $1, outputSize: $1 + 1, using: &$2)) },
    TestCell(description: "GRU-D") { Recurrent(ObservingCell(inputSize: $0, hiddenSize: $1, using: &$2)) },
    TestCell(description: "CfC") { Recurrent(CfC(inputSize: $0, hiddenSize: $1, backbone: [$1 + 2], using: &$2)) },
  ]
}

/// A cell that no library has: a softmax over the past decides how much of three memories is shown, a scalar parameter
/// scales them, one memory never changes but by the input, and the output shows the state before the step.
package struct OddCell: RecurrentCell {
  package struct State: RecurrentState {
    package var fast, slow, sum: Tensor
    package static var parts: [WritableKeyPath<State, Tensor>] { [\.fast, \.slow, \.sum] }
  }
  package let mix: Linear
  package let choose: Linear
  package let scale: Parameter
  package let hiddenSize: Int
  package let inputSize: Int

  package init(inputSize: Int, hiddenSize: Int, using random: inout RandomSource) {
    mix = Linear(inputs: hiddenSize + inputSize, outputs: hiddenSize, using: &random)
    choose = Linear(inputs: hiddenSize, outputs: 3, using: &random)
    scale = Parameter(Tensor([0.7]))
    self.hiddenSize = hiddenSize
    self.inputSize = inputSize
  }

  package func initialState(batch: Int) -> State {
    State(fast: .zeros([batch, hiddenSize]), slow: .zeros([batch, hiddenSize]), sum: .zeros([batch, inputSize]))
  }

  package func step(_ x: Tensor, _ s: State) -> (output: Tensor, state: State) {
    let fast = tanh(mix(concatenated(s.fast * s.slow, x)))
    let weights = softmax(choose(s.fast))
    let slow = 0.5 * s.slow + weights.features(0..<1) * fast + maximum(fast, s.fast) / (2 + square(s.slow))
    let sum = s.sum + sqrt(1 + square(x)) * scale.tensor
    let shown = concatenated(weights.features(1..<2) * slow, weights.features(2..<3) * s.fast, log(2 + sigmoid(sum)))
    return (output: shown, state: State(fast: fast, slow: slow, sum: sum))
  }
}

/// The least that a recurrence can be: h' = U·h + V·x, two parts of the state that are the same value, an output that
/// is the state before the step.
package struct LinearCell: RecurrentCell {
  package struct State: RecurrentState {
    package var first, second, still: Tensor
    package static var parts: [WritableKeyPath<State, Tensor>] { [\.first, \.second, \.still] }
  }
  package let recurrent: Linear
  package let input: Linear

  package init(inputSize: Int, hiddenSize: Int, using random: inout RandomSource) {
    recurrent = Linear(inputs: hiddenSize, outputs: hiddenSize, bias: false, using: &random)
    input = Linear(inputs: inputSize, outputs: hiddenSize, bias: false, using: &random)
  }

  package var inputSize: Int { input.inputSize }
  package func initialState(batch: Int) -> State {
    let zeros = Tensor.zeros([batch, recurrent.outputSize])
    return State(first: zeros, second: zeros, still: zeros)
  }

  package func step(_ x: Tensor, _ s: State) -> (output: Tensor, state: State) {
    let new = recurrent(s.first) + input(x)
    return (output: s.second, state: State(first: new, second: new, still: s.still))
  }
}

/// A cell whose output is a readout of the state before the step, with parts of the state that are written and never
/// read, one of them a learnt value that is the same in all sequences; of input and state it uses some columns only.
package struct LateCell: RecurrentCell {
  package struct State: RecurrentState {
    package var hidden, written, learnt: Tensor
    package static var parts: [WritableKeyPath<State, Tensor>] { [\.hidden, \.written, \.learnt] }
  }
  package let mix: Linear
  package let readout: Linear
  package let learnt: Parameter
  package let inputSize: Int

  package init(inputSize: Int, hiddenSize: Int, using random: inout RandomSource) {
    learnt = Parameter(random.uniform([hiddenSize], in: -1...1))
    mix = Linear(inputs: hiddenSize - 1 + inputSize - 1, outputs: hiddenSize, using: &random)
    readout = Linear(inputs: hiddenSize, outputs: hiddenSize + 1, using: &random)
    self.inputSize = inputSize
  }

  package func initialState(batch: Int) -> State {
    let zeros = Tensor.zeros([batch, mix.outputSize])
    return State(hidden: zeros, written: zeros, learnt: zeros)
  }

  package func step(_ x: Tensor, _ s: State) -> (output: Tensor, state: State) {
    let hidden = tanh(mix(concatenated(s.hidden.features(1..<mix.outputSize), x.features(0..<inputSize - 1))))
    let state = State(hidden: hidden, written: hidden * x.features(1..<2), learnt: learnt.tensor)
    return (output: readout(s.hidden), state: state)
  }
}

/// A cell for values that were not all observed, on rows of any width: from 3 columns on, as many values and masks as
/// fit before the elapsed time, the last column that is used; of 2 columns one is taken twice.
package struct ObservingCell: RecurrentCell {
  package let cell: GRUD
  package let inputSize: Int

  package init(inputSize: Int, hiddenSize: Int, using random: inout RandomSource) {
    let means = random.uniform([max(1, (inputSize - 1) / 2)], in: -0.5...0.5)
    cell = GRUD(means: means, hiddenSize: hiddenSize, using: &random)
    self.inputSize = inputSize
  }

  package func initialState(batch: Int) -> GRUD.State { cell.initialState(batch: batch) }

  package func step(_ x: Tensor, _ state: GRUD.State) -> (output: Tensor, state: GRUD.State) {
    cell.step(inputSize < 3 ? concatenated(x, x.features(0..<1)) : x.features(0..<cell.inputSize), state)
  }
}

/// A cell that sums its input, so that cotangents of input and state are the same value, and shows a product of it.
package struct Integrator: RecurrentCell {
  package let readout: Linear

  package init(inputSize: Int, hiddenSize: Int, using random: inout RandomSource) {
    readout = Linear(inputs: inputSize, outputs: hiddenSize, using: &random)
  }

  package var inputSize: Int { readout.inputSize }
  package func initialState(batch: Int) -> Tensor { .zeros([batch, inputSize]) }
  package func step(_ x: Tensor, _ sum: Tensor) -> (output: Tensor, state: Tensor) {
    (output: readout(sum + x), state: sum + x)
  }
}
