import Tensors

/// The closed-form continuous-time cell (Hasani et al. 2022, "Closed-form continuous-time neural networks"): two
/// candidates, and a gate that goes from one to the other with the time that has passed.
///
///     s  = backbone([h, x])            dense layers, each 1.7159 * tanh(2/3 · )
///     t  = σ((Wa·s + ba) * elapsed + Wb·s + bb)
///     h' = (1 - t) * tanh(W1·s + b1) + t * tanh(W2·s + b2)
///
/// A row of the input is [values, elapsed]: the values x, and the time since the step before as its last number, 0 at
/// the first step; `SequenceBatch(values:times:)` builds such rows. Or the steps are regular,
/// ``Interval/constant(_:)``, and the row is x itself. State and output h [batch, hiddenSize], which begins as zeros,
/// as do the biases.
///
/// Checked against CfCCell of ncps in its default mode, which has 0.666 for 2/3; its time step of 1 where none is given
/// is ``Interval/constant(_:)``.
///
///     let layer = Recurrent(CfC(inputSize: 3 + 1, hiddenSize: 8, using: &random))
public struct CfC: RecurrentCell {
  /// Where the time since the step before comes from.
  public enum Interval: Hashable, Sendable, Codable {
    /// The last number of a row.
    case lastColumn
    /// It is always the same.
    case constant(Float)
  }

  /// Where the time since the step before comes from.
  public let interval: Interval
  /// Dense layers, the first on [h, x].
  public let backbone: [Linear]
  /// W1 and b1, a layer on s.
  public let first: Linear
  /// W2 and b2.
  public let second: Linear
  /// Wa and ba.
  public let rate: Linear
  /// Wb and bb.
  public let offset: Linear

  /// A new cell. `inputSize` counts the elapsed time where it is in the row; `backbone` has the sizes of its layers,
  /// nil is one of `hiddenSize`. Recurrent columns of the first layer begin orthogonal, all others Glorot's. Traps when
  /// a backbone has no layer.
  public init(
    inputSize: Int, hiddenSize: Int, backbone sizes: [Int]? = nil, interval: Interval = .lastColumn,
    initialization: CellInitialization = CellInitialization(), using random: inout RandomSource
  ) {
    let sizes = sizes ?? [hiddenSize]
    demand(!sizes.isEmpty, "CfC: a backbone without a layer")
    self.interval = interval
    let values = interval == .lastColumn ? inputSize - 1 : inputSize
    let entrance = Linear(
      hidden: hiddenSize, input: values, outputs: sizes[0], initialization: initialization, using: &random)
    backbone = zip(sizes, sizes.dropFirst()).reduce(into: [entrance]) { layers, sizes in
      layers.append(Linear(inputs: sizes.0, outputs: sizes.1, using: &random))
    }
    func head() -> Linear { Linear(inputs: sizes[sizes.count - 1], outputs: hiddenSize, using: &random) }
    first = head()
    second = head()
    rate = head()
    offset = head()
  }

  /// Values of the hidden state.
  public var hiddenSize: Int { first.outputSize }
  /// Numbers in a row of the input.
  public var inputSize: Int { backbone[0].inputSize - hiddenSize + (interval == .lastColumn ? 1 : 0) }

  /// Zeros [batch, hiddenSize].
  public func initialState(batch: Int) -> Tensor { .zeros([batch, hiddenSize]) }

  /// The equations.
  public func step(_ row: Tensor, _ h: Tensor) -> (output: Tensor, state: Tensor) {
    let x = interval == .lastColumn ? row.features(0..<inputSize - 1) : row
    let s = backbone.reduce(concatenated(h, x)) { seen, layer in 1.7159 * tanh(layer(seen) * (2 / 3)) }
    let t = sigmoid(elapsed(rate(s), row) + offset(s))
    let new = (1 - t) * tanh(first(s)) + t * tanh(second(s))
    return (output: new, state: new)
  }

  private func elapsed(_ rate: Tensor, _ row: Tensor) -> Tensor {
    switch interval {
    case .lastColumn: rate * row.features(inputSize - 1..<inputSize)
    case .constant(let time): rate * time
    }
  }
}
