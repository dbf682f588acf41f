import Tensors

/// The plain recurrent cell, the textbook's three layers (Elman, "Finding structure in time", 1990):
///
///     h' = tanh(W·[h, x] + b)
///     y  = h'                 hidden and output are the same,
///     y  = V·h' + c           or the output is a layer of its own
///
/// Input [batch, inputSize], hidden state [batch, hiddenSize], output [batch, outputSize]. The state begins as zeros.
///
///     let layer = Recurrent(Elman(inputSize: 3, hiddenSize: 8, using: &random))
public struct Elman: RecurrentCell {
  /// Takes [h, x].
  public let hidden: Linear
  /// From the hidden to the output layer; nil: they are the same.
  public let readout: Linear?
  /// The hidden layer's function; tanh by default.
  public let activation: Activation

  /// A new cell. `outputSize` nil: hidden and output are the same. Recurrent columns begin orthogonal, the others
  /// Glorot's.
  public init(
    inputSize: Int, hiddenSize: Int, outputSize: Int? = nil, activation: Activation = .tanh,
    initialization: CellInitialization = CellInitialization(), using random: inout RandomSource
  ) {
    hidden = Linear(
      hidden: hiddenSize, input: inputSize, outputs: hiddenSize, initialization: initialization, using: &random)
    readout = outputSize.map { Linear(inputs: hiddenSize, outputs: $0, using: &random) }
    self.activation = activation
  }

  /// Values of the hidden state.
  public var hiddenSize: Int { hidden.outputSize }
  /// Values in a row of the input.
  public var inputSize: Int { hidden.inputSize - hiddenSize }

  /// Zeros [batch, hiddenSize].
  public func initialState(batch: Int) -> Tensor { .zeros([batch, hiddenSize]) }

  /// The equations.
  public func step(_ x: Tensor, _ h: Tensor) -> (output: Tensor, state: Tensor) {
    let new = activation(hidden(concatenated(h, x)))
    return (output: readout.map { $0(new) } ?? new, state: new)
  }
}
