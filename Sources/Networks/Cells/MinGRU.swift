import Tensors

/// The minimal GRU (Feng, Tung, Ahmed, Bengio & Hajimirsadeghi 2024, "Were RNNs all we needed?"), its equations as they
/// stand there for a step, without logarithms: gate and candidate see the input alone, so that the step is linear in
/// the state and all products run before the loop.
///
///     z  = σ(Wz·x + bz)             how much is new
///     h~ = W·x + b
///     h' = (1 - z) * h + z * h~
///
/// Input [batch, inputSize], state and output h [batch, hiddenSize]. The state begins as zeros, and so do the biases.
///
///     let layer = Recurrent(MinGRU(inputSize: 3, hiddenSize: 8, using: &random))
public struct MinGRU: RecurrentCell {
  /// z before its σ, a layer on x.
  public let update: Linear
  /// h~, a layer on x.
  public let candidate: Linear

  /// A new cell. Weights begin as Glorot's, or as the initialization says for the input; biases as 0.
  public init(
    inputSize: Int, hiddenSize: Int, initialization: CellInitialization = CellInitialization(),
    using random: inout RandomSource
  ) {
    func layer() -> Linear {
      Linear(inputs: inputSize, outputs: hiddenSize, initializer: initialization.input, using: &random)
    }
    update = layer()
    candidate = layer()
  }

  /// Values of the hidden state.
  public var hiddenSize: Int { update.outputSize }
  /// Values in a row of the input.
  public var inputSize: Int { update.inputSize }

  /// Zeros [batch, hiddenSize].
  public func initialState(batch: Int) -> Tensor { .zeros([batch, hiddenSize]) }

  /// The equations.
  public func step(_ x: Tensor, _ h: Tensor) -> (output: Tensor, state: Tensor) {
    let z = sigmoid(update(x))
    let new = (1 - z) * h + z * candidate(x)
    return (output: new, state: new)
  }
}
