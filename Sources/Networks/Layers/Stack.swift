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
///
/// Layers of all kinds, sizes and directions stack, in any order:
///
///     Stack([
///       Bidirectional(forward: LSTM(…), backward: LSTM(…)),                    // 40 values to 2 · 64
///       Pyramid(inputSize: 128),                                               // half as many time steps of 256
///       Recurrent(GRU(inputSize: 256, hiddenSize: 64, using: &random)),
///       Residual(Recurrent(GRU(inputSize: 64, hiddenSize: 64, using: &random))),
///     ])
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

  /// A stack of recurrent layers in alternating directions: the lowest forward, the next backward, the third forward
  /// (Zhou & Xu 2015). Each direction reads what the one below it found.
  ///
  ///     Stack(alternating: [LSTM(inputSize: 32, hiddenSize: 64, using: &random), GRU(inputSize: 64, …)])
  ///
  /// `regularization` is that of each layer, `dropout` the rate between them.
  public init(
    alternating cells: [any RecurrentCell], dropout rate: Float = 0, regularization: Regularization = .none
  ) {
    func layer(_ cell: some RecurrentCell, _ direction: Direction) -> any SequenceLayer {
      Recurrent(cell, direction: direction, regularization: regularization)
    }
    self.init(
      cells.enumerated().map { layer($1, $0.isMultiple(of: 2) ? .forward : .backward) }, dropout: rate)
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
    let parts = layers.indices.map { state.state(of: "\($0)") }
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
    LayerState(joining: states.enumerated().map { (name: "\($0)", state: $1) })
  }
}

extension Stack: StreamingLayer {
  package func stream(from state: LayerState, precision: Precision) -> any LayerStream {
    ChainStream(
      layers.enumerated().map { i, layer in
        LayerPath.entering("\(i)") { layer.openStream(from: state.state(of: "\(i)"), precision: precision) }
      })
  }
}
