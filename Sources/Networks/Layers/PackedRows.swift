import Recurrence

extension Layout {
  /// The sequence that each packed row belongs to.
  var sequenceOfRow: [Int32] { paddedIndex.map { Int32($0 % batch) } }

  /// The packed rows of each sequence, in the order of its time steps.
  var rowsOfSequences: [[Int32]] {
    var rows = lengths.map { [Int32](repeating: 0, count: $0) }
    for (row, index) in paddedIndex.enumerated() { rows[index % batch][index / batch] = Int32(row) }
    return rows
  }
}
