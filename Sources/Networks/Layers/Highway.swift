import Recurrence
import Tensors

/// A layer with a learnt gate between its output and its input (Srivastava et al. 2015; between recurrent layers Zhang
/// et al. 2016):
///
///     t = σ(W · x + b)
///     y = t * f(x) + (1 - t) * x
///
///     Highway(Recurrent(GRU(inputSize: 64, hiddenSize: 64, using: &random)), using: &random)
///
/// The gate reads the input of the same time step. Its bias begins below 0: at first most of the input passes by the
/// layer, and deep stacks learn from the beginning. The state is the inner layer's.
public struct Highway: WrappingLayer {
  /// The layer beside the connection.
  public let layer: any SequenceLayer
  /// W and b: how much of the layer's output is taken.
  public let gate: Linear
  private let unroller: Unroller

  /// A connection of given parameters: gate weight [size, size] and bias [size]. Traps unless layer and gate give as
  /// many values as they take.
  public init(_ layer: any SequenceLayer, gate: Linear) {
    let size = layer.inputSize
    demand(
      size == layer.outputSize,
      "Highway: the layer takes \(size) values and gives \(layer.outputSize): a gated sum needs equal sizes")
    demand(
      gate.inputSize == size && gate.outputSize == size,
      "Highway: the gate takes \(gate.inputSize) values and gives \(gate.outputSize), the layer \(size) and \(size)")
    self.layer = layer
    self.gate = gate
    unroller = Unroller(
      StepFunction(inputWidths: [size], stateWidths: []) { inputs, _ in ([sigmoid(gate(inputs[0]))], []) })
  }

  /// A connection with a new gate, whose weight is Glorot's. Traps unless the layer gives as many values as it takes.
  public init(_ layer: any SequenceLayer, gateBias: Float = -1, using random: inout RandomSource) {
    let size = layer.inputSize
    self.init(
      layer,
      gate: Linear(
        weight: Parameter(Initializer.glorotUniform(outputs: size, inputs: size, using: &random)),
        bias: Parameter(Tensor(shape: [size], repeating: gateBias))))
  }

  /// Runs the layer and the gate. Traps when the layer changes the lengths.
  public func callAsFunction(_ input: SequenceBatch, from state: LayerState, in evaluation: inout Evaluation) -> (
    output: SequenceBatch, state: LayerState
  ) {
    let result = layer(input, from: state, in: &evaluation)
    result.output.demandLengths(of: input, for: "Highway")
    let t = unroller(
      [input.rows], states: [], layout: input.layout, evaluation.unrolling, precision: evaluation.precision
    ).outputs[0]
    return (result.output.mapRows { t * $0 + (1 - t) * input.rows }, result.state)
  }
}

extension Highway: StreamingLayer {
  package func stream(from state: LayerState, precision: Precision) -> any LayerStream {
    let size = outputSize
    return ConnectionStream(
      layer.openStream(from: state, precision: precision), gate: unroller.stream(from: [], precision: precision),
      outputWidth: size
    ) { x, f, t, y in
      for i in 0..<size { y[i] = t[i] * f[i] + (1 - t[i]) * x[i] }
    }
  }
}
