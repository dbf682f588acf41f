import Recurrence
import Tensors

/// Penalties on what recurrent layers put out, to be added to a loss (Merity et al. 2017, Revisiting activation
/// regularization for language RNNs).
///
///     loss + 2 * dropped.activationPenalty() + 1 * output.temporalActivationPenalty()
///
/// where `output` is what the last layer put out, and `dropped` the same after dropout, as in the paper's language
/// model.
extension SequenceBatch {
  /// The mean of the squares of all values, a scalar: it keeps activations small (AR). 0 for a batch without time
  /// steps.
  public func activationPenalty() -> Tensor { square(rows).mean() }

  /// The mean of the squares of how much each value changes from one time step to the next, a scalar: it keeps them
  /// slow (TAR). 0 where no sequence has two time steps.
  public func temporalActivationPenalty() -> Tensor {
    let packed = layout.packedIndex
    var before: [Int32] = []
    var after: [Int32] = []
    for (row, place) in layout.paddedIndex.enumerated() where place >= layout.batch {
      after.append(Int32(row))
      before.append(Int32(packed[place - layout.batch]))
    }
    return square(rows.gatheringRows(after) - rows.gatheringRows(before)).mean()
  }
}
