import Tensors

/// The light GRU (Ravanelli, Brakel, Omologo & Bengio 2018, "Light gated recurrent units for speech recognition"): a
/// GRU without a reset gate, whose candidate is a rectifier, kept in bounds by normalising what comes from the input.
///
///     z  = σ(N(Vz·x) + Uz·h)          how much of the old stays
///     h~ = relu(N(V·x) + U·h)
///     h' = z * h + (1 - z) * h~
///
/// The paper normalises over the batch; here N is ``LayerNorm``, each product by itself, so that no sequence depends on
/// another. `normalises: false` puts biases in the place of N. Checked against LiGRU_Layer of SpeechBrain, which has
/// the option too, with one norm for both products.
///
/// Input [batch, inputSize], state and output h [batch, hiddenSize]. The state begins as zeros, gains as 1, shifts and
/// biases as 0.
///
///     let layer = Recurrent(LiGRU(inputSize: 3, hiddenSize: 8, using: &random))
public struct LiGRU: RecurrentCell {
  /// Vz, a layer on x; with a bias when nothing is normalised.
  public let update: Linear
  /// V, the same.
  public let candidate: Linear
  /// Uz, a layer on h without a bias.
  public let recurrentUpdate: Linear
  /// U, the same.
  public let recurrentCandidate: Linear
  /// N of Vz·x; nil: none.
  public let updateNorm: LayerNorm?
  /// N of V·x; nil: none.
  public let candidateNorm: LayerNorm?

  /// A new cell. Layers on h begin orthogonal, those on x Glorot's.
  public init(
    inputSize: Int, hiddenSize: Int, normalises: Bool = true,
    initialization: CellInitialization = CellInitialization(), using random: inout RandomSource
  ) {
    func layer(hidden: Int, input: Int) -> Linear {
      Linear(
        hidden: hidden, input: input, outputs: hiddenSize, bias: hidden > 0 || normalises ? nil : 0,
        initialization: initialization, using: &random)
    }
    update = layer(hidden: 0, input: inputSize)
    candidate = layer(hidden: 0, input: inputSize)
    recurrentUpdate = layer(hidden: hiddenSize, input: 0)
    recurrentCandidate = layer(hidden: hiddenSize, input: 0)
    updateNorm = normalises ? LayerNorm(size: hiddenSize) : nil
    candidateNorm = normalises ? LayerNorm(size: hiddenSize) : nil
  }

  /// Values of the hidden state.
  public var hiddenSize: Int { update.outputSize }
  /// Values in a row of the input.
  public var inputSize: Int { update.inputSize }

  /// Zeros [batch, hiddenSize].
  public func initialState(batch: Int) -> Tensor { .zeros([batch, hiddenSize]) }

  /// The equations.
  public func step(_ x: Tensor, _ h: Tensor) -> (output: Tensor, state: Tensor) {
    let z = sigmoid(normalised(update(x), updateNorm) + recurrentUpdate(h))
    let candidate = relu(normalised(candidate(x), candidateNorm) + recurrentCandidate(h))
    let new = z * h + (1 - z) * candidate
    return (output: new, state: new)
  }

  private func normalised(_ rows: Tensor, _ norm: LayerNorm?) -> Tensor { norm.map { $0(rows) } ?? rows }
}
