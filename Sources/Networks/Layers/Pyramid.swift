import Recurrence
import Tensors

/// Halves the time axis: two neighbouring time steps become one with the values of both, the earlier one's first (the
/// pyramid of Chan et al. 2016). Stands between the layers of a stack, which so see ever larger pieces of a sequence:
///
///     Stack([
///       Bidirectional(forward: LSTM(…), backward: LSTM(…)),     // 40 values to 128
///       Pyramid(inputSize: 128),                                // lengths [7, 4, 0] become [4, 2, 0]
///       Bidirectional(forward: LSTM(…), backward: LSTM(…)),     // 256 values to 128
///     ])
///
/// A sequence of odd length ends in a time step without a partner, for which zeros stand. Nothing is learnt and there
/// is no state: pairs begin at a batch's first time step, so chunks with carried state equal the whole when all but the
/// last have even lengths.
public struct Pyramid: SequenceLayer {
  /// Values in a time step of the input.
  public let inputSize: Int

  /// A layer for inputs of this size.
  public init(inputSize: Int) {
    demand(inputSize >= 0, "Pyramid: an input of \(inputSize) values")
    self.inputSize = inputSize
  }

  /// Values in a time step of the output: two of the input's.
  public var outputSize: Int { 2 * inputSize }

  /// A state without parts.
  public func initialState(batch: Int) -> LayerState { LayerState() }

  /// Joins time steps: a batch of lengths n to one of lengths ⌈n / 2⌉. Traps when the input has another size, or a
  /// state is given.
  public func callAsFunction(_ input: SequenceBatch, from state: LayerState, in evaluation: inout Evaluation) -> (
    output: SequenceBatch, state: LayerState
  ) {
    demand(input.features == inputSize, "Pyramid: an input of \(input.features) values should have \(inputSize)")
    demand(state.parts.isEmpty, "Pyramid: a state of parts \(state.parts.map(\.name)) for a layer without one")
    let (lengths, batch) = (input.lengths, input.layout.batch)
    let layout = Layout(lengths: lengths.map { ($0 + 1) / 2 })
    let packed = input.layout.packedIndex
    var sources: [Int32] = []
    sources.reserveCapacity(2 * layout.rowCount)
    for index in layout.paddedIndex {
      let (t, sequence) = index.quotientAndRemainder(dividingBy: batch)
      for step in [2 * t, 2 * t + 1] {
        // Behind the last row stand zeros.
        let row = step < lengths[sequence] ? packed[step * batch + sequence] : input.layout.rowCount
        sources.append(Int32(row))
      }
    }
    let rows = Tensor.apply(.concatenate(.rows), [input.rows, .zeros([1, inputSize])]).gatheringRows(sources)
    return (SequenceBatch(rows: rows.reshaped(to: [layout.rowCount, outputSize]), layout: layout), state)
  }
}
