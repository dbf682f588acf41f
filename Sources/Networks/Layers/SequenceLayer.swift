import Recurrence
import Tensors

/// A layer's state between time steps: named tensors, each [batch, size].
///
/// A recurrent layer's parts have the names of its cell's (`hidden`, `cell`); a stack puts the layer's number in front
/// (`0.hidden`), two directions their names (`forward.hidden`, then `backward.hidden`). The order is that of the
/// layers, first to last. Layers around another one (``Residual``, ``LearnedState``) leave its state as it is, unless
/// they have a state too (``Clockwork``).
public struct LayerState: Sendable {
  /// One tensor of the state.
  public struct Part: Sendable {
    /// Its name.
    public let name: String
    /// [batch, size].
    public var tensor: Tensor
    /// Whether the values are whole numbers that count time steps, in place of values that could be learnt:
    /// ``LearnedState`` and ``Bridge`` leave such parts as the layer begins with them.
    public let isCounter: Bool

    /// Creates a part.
    public init(name: String, tensor: Tensor, isCounter: Bool = false) {
      self.name = name
      self.tensor = tensor
      self.isCounter = isCounter
    }

    func named(_ name: String) -> Part { Part(name: name, tensor: tensor, isCounter: isCounter) }
  }
  /// The tensors, in order.
  public var parts: [Part]

  /// A state of parts.
  public init(parts: [Part] = []) { self.parts = parts }

  /// The tensor with this name; nil when there is none.
  public subscript(name: String) -> Tensor? { parts.first { $0.name == name }?.tensor }

  /// The states of several layers as one: the parts of each with its name and a full stop in front.
  public init(joining states: [(name: String, state: LayerState)]) {
    parts = states.flatMap { name, state in state.parts.map { $0.named("\(name).\($0.name)") } }
  }

  /// The state of one of the joined layers, its parts named as there; empty when there is none of that name.
  ///
  ///     state.state(of: "0")["hidden"]   // as state["0.hidden"]
  public func state(of layer: String) -> LayerState {
    let prefix = layer + "."
    return LayerState(
      parts: parts.filter { $0.name.hasPrefix(prefix) }.map { $0.named(String($0.name.dropFirst(prefix.count))) })
  }

  /// The same values, cut off from the time steps that they come from: no gradient flows further back. The cut of
  /// truncated backpropagation through time.
  public var detached: LayerState { mapTensors(\.detached) }

  /// The states of some of the sequences, by their numbers, in the order given.
  public func rows(_ sequences: [Int]) -> LayerState {
    mapTensors { $0.gatheringRows(sequences.map(Int32.init)) }
  }

  private func mapTensors(_ transform: (Tensor) -> Tensor) -> LayerState {
    LayerState(
      parts: parts.map { Part(name: $0.name, tensor: transform($0.tensor), isCounter: $0.isCounter) })
  }
}

/// A layer over sequences: takes a batch and the state before it, gives a batch and the state after each sequence's own
/// last time step. The output has the lengths of the input; only a ``Pyramid`` halves them.
public protocol SequenceLayer: Module {
  /// Values in a time step of the input.
  var inputSize: Int { get }
  /// Values in a time step of the output.
  var outputSize: Int { get }
  /// The state before the first time step.
  func initialState(batch: Int) -> LayerState
  /// Runs the layer over the batch. A sequence of length 0 ends in the state it began with.
  func callAsFunction(_ input: SequenceBatch, from state: LayerState, in evaluation: inout Evaluation) -> (
    output: SequenceBatch, state: LayerState
  )
}

extension SequenceLayer {
  /// Runs the layer from its initial state, without the noise of training.
  public func callAsFunction(_ input: SequenceBatch) -> (output: SequenceBatch, state: LayerState) {
    var evaluation = Evaluation.inference
    return self(input, from: initialState(batch: input.layout.batch), in: &evaluation)
  }
}
