import Tensors

/// The recurrent highway network (Zilly, Srivastava, Koutník & Schmidhuber 2017, "Recurrent highway networks"), with
/// the carry gate coupled to the transform gate: each time step goes through several highway layers, of which the first
/// sees the input.
///
///     s = h
///     t = σ(Wt·[s, x] + bt)                  in the first layer; in the others  σ(Wt·s + bt)
///     s ← t * tanh(W·[s, x] + b) + (1 - t) * s               and  tanh(W·s + b)
///     h' = s after the last layer
///
/// Input [batch, inputSize], state and output h [batch, hiddenSize]. The state begins as zeros, bt as -2, so that
/// layers begin by carrying their state on, b as 0.
///
///     let layer = Recurrent(RHN(inputSize: 3, hiddenSize: 8, depth: 5, using: &random))
public struct RHN: RecurrentCell {
  /// One highway layer.
  public struct Highway: Module {
    /// t before its σ: on [s, x] in the first layer, on s in the others.
    public let transform: Linear
    /// What is new, before its tanh: on the same.
    public let candidate: Linear
  }

  /// The highway layers of a time step, first to last.
  public let highways: [Highway]

  /// A new cell of `depth` highway layers. Recurrent columns begin orthogonal, the others Glorot's. Traps unless the
  /// depth is at least 1.
  public init(
    inputSize: Int, hiddenSize: Int, depth: Int = 3, transformBias: Float = -2,
    initialization: CellInitialization = CellInitialization(), using random: inout RandomSource
  ) {
    demand(depth >= 1, "RHN: a depth of \(depth), and it must be at least 1")
    highways = (0..<depth).map { layer in
      func linear(bias: Float) -> Linear {
        Linear(
          hidden: hiddenSize, input: layer == 0 ? inputSize : 0, outputs: hiddenSize, bias: bias,
          initialization: initialization, using: &random)
      }
      return Highway(transform: linear(bias: transformBias), candidate: linear(bias: 0))
    }
  }

  /// Values of the hidden state.
  public var hiddenSize: Int { highways[0].transform.outputSize }
  /// Values in a row of the input.
  public var inputSize: Int { highways[0].transform.inputSize - hiddenSize }

  /// Zeros [batch, hiddenSize].
  public func initialState(batch: Int) -> Tensor { .zeros([batch, hiddenSize]) }

  /// The equations.
  public func step(_ x: Tensor, _ h: Tensor) -> (output: Tensor, state: Tensor) {
    var s = h
    for (layer, highway) in highways.enumerated() {
      let seen = layer == 0 ? concatenated(s, x) : s
      let t = sigmoid(highway.transform(seen))
      s = t * tanh(highway.candidate(seen)) + (1 - t) * s
    }
    return (output: s, state: s)
  }
}
