/// A layer around another one. Its sizes and its initial state are the inner layer's, where it does not say otherwise.
public protocol WrappingLayer: SequenceLayer {
  /// The layer inside.
  var layer: any SequenceLayer { get }
}

extension WrappingLayer {
  /// Values in a time step of the input: those of the layer inside.
  public var inputSize: Int { layer.inputSize }
  /// Values in a time step of the output: those of the layer inside.
  public var outputSize: Int { layer.outputSize }
  /// The initial state of the layer inside.
  public func initialState(batch: Int) -> LayerState { layer.initialState(batch: batch) }
}
