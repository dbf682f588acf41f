import Tensors

/// Any feedforward network as a cell: what makes it recurrent is the cycle from its output back to its input.
///
///     h' = network([h, x])
///
/// The network takes rows of `outputSize` + `inputSize` values, [h, x], and gives `outputSize`. State and output are
/// h', which begins as zeros.
///
///     let network = Feedforward(sizes: [8 + 3, 16, 8], activations: [.relu, .tanh], using: &random)
///     let layer = Recurrent(FeedforwardCell(network))
public struct FeedforwardCell<Network: FeedforwardLayer>: RecurrentCell {
  /// The network of one step.
  public let network: Network

  /// A cell of a network. Traps when the network takes no more values than it gives: there would be no place for the
  /// input.
  public init(_ network: Network) {
    demand(
      network.inputSize > network.outputSize,
      "FeedforwardCell: a network of \(network.inputSize) inputs and \(network.outputSize) outputs "
        + "has no place for x in [h, x]"
    )
    self.network = network
  }

  /// Values in a row of the input.
  public var inputSize: Int { network.inputSize - network.outputSize }
  /// Values of the state, and of the output.
  public var outputSize: Int { network.outputSize }

  /// Zeros [batch, outputSize].
  public func initialState(batch: Int) -> Tensor { .zeros([batch, outputSize]) }

  /// The equation.
  public func step(_ x: Tensor, _ h: Tensor) -> (output: Tensor, state: Tensor) {
    let new = network(concatenated(h, x))
    return (output: new, state: new)
  }
}
