import Recurrence
import Tensors

extension SequenceBatch {
  /// Rows for cells of irregular time (``CfC``): [values, elapsed].
  ///
  ///     SequenceBatch(values: [[[7, 1], [8, 2]]], times: [[10.0, 10.5]])   // rows [7, 1, 0] and [8, 2, 0.5]
  ///
  /// `values[sequence][step]` are the values at the time `times[sequence][step]`; elapsed is the time since the step
  /// before, 0 at the first one. Traps unless there is a time for each step, and time never runs back.
  public init(values sequences: [[[Float]]], times: [[Double]]) {
    let elapsed = Self.elapsed(times, steps: sequences.map(\.count))
    self.init(zip(sequences, elapsed).map { steps, elapsed in zip(steps, elapsed).map { $0 + [$1] } })
  }

  /// Rows for cells of irregular time that know what was not observed (``GRUD``): [values, mask, elapsed].
  ///
  ///     SequenceBatch(observations: [[[7, nil], [nil, 2]]], times: [[0, 4]])   // [7, 0, 1, 0, 0], [0, 2, 0, 1, 4]
  ///
  /// A value that was not observed is nil: it becomes 0, and so does its mask, which is 1 otherwise. `times` are as for
  /// rows without a mask. Traps unless there is a time for each step, and time never runs back.
  public init(observations sequences: [[[Float?]]], times: [[Double]]) {
    self.init(
      values: sequences.map { $0.map { step in step.map { $0 ?? 0 } + step.map { $0 == nil ? 0 : 1 } } }, times: times)
  }

  private static func elapsed(_ times: [[Double]], steps: [Int]) -> [[Float]] {
    demand(
      times.map(\.count) == steps, "SequenceBatch: \(times.map(\.count)) times for sequences of lengths \(steps)")
    return times.enumerated().map { sequence, times in
      let elapsed = zip(times, times.prefix(1) + times).map { Float($0 - $1) }
      if let step = elapsed.firstIndex(where: { !($0 >= 0) }) {
        mistake(
          "SequenceBatch: the time of step \(step) of sequence \(sequence) is \(times[step]), before the last one")
      }
      return elapsed
    }
  }
}
