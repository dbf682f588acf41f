import Recurrence
import Tensors

/// One sequence held open by a layer: a time step's input goes in, its output comes out.
package protocol LayerStream: AnyObject {
  /// Values in a time step of the input, of the output.
  var inputWidth: Int { get }
  var outputWidth: Int { get }
  /// Runs one time step, without allocating. What comes back stays until the next one.
  func push(_ values: UnsafePointer<Float>) -> UnsafePointer<Float>
  /// The parts of the state after the last step, each [1, width].
  var states: [Tensor] { get set }
  /// Another stream that goes on from here; neither affects the other.
  func forked() -> Self
}

extension StepStream: LayerStream {}

/// A layer that can be held open: the output at a time step needs no later one.
package protocol StreamingLayer: SequenceLayer {
  /// Opens it, with the weights that it has now. `state` is for one sequence and of this layer's parts.
  func stream(from state: LayerState, precision: Precision) -> any LayerStream
}

extension SequenceLayer {
  /// Opens the layer. Traps when it cannot stream.
  func openStream(from state: LayerState, precision: Precision) -> any LayerStream {
    guard let layer = self as? any StreamingLayer else {
      mistake(
        "Session: \(type(of: self)) cannot stream: it needs later time steps, or has others than its input")
    }
    return layer.stream(from: state, precision: precision)
  }
}

/// Streams one on top of the other.
final class ChainStream: LayerStream {
  private let streams: [any LayerStream]

  init(_ streams: [any LayerStream]) { self.streams = streams }

  var inputWidth: Int { streams[0].inputWidth }
  var outputWidth: Int { streams[streams.count - 1].outputWidth }

  func push(_ values: UnsafePointer<Float>) -> UnsafePointer<Float> {
    var values = values
    for stream in streams { values = stream.push(values) }
    return values
  }

  var states: [Tensor] {
    get { streams.flatMap(\.states) }
    set {
      var rest = newValue[...]
      for stream in streams {
        let count = stream.states.count
        stream.states = Array(rest.prefix(count))
        rest = rest.dropFirst(count)
      }
    }
  }

  func forked() -> ChainStream { ChainStream(streams.map { $0.forked() }) }
}

/// A stream whose output is joined with its input, and with a gate's values where the connection has one.
final class ConnectionStream: LayerStream {
  /// Writes the output from the input, the layer's output, and the gate's, which is the layer's own without a gate.
  typealias Join = (
    _ input: UnsafePointer<Float>, _ inner: UnsafePointer<Float>, _ gate: UnsafePointer<Float>,
    _ output: UnsafeMutablePointer<Float>
  ) -> Void
  private let inner: any LayerStream
  private let gate: StepStream?
  private let join: Join
  private let result: Storage

  init(_ inner: any LayerStream, gate: StepStream? = nil, outputWidth: Int, join: @escaping Join) {
    self.inner = inner
    self.gate = gate
    self.join = join
    result = Storage(count: outputWidth)
  }

  var inputWidth: Int { inner.inputWidth }
  var outputWidth: Int { result.count }

  func push(_ values: UnsafePointer<Float>) -> UnsafePointer<Float> {
    let output = inner.push(values)
    join(values, output, gate?.push(values) ?? output, result.floats)
    return UnsafePointer(result.floats)
  }

  var states: [Tensor] {
    get { inner.states }
    set { inner.states = newValue }
  }

  func forked() -> ConnectionStream {
    ConnectionStream(inner.forked(), gate: gate?.forked(), outputWidth: outputWidth, join: join)
  }
}
