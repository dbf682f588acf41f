import Synchronization

/// A learnt tensor with an identity: used in two places it is one weight, tied, and gets one update from the summed
/// gradient.
///
///     let weight = Parameter(.zeros([3, 2]))
///     let y = matmul(x, weight.tensor)
///
/// One that is not learnt (the means of the training data, say) is saved and loaded with the weights all the same.
public final class Parameter: Sendable {
  private struct State {
    var value: Tensor
    var version = 0
  }
  private let stored: Mutex<State>

  /// Whether gradients flow to it; without one every optimiser leaves it as it is.
  public let isLearnt: Bool

  /// A parameter with an initial value.
  public init(_ value: Tensor, isLearnt: Bool = true) {
    self.isLearnt = isLearnt
    stored = Mutex(State(value: value.detached))
  }

  /// The value. A new one must have the same shape.
  public var value: Tensor {
    get { stored.withLock { $0.value } }
    set {
      stored.withLock {
        demand(
          $0.value.shape == newValue.shape, "a parameter of shape \($0.value.shape) cannot become \(newValue.shape)")
        $0.value = newValue.detached
        $0.version += 1
      }
    }
  }

  /// The extents of the value.
  public var shape: Shape { value.shape }

  /// The value as the current recording knows it: gradients flow to this parameter when one is taken.
  public var tensor: Tensor {
    switch Recording.current {
    case .none: value
    case .tape(let tape): isLearnt ? tape.leaf(self) : value
    case .trace(let trace): trace.leaf(.parameter(ParameterReference(self)), shape: shape)
    }
  }

  /// How often the value was changed: what was computed from it is valid as long as this stays.
  package var version: Int { stored.withLock { $0.version } }

  /// Changes the value in place. Used by optimisers.
  package func update<R: Sendable>(_ body: (UnsafeMutableBufferPointer<Float>) throws -> R) rethrows -> R {
    try stored.withLock {
      $0.version += 1
      return try $0.value.withMutableFloats(body)
    }
  }
}
