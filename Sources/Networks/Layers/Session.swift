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
/// had when it was made, and is without dropout. Backward layers cannot stream: making a session of one traps.
///
///     let small = Session(stack, precision: .int8)         // a quarter of the weights to read at every step
public final class Session {
  /// What the matrices of the layers were rounded to.
  public let precision: Precision
  private let streams: [StepStream]
  private let names: [String]

  /// Opens a recurrent layer, or a stack of them. `state` is for one sequence; nil: the layer's initial state.
  /// `precision` is what matrices are rounded to, and the values that they are multiplied with, as in ``Evaluation``.
  public convenience init(
    _ layer: some SequenceLayer, from state: LayerState? = nil, precision: Precision = .float32
  ) {
    let layers = Self.recurrentLayers(of: layer)
    demand(
      layers.allSatisfy { $0.direction == .forward }, "Session: a backward layer needs the end of the sequence first")
    let state = state ?? layer.initialState(batch: 1)
    var rest = state.parts.map(\.tensor)[...]
    let streams = layers.map { layer in
      let count = layer.initialState(batch: 0).parts.count
      demand(rest.count >= count, "Session: a state of \(state.parts.count) parts is not this layer's")
      defer { rest = rest.dropFirst(count) }
      return layer.unroller.stream(from: Array(rest.prefix(count)), precision: precision)
    }
    demand(rest.isEmpty, "Session: a state of \(state.parts.count) parts is not this layer's")
    self.init(streams, state.parts.map(\.name), precision)
  }

  private init(_ streams: [StepStream], _ names: [String], _ precision: Precision) {
    self.streams = streams
    self.names = names
    self.precision = precision
  }

  private static func recurrentLayers(of layer: any SequenceLayer) -> [any RecurrentLayer] {
    if let recurrent = layer as? any RecurrentLayer { return [recurrent] }
    guard let stack = layer as? Stack else { mistake("Session: \(type(of: layer)) cannot stream") }
    return stack.layers.flatMap(recurrentLayers)
  }

  /// Values in a time step of the input.
  public var inputSize: Int { streams[0].inputWidth }
  /// Values in a time step of the output.
  public var outputSize: Int { streams[streams.count - 1].outputWidth }

  /// Runs one time step: input of `inputSize` values, in any shape, to output [outputSize].
  public func push(_ input: Tensor) -> Tensor {
    demand(input.shape.count == inputSize, "Session: an input \(input.shape) should have \(inputSize) values")
    let result = Storage(count: outputSize)
    result.floats.update(from: run(input.storage.floats), count: outputSize)
    return Tensor(shape: [outputSize], storage: result)
  }

  /// Runs one time step without allocating: `inputSize` values to `outputSize` values.
  public func push(_ input: UnsafeBufferPointer<Float>, into output: UnsafeMutableBufferPointer<Float>) {
    demand(
      input.count == inputSize && output.count == outputSize,
      "Session: buffers of \(input.count) and \(output.count) values should be of \(inputSize) and \(outputSize)")
    guard let source = input.baseAddress, let target = output.baseAddress else { return }
    target.update(from: run(source), count: outputSize)
  }

  private func run(_ input: UnsafePointer<Float>) -> UnsafePointer<Float> {
    var values = input
    for stream in streams { values = stream.push(values) }
    return values
  }

  /// The state after the last step: the layer's parts, each [1, size]. Traps when set to one of other parts.
  public var state: LayerState {
    get { LayerState(parts: zip(names, streams.flatMap(\.states)).map { LayerState.Part(name: $0, tensor: $1) }) }
    set {
      demand(
        newValue.parts.map(\.name) == names, "Session: a state of \(newValue.parts.map(\.name)) is not this layer's")
      var rest = newValue.parts.map(\.tensor)[...]
      for stream in streams {
        let count = stream.states.count
        stream.states = Array(rest.prefix(count))
        rest = rest.dropFirst(count)
      }
    }
  }

  /// Another session that goes on from here; neither affects the other.
  public func forked() -> Session { Session(streams.map { $0.forked() }, names, precision) }
}
