import Recurrence
import Tensors

/// A trained layer or stack held open for streaming: push the input of one time step, get its output.
///
///     let session = Session(stack)
///     let output = session.push(Tensor([0.1, 0.2, 0.3]))   // [outputSize]
///     let saved = session.state                            // parts [1, size], named as the layer's
///     session.state = saved                                // goes back
///     let other = session.forked()                         // goes on from here by itself
///
/// One time step allocates nothing in the form that takes buffers. Pushing the steps of a sequence gives the values
/// that the layer gives for the whole in the same precision, bit for bit. A session keeps the weights that the layer
/// had when it was made, and is without noise. What needs later time steps (backward and bidirectional layers) or has
/// fewer of them (``Pyramid``) cannot stream: making a session of it traps.
///
///     let small = Session(stack, precision: .int8)         // a quarter of the weights to read at every step
public final class Session {
  /// What the matrices of the layers were rounded to.
  public let precision: Precision
  private let stream: any LayerStream
  private let names: [String]

  /// Opens a layer. `state` is for one sequence; nil: the layer's initial state. `precision` is what matrices are
  /// rounded to, and the values that they are multiplied with, as in ``Evaluation``.
  public convenience init(
    _ layer: some SequenceLayer, from state: LayerState? = nil, precision: Precision = .float32
  ) {
    let initial = layer.initialState(batch: 1)
    let names = initial.parts.map(\.name)
    let state = state ?? initial
    demand(
      state.parts.map(\.name) == names, "Session: a state of \(state.parts.map(\.name)) is not this layer's, \(names)")
    for (given, own) in zip(state.parts, initial.parts) {
      demand(
        given.tensor.shape == own.tensor.shape,
        "Session: the state's \(own.name) is \(given.tensor.shape), not \(own.tensor.shape)")
    }
    self.init(layer.openStream(from: state, precision: precision), names, precision)
  }

  private init(_ stream: any LayerStream, _ names: [String], _ precision: Precision) {
    self.stream = stream
    self.names = names
    self.precision = precision
  }

  /// Values in a time step of the input.
  public var inputSize: Int { stream.inputWidth }
  /// Values in a time step of the output.
  public var outputSize: Int { stream.outputWidth }

  /// Runs one time step: input of `inputSize` values, in any shape, to output [outputSize].
  public func push(_ input: Tensor) -> Tensor {
    demand(input.shape.count == inputSize, "Session: an input \(input.shape) should have \(inputSize) values")
    let result = Storage(count: outputSize)
    result.floats.update(from: stream.push(input.storage.floats), count: outputSize)
    return Tensor(shape: [outputSize], storage: result)
  }

  /// Runs one time step without allocating: `inputSize` values to `outputSize` values.
  public func push(_ input: UnsafeBufferPointer<Float>, into output: UnsafeMutableBufferPointer<Float>) {
    demand(
      input.count == inputSize && output.count == outputSize,
      "Session: buffers of \(input.count) and \(output.count) values should be of \(inputSize) and \(outputSize)")
    guard let target = output.baseAddress else { return }
    // Of an input without values nothing is read.
    target.update(from: stream.push(input.baseAddress ?? UnsafePointer(target)), count: outputSize)
  }

  /// The state after the last step: the layer's parts, each [1, size]. Traps when set to one of other parts.
  public var state: LayerState {
    get { LayerState(parts: zip(names, stream.states).map { LayerState.Part(name: $0, tensor: $1) }) }
    set {
      demand(
        newValue.parts.map(\.name) == names, "Session: a state of \(newValue.parts.map(\.name)) is not this layer's")
      stream.states = newValue.parts.map(\.tensor)
    }
  }

  /// Another session that goes on from here; neither affects the other.
  public func forked() -> Session { Session(stream.forked(), names, precision) }
}
