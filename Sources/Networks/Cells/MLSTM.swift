import Tensors

/// The matrix LSTM of xLSTM (Beck et al. 2024, "xLSTM: extended long short-term memory", equations 19 to 27): each head
/// remembers values under keys in a matrix, and shows what stands under a query.
///
///     q = Wq·x + bq       k = (Wk·x + bk) / √d       v = Wv·x + bv
///     m' = max(log σ(f) + m, i)              f and i, before their functions, each w·x + b, one number a head
///     f  = exp(log σ(f) + m - m')            i = exp(i - m')
///     C' = f * C + i * v·kᵀ                  [d, d] for each head
///     n' = f * n + i * k                     [d]
///     h  = σ(Wo·x + bo) * C'·q / (max(|n'ᵀ·q|, exp(-m')) + 10⁻⁶)
///
/// Nothing but the memory is carried over time: no gate sees what was shown. Input [batch, inputSize], output h
/// [batch, hiddenSize]; d is hiddenSize / heads. C is the part `memory` of the state, [batch, heads · d · d], head by
/// head and row by row; n is [batch, hiddenSize], m [batch, heads]; all begin as zeros. m keeps exponents small: scaled
/// back by exp(m) these are the paper's equations, with max(|nᵀ·q|, 1). The 10⁻⁶ is the reference implementation's
/// (recurrent_step_stabilized_simple of NX-AI's xlstm), against which the equations were checked; there C is the
/// transposed matrix. Biases begin as 0, the forget gate's as 3.
///
///     let layer = Recurrent(MLSTM(inputSize: 3, hiddenSize: 8, heads: 2, using: &random))
public struct MLSTM: RecurrentCell {
  /// What is remembered, and what scales it.
  public struct State: RecurrentState {
    /// C [batch, heads · d · d], n [batch, hiddenSize] and m [batch, heads].
    public var memory, normalizer, stabilizer: Tensor

    /// Creates a state.
    public init(memory: Tensor, normalizer: Tensor, stabilizer: Tensor) {
      (self.memory, self.normalizer, self.stabilizer) = (memory, normalizer, stabilizer)
    }

    /// Memory, normalizer, stabilizer.
    public static var parts: [WritableKeyPath<State, Tensor>] { [\.memory, \.normalizer, \.stabilizer] }
  }

  /// q, a layer on x.
  public let query: Linear
  /// k before it is divided by √d.
  public let key: Linear
  /// v.
  public let value: Linear
  /// f before its functions, one value a head.
  public let forget: Linear
  /// i before its function, one value a head.
  public let input: Linear
  /// o before its σ.
  public let output: Linear

  /// A new cell, all weights Glorot's. Traps unless the heads divide the hidden size.
  public init(
    inputSize: Int, hiddenSize: Int, heads: Int = 1, forgetBias: Float = 3,
    initialization: CellInitialization = CellInitialization(), using random: inout RandomSource
  ) {
    demand(
      heads >= 1 && hiddenSize % heads == 0,
      "MLSTM: \(heads) heads do not share out a hidden state of \(hiddenSize) values")
    func layer(_ outputs: Int, bias: Float = 0) -> Linear {
      Linear(
        hidden: 0, input: inputSize, outputs: outputs, bias: bias, initialization: initialization, using: &random)
    }
    query = layer(hiddenSize)
    key = layer(hiddenSize)
    value = layer(hiddenSize)
    forget = layer(heads, bias: forgetBias)
    input = layer(heads)
    output = layer(hiddenSize)
  }

  /// Values of the output.
  public var hiddenSize: Int { query.outputSize }
  /// Values in a row of the input.
  public var inputSize: Int { query.inputSize }
  /// Matrices that a sequence has.
  public var heads: Int { forget.outputSize }
  /// Rows and columns of each.
  private var size: Int { hiddenSize / heads }

  /// Zeros.
  public func initialState(batch: Int) -> State {
    State(
      memory: .zeros([batch, hiddenSize * size]), normalizer: .zeros([batch, hiddenSize]),
      stabilizer: .zeros([batch, heads]))
  }

  /// The equations.
  public func step(_ x: Tensor, _ previous: State) -> (output: Tensor, state: State) {
    let (q, k, v) = (query(x), key(x) / Float(size).squareRoot(), value(x))
    let kept = logSigmoid(forget(x)) + previous.stabilizer
    let written = input(x)
    let m = maximum(kept, written)
    let (f, i) = (exp(kept - m), exp(written - m))
    let all = (0..<heads).map { head in
      let (own, one) = (head * size..<(head + 1) * size, head..<head + 1)
      let (f, i, q, k) = (f.features(one), i.features(one), q.features(own), k.features(own))
      let old = previous.memory.features(head * size * size..<(head + 1) * size * size)
      let memory = f * old + rowwiseOuterProduct(i * v.features(own), k)
      let n = f * previous.normalizer.features(own) + i * k
      let weight = rowwiseProduct(n, q)
      // Below -80 what is shown is nothing, and its scale would be no number.
      let least = exp(-maximum(m.features(one), Tensor([-80])))
      let shown = rowwiseProduct(memory, q) / (maximum(maximum(weight, -weight), least) + 1e-6)
      return (memory: memory, n: n, shown: shown)
    }
    let state = State(
      memory: concatenated(all.map(\.memory)), normalizer: concatenated(all.map(\.n)), stabilizer: m)
    return (output: sigmoid(output(x)) * concatenated(all.map(\.shown)), state: state)
  }
}
