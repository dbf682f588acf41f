import Recurrence
import Tensors

/// A layer that reads a vector which stays the same over time behind every time step's input: the topic of a text, the
/// features of a picture, what an ``Encoder`` made of another sequence.
///
///     let decoder = Conditioned(Recurrent(LSTM(inputSize: 32 + 64, hiddenSize: 128, using: &random)), contextSize: 64)
///     let layer = decoder.on(encoder(source).vector)   // [batch, 64]
///     let (output, state) = layer(target)              // target: 32 values a time step
///
/// The inner layer's input is [x, c] at each time step. The layer that ``on(_:)`` gives is one like any other: it
/// carries states, stacks, streams where the inner layer does, and gradients flow to the vector. It costs nothing to
/// make: the weights, and what was compiled of them, are shared.
public struct Conditioned: Module {
  /// The layer that takes [x, c].
  public let layer: any SequenceLayer
  /// Values in the vector c.
  public let contextSize: Int

  /// A layer whose last `contextSize` input values are the context. Traps when it does not take as many.
  public init(_ layer: any SequenceLayer, contextSize: Int) {
    demand(
      contextSize >= 0 && contextSize <= layer.inputSize,
      "Conditioned: a context of \(contextSize) values for a layer that takes \(layer.inputSize)")
    self.layer = layer
    self.contextSize = contextSize
  }

  /// Values in a time step of the input, x.
  public var inputSize: Int { layer.inputSize - contextSize }
  /// Values in a time step of the output.
  public var outputSize: Int { layer.outputSize }

  /// The layer with its context: a row for each sequence, [batch, contextSize], or one for all, [1, contextSize]. Traps
  /// when the vector has another size.
  public func on(_ context: Tensor) -> Bound { Bound(self, context) }

  /// A layer with its context.
  public struct Bound: WrappingLayer {
    /// The layer that takes [x, c].
    public let layer: any SequenceLayer
    /// A row for each sequence, or one for all.
    public let context: Tensor

    fileprivate init(_ conditioned: Conditioned, _ context: Tensor) {
      demand(
        context.shape.rank == 2 && context.shape[1] == conditioned.contextSize,
        "Conditioned: a context \(context.shape) should be [batch, \(conditioned.contextSize)]")
      layer = conditioned.layer
      self.context = context
    }

    /// Values in a time step of the input, x.
    public var inputSize: Int { layer.inputSize - context.shape[1] }

    /// Runs the layer. Traps when the context has neither one row nor one for each sequence, or the input another size.
    public func callAsFunction(_ input: SequenceBatch, from state: LayerState, in evaluation: inout Evaluation) -> (
      output: SequenceBatch, state: LayerState
    ) {
      demandContext(for: input.layout.batch)
      demand(
        input.features == inputSize,
        "Conditioned: an input of \(input.features) values should have \(inputSize), with a context of "
          + "\(context.shape[1])")
      let sequences = context.shape[0] == 1 ? input.rows.zeroRows : input.layout.sequenceOfRow
      return layer(
        input.mapRows { concatenated($0, context.gatheringRows(sequences)) }, from: state, in: &evaluation)
    }

    private func demandContext(for batch: Int) {
      demand(
        context.shape[0] == 1 || context.shape[0] == batch,
        "Conditioned: a context of \(context.shape[0]) rows for \(batch) sequences")
    }
  }
}

extension Tensor {
  /// Row 0 for each row.
  fileprivate var zeroRows: [Int32] { [Int32](repeating: 0, count: shape[0]) }
}

extension Conditioned.Bound: StreamingLayer {
  package func stream(from state: LayerState, precision: Precision) -> any LayerStream {
    demandContext(for: 1)
    return ContextStream(layer.openStream(from: state, precision: precision), context: context)
  }
}

/// A stream that reads the same values behind every input.
private final class ContextStream: LayerStream {
  private let inner: any LayerStream
  private let context: Tensor
  private let input: Storage

  init(_ inner: any LayerStream, context: Tensor) {
    self.inner = inner
    self.context = context
    input = Storage(count: inner.inputWidth)
    (input.floats + inputWidth).update(from: context.storage.floats, count: context.shape.count)
  }

  var inputWidth: Int { inner.inputWidth - context.shape.count }
  var outputWidth: Int { inner.outputWidth }

  func push(_ values: UnsafePointer<Float>) -> UnsafePointer<Float> {
    input.floats.update(from: values, count: inputWidth)
    return inner.push(UnsafePointer(input.floats))
  }

  var states: [Tensor] {
    get { inner.states }
    set { inner.states = newValue }
  }

  func forked() -> ContextStream { ContextStream(inner.forked(), context: context) }
}
