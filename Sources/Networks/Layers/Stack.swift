import Recurrence
import Tensors

/// Layers one on top of the other: each reads the output of the one below it at every time step.
///
///     Stack([
///       Recurrent(LSTM(inputSize: 32, hiddenSize: 64, using: &random)),
///       Recurrent(GRU(inputSize: 64, hiddenSize: 64, using: &random)),
///     ], dropout: 0.2)
///
/// The state's parts are those of the layers, first to last, with the layer's number in front: `0.hidden`, `0.cell`,
/// `1.hidden`.
public struct Stack: SequenceLayer {
  /// The layers, lowest first.
  public let layers: [any SequenceLayer]
  /// Between a layer and the next one; not before the first nor after the last.
  public let dropout: Dropout

  /// A stack. `dropout` is the rate between layers. Traps when a layer does not fit the one below it.
  public init(_ layers: [any SequenceLayer], dropout rate: Float = 0) {
    demand(!layers.isEmpty, "Stack: no layers")
    for (i, (lower, upper)) in zip(layers, layers.dropFirst()).enumerated() {
      demand(
        lower.outputSize == upper.inputSize,
        "Stack: layer \(i) gives \(lower.outputSize) values, layer \(i + 1) takes \(upper.inputSize)")
    }
    self.layers = layers
    dropout = Dropout(rate: rate)
  }

  /// Values in a time step of the input.
  public var inputSize: Int { layers[0].inputSize }
  /// Values in a time step of the output.
  public var outputSize: Int { layers[layers.count - 1].outputSize }

  /// The initial states of all layers.
  public func initialState(batch: Int) -> LayerState { joined(layers.map { $0.initialState(batch: batch) }) }

  /// Runs the layers one after the other. Traps when the state is not one of this stack.
  public func callAsFunction(_ input: SequenceBatch, from state: LayerState, in evaluation: inout Evaluation) -> (
    output: SequenceBatch, state: LayerState
  ) {
    var batch = input
    var states: [LayerState] = []
    let parts = layers.indices.map { part($0, of: state) }
    demand(
      parts.reduce(0) { $0 + $1.parts.count } == state.parts.count,
      "Stack: a state of parts \(state.parts.map(\.name)) for \(layers.count) layers")
    for (i, layer) in layers.enumerated() {
      if i > 0 { batch = dropout(batch, in: &evaluation) }
      let result = LayerPath.entering("\(i)") { layer(batch, from: parts[i], in: &evaluation) }
      batch = result.output
      states.append(result.state)
    }
    return (batch, joined(states))
  }

  private func joined(_ states: [LayerState]) -> LayerState {
    LayerState(
      parts: states.enumerated().flatMap { i, state in
        state.parts.map { LayerState.Part(name: "\(i).\($0.name)", tensor: $0.tensor) }
      })
  }

  private func part(_ i: Int, of state: LayerState) -> LayerState {
    let prefix = "\(i)."
    return LayerState(
      parts: state.parts.filter { $0.name.hasPrefix(prefix) }.map {
        LayerState.Part(name: String($0.name.dropFirst(prefix.count)), tensor: $0.tensor)
      })
  }
}
