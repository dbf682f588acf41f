import Interchange
import Networks
import Tensors

/// The sizes of a ``Recognizer``'s network, and how it reads files.
public struct RecognizerShape: ModelShape {
  /// Values of each hidden layer, the first first.
  public var hidden = [512, 512]
  /// The function of the hidden layers.
  public var activation = Activation.relu
  /// Rate of the dropout of the numbers that are read.
  public var inputDropout: Float = 0.1
  /// Rate of the dropout after each hidden layer.
  public var dropout: Float = 0.4
  /// The label's column in a table: a number from 1, its name in the header; nil: the last.
  public var labelColumn: String?
  /// Whether the first line of a table is a header; it is one anyway where the column has a name.
  public var hasHeader = false

  /// The default sizes.
  public init() {}

  /// Throws when a number is outside its range.
  public func validate(at place: String?) throws(UnrollError) {
    try require("layers", hidden.count, 1...64, at: place)
    for size in hidden { try require("hidden", size, 1...16_384, at: place) }
    try requireRate("dropout", dropout, at: place)
    try requireRate("input-dropout", inputDropout, at: place)
  }
}

/// A recognizer's network: one to one, no cycle at all.
///
///     numbers [batch, inputs] → (linear → activation) for each hidden layer → linear → logits [batch, labels]
public struct RecognizerNetwork: Module {
  /// The hidden layers.
  public let layers: [Linear]
  /// Scores of the labels.
  public let readout: Linear
  private let activation: Activation
  private let inputDropout, dropout: Dropout

  /// A new network.
  public init(_ shape: RecognizerShape, inputs: Int, labels: Int, using random: inout RandomSource) {
    let sizes = [inputs] + shape.hidden
    layers = zip(sizes, shape.hidden).map { Linear(inputs: $0, outputs: $1, using: &random) }
    readout = Linear(inputs: sizes[sizes.count - 1], outputs: labels, using: &random)
    activation = shape.activation
    inputDropout = Dropout(rate: shape.inputDropout)
    dropout = Dropout(rate: shape.dropout)
  }

  /// What the scores are read from, [batch, size].
  func features(of rows: Tensor, in evaluation: inout Evaluation) -> Tensor {
    var values = inputDropout(rows, in: &evaluation)
    for layer in layers { values = dropout(activation(layer(values)), in: &evaluation) }
    return values
  }

  /// Scores of the labels, [batch, labels], without the noise of training.
  public func callAsFunction(_ rows: Tensor) -> Tensor {
    var evaluation = Evaluation.inference
    return readout(features(of: rows, in: &evaluation))
  }
}
