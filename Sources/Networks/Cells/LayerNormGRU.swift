import Tensors

/// The GRU with layer normalisation (Ba, Kiros & Hinton 2016, supplementary material): what comes from the input and
/// what comes from the state are normalised, each by itself, both gates together and the candidate apart. The reset
/// gate comes after the product.
///
///     (z, r) = N(V·x) + N(U·h) + b                         gains of their own; the shifts are b
///     h~ = tanh(N(Vc·x) + σ(r) * N(Uc·h))                  gains and shifts
///     h' = (1 - σ(z)) * h + σ(z) * h~
///
/// N is ``LayerNorm``. Input [batch, inputSize], state and output h [batch, hiddenSize]. The state begins as zeros,
/// gains as 1, shifts and b as 0. Checked against lngru_layer of the authors' layer-norm code, where z is the share of
/// the old: the same cell with the other sign before z.
///
///     let layer = Recurrent(LayerNormGRU(inputSize: 3, hiddenSize: 8, using: &random))
public struct LayerNormGRU: RecurrentCell {
  /// V, a layer on x without a bias that gives 2 · hiddenSize values: z and r one after the other.
  public let input: Linear
  /// U, the same on h.
  public let recurrent: Linear
  /// b, [2 · hiddenSize].
  public let bias: Parameter
  /// Vc, on x, without a bias.
  public let candidate: Linear
  /// Uc, on h, without a bias.
  public let recurrentCandidate: Linear
  /// N of V·x.
  public let inputNorm: LayerNorm
  /// N of U·h.
  public let recurrentNorm: LayerNorm
  /// N of Vc·x.
  public let candidateNorm: LayerNorm
  /// N of Uc·h.
  public let recurrentCandidateNorm: LayerNorm

  /// A new cell. The part of each gate in U begins orthogonal, in V Glorot's.
  public init(
    inputSize: Int, hiddenSize: Int, initialization: CellInitialization = CellInitialization(),
    using random: inout RandomSource
  ) {
    func layer(gates: Int, inputs: Int, _ initializer: Initializer) -> Linear {
      Linear(gates: gates, inputs: inputs, outputs: hiddenSize, initializer: initializer, using: &random)
    }
    recurrent = layer(gates: 2, inputs: hiddenSize, initialization.recurrent)
    input = layer(gates: 2, inputs: inputSize, initialization.input)
    recurrentCandidate = layer(gates: 1, inputs: hiddenSize, initialization.recurrent)
    candidate = layer(gates: 1, inputs: inputSize, initialization.input)
    bias = Parameter(.zeros([2 * hiddenSize]))
    inputNorm = LayerNorm(size: 2 * hiddenSize, shift: false)
    recurrentNorm = LayerNorm(size: 2 * hiddenSize, shift: false)
    candidateNorm = LayerNorm(size: hiddenSize)
    recurrentCandidateNorm = LayerNorm(size: hiddenSize)
  }

  /// Values of the hidden state.
  public var hiddenSize: Int { recurrent.inputSize }
  /// Values in a row of the input.
  public var inputSize: Int { input.inputSize }

  /// Zeros [batch, hiddenSize].
  public func initialState(batch: Int) -> Tensor { .zeros([batch, hiddenSize]) }

  /// The equations.
  public func step(_ x: Tensor, _ h: Tensor) -> (output: Tensor, state: Tensor) {
    let gates = inputNorm(input(x)) + recurrentNorm(recurrent(h)) + bias.tensor
    let z = sigmoid(gates.features(0..<hiddenSize))
    let r = sigmoid(gates.features(hiddenSize..<2 * hiddenSize))
    let candidate = tanh(candidateNorm(candidate(x)) + r * recurrentCandidateNorm(recurrentCandidate(h)))
    let new = (1 - z) * h + z * candidate
    return (output: new, state: new)
  }
}
