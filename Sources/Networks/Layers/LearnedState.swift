import Recurrence
import Tensors

/// A layer whose state before the first time step is learnt, in place of zeros: the same values for all sequences.
///
///     let layer = LearnedState(Recurrent(LSTM(inputSize: 3, hiddenSize: 8, using: &random)))
///     layer.parameters.map(\.path)   // ["initial.hidden", "initial.cell", "layer.cell.forget.weight", …]
///
/// Around any layer, stacks and both directions too; a parameter for each part of the state, named as the part, which
/// begins as the layer's own initial state. Gradients flow to it where ``initialState(batch:)`` is called while they
/// are taken, as calling the layer without a state does. The state is the inner layer's.
public struct LearnedState: WrappingLayer {
  /// The learnt values, one parameter [size] for each part of the state.
  public let initial: InitialState
  /// The layer that begins with them.
  public let layer: any SequenceLayer

  /// Named parameters: the parts of a state.
  public struct InitialState: Module, CustomReflectable {
    /// The parts' names, as in ``LayerState``.
    public let names: [String]
    /// One parameter [size] for each name.
    public let values: [Parameter]

    /// The parameter of this part; nil when there is none.
    public subscript(name: String) -> Parameter? { zip(names, values).first { $0.0 == name }?.1 }

    /// Shows the parameters under the names of their parts.
    public var customMirror: Mirror { Mirror(self, children: zip(names, values).map { ($0, $1) }) }
  }

  /// A layer that learns its initial state.
  public init(_ layer: any SequenceLayer) {
    let state = Recording.$current.withValue(.none) { layer.initialState(batch: 1) }
    let parts = state.parts.filter { !$0.isCounter }
    initial = InitialState(
      names: parts.map(\.name),
      values: parts.map { Parameter($0.tensor.reshaped(to: [$0.tensor.shape.last])) })
    self.layer = layer
  }

  /// The learnt state, for each of `batch` sequences.
  public func initialState(batch: Int) -> LayerState {
    LayerState(
      parts: layer.initialState(batch: batch).parts.map { part in
        guard let value = initial[part.name] else { return part }
        return LayerState.Part(
          name: part.name, tensor: value.tensor.applying(.broadcast(to: [batch, value.shape.last])))
      })
  }

  /// Runs the layer.
  public func callAsFunction(_ input: SequenceBatch, from state: LayerState, in evaluation: inout Evaluation) -> (
    output: SequenceBatch, state: LayerState
  ) {
    layer(input, from: state, in: &evaluation)
  }
}

extension LearnedState: StreamingLayer {
  package func stream(from state: LayerState, precision: Precision) -> any LayerStream {
    layer.openStream(from: state, precision: precision)
  }
}
