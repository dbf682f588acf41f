import Foundation
import Tensors

/// The independently recurrent network (Li, Li, Cook, Zhu & Gao 2018, "Independently recurrent neural network (IndRNN):
/// building a longer and deeper RNN"): each unit remembers itself alone, so the recurrent weight is a vector.
///
///     h' = relu(W·x + u * h + b)
///
/// Input [batch, inputSize], state and output h [batch, hiddenSize]. The state begins as zeros, u evenly spread over
/// 0…1, b as 0. Units meet in the next layer only: use several.
///
/// Over T time steps the gradient of a unit grows by up to |u|^T. The paper therefore keeps |u| ≤ 2^(1/T);
/// ``limitRecurrent(steps:)`` does it, to be called after each update:
///
///     let layer = Recurrent(IndRNN(inputSize: 3, hiddenSize: 8, using: &random))
///     optimizer.update(layer.parameters, with: gradients, learningRate: 0.001)
///     layer.cell.limitRecurrent(steps: 600)
public struct IndRNN: RecurrentCell {
  /// A layer on x.
  public let input: Linear
  /// u, [hiddenSize].
  public let recurrent: Parameter
  /// The function of the sum; relu by default.
  public let activation: Activation

  /// A new cell. W begins as Glorot's, or as the initialization says for the input.
  public init(
    inputSize: Int, hiddenSize: Int, activation: Activation = .relu,
    initialization: CellInitialization = CellInitialization(), using random: inout RandomSource
  ) {
    input = Linear(inputs: inputSize, outputs: hiddenSize, initializer: initialization.input, using: &random)
    recurrent = Parameter(random.uniform([hiddenSize], in: 0...1))
    self.activation = activation
  }

  /// Values of the hidden state.
  public var hiddenSize: Int { input.outputSize }
  /// Values in a row of the input.
  public var inputSize: Int { input.inputSize }

  /// Zeros [batch, hiddenSize].
  public func initialState(batch: Int) -> Tensor { .zeros([batch, hiddenSize]) }

  /// The equations.
  public func step(_ x: Tensor, _ h: Tensor) -> (output: Tensor, state: Tensor) {
    let new = activation(input(x) + recurrent.tensor * h)
    return (output: new, state: new)
  }

  /// Moves every recurrent weight to the nearest with |u| ≤ 2^(1/steps), so that a gradient over so many time steps
  /// at most doubles. Traps unless `steps` is at least 1.
  public func limitRecurrent(steps: Int) {
    demand(steps >= 1, "IndRNN: \(steps) time steps, and there must be at least 1")
    let limit = Float(pow(2, 1 / Double(steps)))
    recurrent.value = Tensor(recurrent.value.values.map { min(max($0, -limit), limit) })
  }
}
