import Tensors

/// The gated recurrent unit (Cho et al. 2014), in the textbook's form:
///
///     z  = σ(Wz·[h, x] + bz)        how much is new
///     r  = σ(Wr·[h, x] + br)        what of the past the candidate sees
///     h~ = tanh(W·[r * h, x] + b)
///     h' = (1 - z) * h + z * h~
///
/// and in that of PyTorch and cuDNN, ``Form/resetAfter``, where the reset gate comes after the product and z keeps the
/// old:
///
///     h~ = tanh(W·x + b + r * (U·h + c))
///     h' = (1 - z) * h~ + z * h
///
/// Input [batch, inputSize], state and output h [batch, hiddenSize]. The state begins as zeros. `bias: false` leaves
/// all biases out.
///
///     let layer = Recurrent(GRU(inputSize: 3, hiddenSize: 8, using: &random))
public struct GRU: RecurrentCell {
  /// Where the reset gate stands, and what z keeps.
  public enum Form: String, Hashable, Sendable, Codable, CaseIterable {
    /// Reset before the product; z is the share of the new.
    case textbook
    /// Reset after the product; z is the share of the old.
    case resetAfter
  }

  /// Which equations.
  public let form: Form
  /// z before its σ, a layer on [h, x].
  public let update: Linear
  /// r before its σ, a layer on [h, x].
  public let reset: Linear
  /// A layer on [r * h, x]; in the form `.resetAfter` on x.
  public let candidate: Linear
  /// In the form `.resetAfter`: a layer on h.
  public let recurrentCandidate: Linear?

  /// A new cell. Recurrent columns begin orthogonal, the others Glorot's, biases as 0.
  public init(
    _ form: Form = .textbook, inputSize: Int, hiddenSize: Int, bias: Bool = true,
    initialization: CellInitialization = CellInitialization(), using random: inout RandomSource
  ) {
    func layer(hidden: Int, input: Int) -> Linear {
      Linear(
        hidden: hidden, input: input, outputs: hiddenSize, bias: bias ? 0 : nil, initialization: initialization,
        using: &random)
    }
    self.form = form
    update = layer(hidden: hiddenSize, input: inputSize)
    reset = layer(hidden: hiddenSize, input: inputSize)
    switch form {
    case .textbook:
      candidate = layer(hidden: hiddenSize, input: inputSize)
      recurrentCandidate = nil
    case .resetAfter:
      candidate = layer(hidden: 0, input: inputSize)
      recurrentCandidate = layer(hidden: hiddenSize, input: 0)
    }
  }

  /// Values of the hidden state.
  public var hiddenSize: Int { update.outputSize }
  /// Values in a row of the input.
  public var inputSize: Int { update.inputSize - hiddenSize }

  /// Zeros [batch, hiddenSize].
  public func initialState(batch: Int) -> Tensor { .zeros([batch, hiddenSize]) }

  /// The equations.
  public func step(_ x: Tensor, _ h: Tensor) -> (output: Tensor, state: Tensor) {
    let hx = concatenated(h, x)
    let z = sigmoid(update(hx))
    let r = sigmoid(reset(hx))
    let new: Tensor
    if let recurrentCandidate {
      new = (1 - z) * tanh(candidate(x) + r * recurrentCandidate(h)) + z * h
    } else {
      new = (1 - z) * h + z * tanh(candidate(concatenated(r * h, x)))
    }
    return (output: new, state: new)
  }
}
