import Recurrence
import Tensors

/// A layer with its input added to its output, y = f(x) + x, so that gradients reach the layers below undiminished (He
/// et al. 2016; between recurrent layers Wu et al. 2016).
///
///     Residual(Recurrent(GRU(inputSize: 64, hiddenSize: 64, using: &random)))
///
/// The state is the inner layer's. See ``Highway`` for a gated sum, ``Skip`` for layers of different sizes.
public struct Residual: WrappingLayer {
  /// The layer beside the connection.
  public let layer: any SequenceLayer

  /// A connection around a layer. Traps unless the layer gives as many values as it takes.
  public init(_ layer: any SequenceLayer) {
    demand(
      layer.inputSize == layer.outputSize,
      "Residual: the layer takes \(layer.inputSize) values and gives \(layer.outputSize): a sum needs equal sizes")
    self.layer = layer
  }

  /// Runs the layer and adds the input. Traps when the layer changes the lengths.
  public func callAsFunction(_ input: SequenceBatch, from state: LayerState, in evaluation: inout Evaluation) -> (
    output: SequenceBatch, state: LayerState
  ) {
    let result = layer(input, from: state, in: &evaluation)
    result.output.demandLengths(of: input, for: "Residual")
    return (result.output.mapRows { $0 + input.rows }, result.state)
  }
}

extension Residual: StreamingLayer {
  package func stream(from state: LayerState, precision: Precision) -> any LayerStream {
    let size = outputSize
    return ConnectionStream(layer.openStream(from: state, precision: precision), outputWidth: size) { x, f, _, y in
      for i in 0..<size { y[i] = f[i] + x[i] }
    }
  }
}

extension SequenceLayer {
  /// The layer with its input added to its output when asked; else itself.
  package func added(_ isAdded: Bool) -> any SequenceLayer { isAdded ? Residual(self) : self }

  /// The recurrent layer that it is, or that stands inside a ``Residual``; nil: none does.
  package var recurrent: (any RecurrentLayer)? { self as? any RecurrentLayer ?? (self as? Residual)?.layer.recurrent }
}

extension SequenceBatch {
  /// Stops when a connection around a layer finds other time steps at its end than at its beginning.
  func demandLengths(of input: SequenceBatch, for connection: String) {
    demand(
      layout == input.layout,
      "\(connection): the layer makes lengths \(lengths) of \(input.lengths): time steps do not meet")
  }
}
