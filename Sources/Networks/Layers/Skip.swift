import Recurrence
import Tensors

/// A layer with its input behind its output, y = [f(x), x]: what is above sees both, whatever their sizes (the skip
/// connections of Graves 2013, the dense ones of Huang et al. 2017).
///
///     Stack([
///       Skip(Recurrent(LSTM(inputSize: 32, hiddenSize: 64, using: &random))),     // 32 values to 64 + 32
///       Skip(Recurrent(LSTM(inputSize: 96, hiddenSize: 64, using: &random))),     // 96 values to 64 + 96
///     ])
///
/// The state is the inner layer's.
public struct Skip: WrappingLayer {
  /// The layer beside the connection.
  public let layer: any SequenceLayer

  /// A connection around a layer.
  public init(_ layer: any SequenceLayer) { self.layer = layer }

  /// Values in a time step of the output: the layer's and the input's.
  public var outputSize: Int { layer.outputSize + layer.inputSize }

  /// Runs the layer and appends the input. Traps when the layer changes the lengths.
  public func callAsFunction(_ input: SequenceBatch, from state: LayerState, in evaluation: inout Evaluation) -> (
    output: SequenceBatch, state: LayerState
  ) {
    let result = layer(input, from: state, in: &evaluation)
    result.output.demandLengths(of: input, for: "Skip")
    return (result.output.mapRows { concatenated($0, input.rows) }, result.state)
  }
}

extension Skip: StreamingLayer {
  package func stream(from state: LayerState, precision: Precision) -> any LayerStream {
    let (own, input) = (layer.outputSize, inputSize)
    return ConnectionStream(layer.openStream(from: state, precision: precision), outputWidth: own + input) {
      x, f, _, y in
      y.update(from: f, count: own)
      (y + own).update(from: x, count: input)
    }
  }
}
