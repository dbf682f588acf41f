import Synchronization

/// A learnt tensor with an identity: used in two places it is one weight, tied, and gets one update from the summed gradient.
///
///     let weight = Parameter(.zeros([3, 2]))
///     let y = matmul(x, weight.tensor)
public final class Parameter: Sendable {
  private let stored: Mutex<Tensor>

  /// A parameter with an initial value.
  public init(_ value: Tensor) { stored = Mutex(value.detached) }

  /// The value. A new one must have the same shape.
  public var value: Tensor {
    get { stored.withLock { $0 } }
    set {
      stored.withLock {
        precondition($0.shape == newValue.shape, "a parameter of shape \($0.shape) cannot become \(newValue.shape)")
        $0 = newValue.detached
      }
    }
  }

  /// The extents of the value.
  public var shape: Shape { value.shape }

  /// The value as the current recording knows it: gradients flow to this parameter when one is taken.
  public var tensor: Tensor {
    switch Recording.current {
    case .none: value
    case .tape(let tape): tape.leaf(self)
    case .trace(let trace): trace.leaf(.parameter(ParameterReference(self)), shape: shape)
    }
  }

  /// Changes the value in place. Used by optimisers.
  package func update<R: Sendable>(_ body: (UnsafeMutableBufferPointer<Float>) throws -> R) rethrows -> R {
    try stored.withLock { try $0.withMutableFloats(body) }
  }
}
