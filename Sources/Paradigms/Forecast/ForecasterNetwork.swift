import Networks
import Recurrence
import Tensors

/// A forecaster's network: many to many, a window of the past to the steps that follow it.
///
///     u_t = x_t - level
///     y = level + W·h_n + A·(u_1 … u_n),    h_t = layers([u_t, x_t, phases of the calendar], h_{t-1})
///
/// The level, of each window and column, is the last value, or the mean of the last season: so what is learnt holds at
/// whatever level the numbers are by then. A, the same for all columns, is the linear path (Lai et al. 2018).
public struct ForecasterNetwork: Module {
  /// The recurrent layers.
  public let recurrent: Stack
  /// All steps of the forecast from the last hidden state, target by target.
  public let readout: Linear
  /// The linear path, from a window to its forecast.
  public let linear: Linear?
  private let dropout: Dropout

  /// A new network.
  public init(_ shape: ForecasterShape, columns: Int, targets: Int, phases: Int, using random: inout RandomSource) {
    recurrent = Stack(
      (0..<shape.layers).map { layer in
        shape.cell.layer(
          inputSize: layer == 0 ? 2 * columns + phases : shape.hidden, hiddenSize: shape.hidden,
          initialization: shape.initialization, regularization: shape.regularization ?? .none, using: &random
        ).added(shape.isResidual == true && layer > 0)
      }, dropout: shape.dropout)
    // It begins with the level as its forecast.
    readout = Linear(
      weight: Parameter(.zeros([targets * shape.horizon, recurrent.outputSize])),
      bias: Parameter(.zeros([targets * shape.horizon])))
    linear =
      shape.isLinear
      ? Linear(
        weight: Parameter(.zeros([shape.horizon, shape.window])), bias: Parameter(.zeros([shape.horizon]))) : nil
    dropout = Dropout(rate: shape.dropout)
  }

  /// The forecast less the level, [batch, targets * horizon], target by target.
  ///
  /// - Parameters:
  ///   - inputs: What the recurrent layers read.
  ///   - pasts: The targets' windows less their level, [batch * targets, window], example by example.
  func callAsFunction(_ inputs: SequenceBatch, pasts: Tensor, in evaluation: inout Evaluation) -> Tensor {
    let batch = inputs.layout.batch
    let output = recurrent(inputs, from: recurrent.initialState(batch: batch), in: &evaluation).output
    let last = dropout(Pooling.last(output, LayerState()), in: &evaluation)
    let forecast = readout(last)
    guard let linear else { return forecast }
    return forecast + linear(pasts).reshaped(to: [batch, readout.outputSize])
  }
}
