import Tensors

/// The GRU with decay, for values at irregular times that are often missing (Che, Purushotham, Cho, Sontag & Liu 2018,
/// "Recurrent neural networks for multivariate time series with missing values"): a value that was not observed is
/// guessed between the last one and the mean, and the state fades with the time since then.
///
///     δ  = elapsed + δ                       for each value, since it was last observed
///     γx = exp(-relu(w * δ + b))             γh = exp(-relu(Wγ·δ + bγ))
///     x^ = m * x + (1 - m) * (γx * last + (1 - γx) * mean)
///     h^ = γh * h
///     z  = σ(Wz·[h^, x^, m] + bz)            r = σ(Wr·[h^, x^, m] + br)
///     h~ = tanh(W·[r * h^, x^, m] + b)
///     h' = (1 - z) * h^ + z * h~
///     δ' = (1 - m) * δ                       last' = m * x + (1 - m) * last
///
/// A row of the input is [values, mask, elapsed], 2 · count + 1 numbers: the values x, of which those that were not
/// observed are any finite number; their mask m, 1 for observed, 0 for not; and the time since the step before, 0 at
/// the first. `SequenceBatch(observations:times:)` builds such rows. State and output h [batch, hiddenSize]; `last` and
/// `unseen` (δ) [batch, count] belong to the state. h and δ begin as zeros, `last` as the mean, biases as 0.
///
/// Checked against a PyTorch cell of these equations (GRUD_cell), which is given δ.
///
///     let means = Tensor([36.6, 80])         // of the training data
///     let layer = Recurrent(GRUD(means: means, hiddenSize: 8, using: &random))
///     layer(SequenceBatch(observations: [[[36.9, nil], [nil, 74]]], times: [[0, 1.5]]))
public struct GRUD: RecurrentCell {
  /// What is carried over time.
  public struct State: RecurrentState {
    /// h, the last observed values, and the time since they were observed, up to the last step.
    public var hidden, last, unseen: Tensor

    /// Creates a state.
    public init(hidden: Tensor, last: Tensor, unseen: Tensor) {
      (self.hidden, self.last, self.unseen) = (hidden, last, unseen)
    }

    /// Hidden, last, unseen.
    public static var parts: [WritableKeyPath<State, Tensor>] { [\.hidden, \.last, \.unseen] }
  }

  /// The mean of each value, [count]: saved with the weights, and not learnt.
  public let means: Parameter
  /// w, [count].
  public let inputDecay: Parameter
  /// b, [count].
  public let inputDecayBias: Parameter
  /// γh before its functions, a layer on δ.
  public let hiddenDecay: Linear
  /// z before its σ, a layer on [h^, x^, m].
  public let update: Linear
  /// r before its σ, the same.
  public let reset: Linear
  /// h~ before its tanh, a layer on [r * h^, x^, m].
  public let candidate: Linear

  /// A new cell for as many values as there are means. Recurrent columns begin orthogonal, the others Glorot's, w
  /// evenly spread over 0…1. Traps unless the means are a vector.
  public init(
    means: Tensor, hiddenSize: Int, initialization: CellInitialization = CellInitialization(),
    using random: inout RandomSource
  ) {
    demand(means.shape.rank == 1 && means.shape.count > 0, "GRUD: means \(means.shape) should be a vector")
    let count = means.shape.count
    func layer() -> Linear {
      Linear(
        hidden: hiddenSize, input: 2 * count, outputs: hiddenSize, initialization: initialization, using: &random)
    }
    self.means = Parameter(means, isLearnt: false)
    inputDecay = Parameter(random.uniform([count], in: 0...1))
    inputDecayBias = Parameter(.zeros([count]))
    hiddenDecay = Linear(inputs: count, outputs: hiddenSize, initializer: initialization.input, using: &random)
    update = layer()
    reset = layer()
    candidate = layer()
  }

  /// Values of the hidden state.
  public var hiddenSize: Int { update.outputSize }
  /// Numbers in a row of the input: values, mask, elapsed.
  public var inputSize: Int { 2 * means.shape.count + 1 }

  /// Zeros [batch, hiddenSize], the means and zeros [batch, count].
  public func initialState(batch: Int) -> State {
    let zeros = Tensor.zeros([batch, means.shape.count])
    return State(hidden: .zeros([batch, hiddenSize]), last: zeros + means.value, unseen: zeros)
  }

  /// The equations.
  public func step(_ row: Tensor, _ previous: State) -> (output: Tensor, state: State) {
    let count = means.shape.count
    let (x, m, elapsed) = (
      row.features(0..<count), row.features(count..<2 * count), row.features(2 * count..<inputSize)
    )
    let unseen = elapsed + previous.unseen
    let inputKept = exp(-relu(inputDecay.tensor * unseen + inputDecayBias.tensor))
    let guess = m * x + (1 - m) * (inputKept * previous.last + (1 - inputKept) * means.tensor)
    let h = exp(-relu(hiddenDecay(unseen))) * previous.hidden
    let seen = concatenated(h, guess, m)
    let z = sigmoid(update(seen))
    let r = sigmoid(reset(seen))
    let new = (1 - z) * h + z * tanh(candidate(concatenated(r * h, guess, m)))
    let last = m * x + (1 - m) * previous.last
    return (output: new, state: State(hidden: new, last: last, unseen: (1 - m) * unseen))
  }
}
