import Recurrence
import Tensors

/// Each time step together with those before it: the convolution over time of a ``QRNN``, and of any layer that is to
/// see more than one time step without remembering it.
///
///     Stack([
///       Window(inputSize: 3, steps: 2),                                            // 3 values to 2 · 3
///       Recurrent(QRNN(inputSize: 6, hiddenSize: 8, using: &random)),
///     ])
///
/// y(t) = [x(t - steps + 1), …, x(t - 1), x(t)], and zeros stand before the first time step. Nothing is learnt. The
/// state holds the last inputs, so that chunks with carried state equal the whole, and the layer streams: one part,
/// `previous`, [batch, (steps - 1) · inputSize], oldest first. The window looks back in time whatever the direction of
/// the layers around it.
public struct Window: SequenceLayer {
  /// Values in a time step of the input.
  public let inputSize: Int
  /// Time steps that are seen together.
  public let steps: Int

  /// A layer for inputs of this size. Traps unless there is an input and at least 2 time steps.
  public init(inputSize: Int, steps: Int) {
    demand(
      inputSize >= 1 && steps >= 2,
      "Window: \(steps) time steps of \(inputSize) values, and there must be at least 2 of 1")
    self.inputSize = inputSize
    self.steps = steps
  }

  /// Values in a time step of the output: those of `steps` of the input's.
  public var outputSize: Int { steps * inputSize }

  /// Zeros in the place of the inputs before the first one.
  public func initialState(batch: Int) -> LayerState { layerState(.zeros([batch, (steps - 1) * inputSize])) }

  private func layerState(_ previous: Tensor) -> LayerState {
    LayerState(parts: [LayerState.Part(name: "previous", tensor: previous)])
  }

  /// Joins time steps. Traps when the input has another size, or the state other parts.
  public func callAsFunction(_ input: SequenceBatch, from state: LayerState, in evaluation: inout Evaluation) -> (
    output: SequenceBatch, state: LayerState
  ) {
    demand(input.features == inputSize, "Window: an input of \(input.features) values should have \(inputSize)")
    demand(state.parts.map(\.name) == ["previous"], "Window: the state has parts \(state.parts.map(\.name))")
    let (layout, before) = (input.layout, steps - 1)
    let batch = layout.batch
    let packed = layout.packedIndex
    // The rows of the state, sequence by sequence, and behind them those of the input.
    let past = state.parts[0].tensor.reshaped(to: [batch * before, inputSize])
    let rows = Tensor.apply(.concatenate(.rows), [past, input.rows])
    func row(_ time: Int, _ sequence: Int) -> Int32 {
      Int32(time < 0 ? (sequence + 1) * before + time : batch * before + packed[time * batch + sequence])
    }
    let seen = layout.paddedIndex.flatMap { index in
      let (time, sequence) = index.quotientAndRemainder(dividingBy: batch)
      return (time - before...time).map { row($0, sequence) }
    }
    let last = layout.lengths.enumerated().flatMap { sequence, length in
      (length - before..<length).map { row($0, sequence) }
    }
    let output = rows.gatheringRows(seen).reshaped(to: [layout.rowCount, outputSize])
    let previous = rows.gatheringRows(last).reshaped(to: [batch, before * inputSize])
    return (input.replacingRows(with: output), layerState(previous))
  }
}

extension Window: StreamingLayer {
  package func stream(from state: LayerState, precision: Precision) -> any LayerStream {
    let stream = WindowStream(width: inputSize, steps: steps)
    stream.states = state.parts.map(\.tensor)
    return stream
  }
}

/// The last inputs of one sequence.
private final class WindowStream: LayerStream {
  let inputWidth: Int
  private let values: Storage

  init(width: Int, steps: Int) {
    inputWidth = width
    values = Storage(count: width * steps, repeating: 0)
  }

  var outputWidth: Int { values.count }

  func push(_ input: UnsafePointer<Float>) -> UnsafePointer<Float> {
    let kept = values.count - inputWidth
    values.floats.update(from: values.floats + inputWidth, count: kept)
    (values.floats + kept).update(from: input, count: inputWidth)
    return UnsafePointer(values.floats)
  }

  /// What the next time step sees before itself: all but the oldest.
  var states: [Tensor] {
    get {
      let kept = values.buffer.dropFirst(inputWidth)
      return [Tensor(shape: [1, kept.count], values: Array(kept))]
    }
    set {
      let kept = newValue[0].values
      for (i, value) in kept.enumerated() { values.floats[inputWidth + i] = value }
    }
  }

  func forked() -> WindowStream {
    let fork = WindowStream(width: inputWidth, steps: values.count / inputWidth)
    fork.values.floats.update(from: values.floats, count: values.count)
    return fork
  }
}
