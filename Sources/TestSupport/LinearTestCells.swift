import Networks
import Tensors

/// A cell that is linear in its state, in two parts that know nothing of each other: one decays at a learnt rate that
/// is the same at all time steps, the other moves towards what the input says. The output shows the one after the step
/// and the other before it.
package struct ScannedPair: RecurrentCell {
  package struct State: RecurrentState {
    package var decaying, moving: Tensor
    package static var parts: [WritableKeyPath<State, Tensor>] { [\.decaying, \.moving] }
  }
  package let decay: Parameter
  package let inflow: Linear
  package let rate: Linear
  package let target: Linear

  package init(inputSize: Int, hiddenSize: Int, using random: inout RandomSource) {
    decay = Parameter(.zeros([hiddenSize + 1]))
    inflow = Linear(inputs: inputSize, outputs: hiddenSize + 1, using: &random)
    rate = Linear(inputs: inputSize, outputs: hiddenSize, using: &random)
    target = Linear(inputs: inputSize, outputs: hiddenSize, using: &random)
  }

  package var inputSize: Int { rate.inputSize }
  package func initialState(batch: Int) -> State {
    State(decaying: .zeros([batch, inflow.outputSize]), moving: .zeros([batch, rate.outputSize]))
  }

  package func step(_ x: Tensor, _ s: State) -> (output: Tensor, state: State) {
    let decaying = sigmoid(decay.tensor) * s.decaying + inflow(x)
    let moving = s.moving + sigmoid(rate(x)) * (tanh(target(x)) - s.moving)
    return (output: concatenated(tanh(decaying), s.moving), state: State(decaying: decaying, moving: moving))
  }
}

/// A cell whose units turn, real and imaginary part, by a learnt angle: linear in the state, but in both parts at once.
package struct Rotation: RecurrentCell {
  package struct State: RecurrentState {
    package var real, imaginary: Tensor
    package static var parts: [WritableKeyPath<State, Tensor>] { [\.real, \.imaginary] }
  }
  package let cosine, sine: Parameter
  package let real, imaginary: Linear

  package init(inputSize: Int, hiddenSize: Int, using random: inout RandomSource) {
    cosine = Parameter(.zeros([hiddenSize]))
    sine = Parameter(.zeros([hiddenSize]))
    real = Linear(inputs: inputSize, outputs: hiddenSize, using: &random)
    imaginary = Linear(inputs: inputSize, outputs: hiddenSize, using: &random)
  }

  package var inputSize: Int { real.inputSize }
  package func initialState(batch: Int) -> State {
    State(real: .zeros([batch, real.outputSize]), imaginary: .zeros([batch, real.outputSize]))
  }

  package func step(_ x: Tensor, _ s: State) -> (output: Tensor, state: State) {
    let (c, i) = (cosine.tensor, sine.tensor)
    let new = State(
      real: c * s.real - i * s.imaginary + real(x), imaginary: i * s.real + c * s.imaginary + imaginary(x))
    return (output: new.real, state: new)
  }
}
