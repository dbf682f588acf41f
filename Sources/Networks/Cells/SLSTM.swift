import Tensors

/// The scalar LSTM of xLSTM (Beck et al. 2024, "xLSTM: extended long short-term memory", equations 8 to 17): the input
/// gate is an exponential, a normaliser n counts what was written, and a stabiliser m keeps exponents small.
///
///     z, i, f, o  before their functions, each  W·x + R·h + b
///     m' = max(log σ(f) + m, i)
///     f  = exp(log σ(f) + m - m')       i = exp(i - m')
///     C' = f * C + i * tanh(z)
///     n' = max(f * n + i, 1)
///     h' = σ(o) * C' / n'
///
/// Input [batch, inputSize], all four parts of the state [batch, hiddenSize], output h'. With `heads` R is
/// block-diagonal: units see their own head's part of h alone. The state begins as zeros, but m at -10000: at the first
/// time step only what is written counts, as in the reference implementation (slstm_forward_pointwise of NX-AI's xlstm,
/// against which the equations were checked). From there on f * n + i is 1 at least by itself; max keeps it so from any
/// state. Biases begin as 0, the forget gate's as 1.
///
///     let layer = Recurrent(SLSTM(inputSize: 3, hiddenSize: 8, heads: 2, using: &random))
public struct SLSTM: RecurrentCell {
  /// Hidden state, memory, and what scales it, each [batch, hiddenSize].
  public struct State: RecurrentState {
    /// h, C, n and m.
    public var hidden, cell, normalizer, stabilizer: Tensor

    /// Creates a state.
    public init(hidden: Tensor, cell: Tensor, normalizer: Tensor, stabilizer: Tensor) {
      (self.hidden, self.cell, self.normalizer, self.stabilizer) = (hidden, cell, normalizer, stabilizer)
    }

    /// Hidden, cell, normalizer, stabilizer.
    public static var parts: [WritableKeyPath<State, Tensor>] { [\.hidden, \.cell, \.normalizer, \.stabilizer] }
  }

  /// A gate, or the candidate, before its function.
  public struct Gate: Module {
    /// W and b, a layer on x.
    public let input: Linear
    /// R, a layer without a bias for each head, on its part of h.
    public let recurrent: [Linear]

    func callAsFunction(_ x: Tensor, _ h: Tensor) -> Tensor {
      let size = recurrent[0].inputSize
      return input(x)
        + concatenated(recurrent.enumerated().map { head, layer in layer(h.features(head * size..<(head + 1) * size)) })
    }
  }

  /// f.
  public let forget: Gate
  /// i.
  public let input: Gate
  /// o.
  public let output: Gate
  /// z.
  public let candidate: Gate

  /// A new cell. Each head's block of R begins orthogonal, W Glorot's. Traps unless the heads divide the hidden size.
  public init(
    inputSize: Int, hiddenSize: Int, heads: Int = 1, forgetBias: Float = 1,
    initialization: CellInitialization = CellInitialization(), using random: inout RandomSource
  ) {
    demand(
      heads >= 1 && hiddenSize % heads == 0,
      "SLSTM: \(heads) heads do not share out a hidden state of \(hiddenSize) values")
    let size = hiddenSize / heads
    func gate(bias: Float) -> Gate {
      Gate(
        input: Linear(
          hidden: 0, input: inputSize, outputs: hiddenSize, bias: bias, initialization: initialization, using: &random),
        recurrent: (0..<heads).map { _ in
          Linear(hidden: size, input: 0, outputs: size, bias: nil, initialization: initialization, using: &random)
        })
    }
    forget = gate(bias: forgetBias)
    input = gate(bias: 0)
    output = gate(bias: 0)
    candidate = gate(bias: 0)
  }

  /// Values of the hidden state.
  public var hiddenSize: Int { forget.input.outputSize }
  /// Values in a row of the input.
  public var inputSize: Int { forget.input.inputSize }

  /// Zeros, and -10000 for the stabiliser, [batch, hiddenSize] each.
  public func initialState(batch: Int) -> State {
    let zeros = Tensor.zeros([batch, hiddenSize])
    return State(hidden: zeros, cell: zeros, normalizer: zeros, stabilizer: zeros - 10000)
  }

  /// The equations.
  public func step(_ x: Tensor, _ previous: State) -> (output: Tensor, state: State) {
    let h = previous.hidden
    let kept = logSigmoid(forget(x, h)) + previous.stabilizer
    let written = input(x, h)
    let m = maximum(kept, written)
    let (f, i) = (exp(kept - m), exp(written - m))
    let cell = f * previous.cell + i * tanh(candidate(x, h))
    let n = maximum(f * previous.normalizer + i, Tensor([1]))
    let hidden = sigmoid(output(x, h)) * cell / n
    return (output: hidden, state: State(hidden: hidden, cell: cell, normalizer: n, stabilizer: m))
  }
}

/// log σ(a), also where σ(a) is too small for a number.
func logSigmoid(_ a: Tensor) -> Tensor { -relu(-a) - log(1 + exp(-maximum(a, -a))) }
