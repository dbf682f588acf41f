import Corpora
import Foundation
import Recurrence
import Tensors

/// Windows as a ``ForecasterNetwork`` reads them.
struct WindowBatch {
  /// [window, batch] rows: each column less its level, each column, sines and cosines of the calendar.
  let inputs: SequenceBatch
  /// The targets' windows less their level, [batch * targets, window].
  let pasts: Tensor
  /// What follows less the level, [batch, targets * horizon]; of windows at the end of a series, zeros.
  let futures: Tensor
  /// Each window's level of each column, standardised.
  let levels: [[Float]]

  init(_ windows: [Forecaster.Window], _ table: Forecaster.Table, _ targets: [Int], _ shape: ForecasterShape) {
    let (count, length, horizon) = (table.columns.count, shape.window, shape.horizon)
    let features = 2 * count + 2 * table.periods.count
    var rows = [Float](repeating: 0, count: length * windows.count * features)
    var pasts: [Float] = []
    var futures: [Float] = []
    var levels: [[Float]] = []
    pasts.reserveCapacity(windows.count * targets.count * length)
    futures.reserveCapacity(windows.count * targets.count * horizon)
    for (i, window) in windows.enumerated() {
      let first = window.origin - length
      let end = min(window.series.count, window.origin + horizon)
      // Standardised, from the window's first row on.
      let values = (first..<end).flatMap { row in
        zip(window.series.row(row), zip(table.means, table.deviations)).map { ($0 - $1.0) / $1.1 }
      }
      let season = max(1, shape.season)
      let level = (0..<count).map { column in
        (length - season..<length).reduce(0) { $0 + values[$1 * count + column] } / Float(season)
      }
      for step in 0..<length {
        let start = (step * windows.count + i) * features
        for column in 0..<count {
          rows[start + column] = values[step * count + column] - level[column]
          rows[start + count + column] = values[step * count + column]
        }
        for (k, period) in table.periods.enumerated() {
          let turn = (window.series.moments?[first + step].phase(of: period) ?? 0) * 2 * .pi
          rows[start + 2 * count + 2 * k] = Float(sin(turn))
          rows[start + 2 * count + 2 * k + 1] = Float(cos(turn))
        }
      }
      for column in targets {
        for step in 0..<length { pasts.append(values[step * count + column] - level[column]) }
        for step in length..<length + horizon {
          futures.append(first + step < end ? values[step * count + column] - level[column] : 0)
        }
      }
      levels.append(level)
    }
    inputs = SequenceBatch(
      values: Tensor(shape: [length, windows.count, features], values: rows),
      lengths: [Int](repeating: length, count: windows.count))
    self.pasts = Tensor(shape: [windows.count * targets.count, length], values: pasts)
    self.futures = Tensor(shape: [windows.count, targets.count * horizon], values: futures)
    self.levels = levels
  }
}

extension NumberSeries {
  /// Mean and standard deviation of each column over some rows; a column without any spread has the deviation 1.
  func spread(of rows: Range<Int>) -> (means: [Float], deviations: [Float]) {
    var (sums, squares) = ([Double](repeating: 0, count: columns.count), [Double](repeating: 0, count: columns.count))
    for index in rows {
      for (column, value) in row(index).enumerated() { sums[column] += Double(value) }
    }
    let means = sums.map { $0 / Double(max(1, rows.count)) }
    for index in rows {
      for (column, value) in row(index).enumerated() {
        squares[column] += (Double(value) - means[column]) * (Double(value) - means[column])
      }
    }
    let deviations = squares.map { square -> Float in
      let deviation = Float((square / Double(max(1, rows.count))).squareRoot())
      return deviation > 1e-12 && deviation.isFinite ? deviation : 1
    }
    return (means.map { Float($0) }, deviations)
  }

  /// Periods of the calendar that are at least two steps long.
  var periods: [CalendarTime.Period] {
    guard let moments, moments.count >= 2 else { return [] }
    let steps = zip(moments.dropFirst(), moments).map { $0.seconds - $1.seconds }.sorted()
    return CalendarTime.Period.allCases.filter { $0.rawValue >= 2 * steps[steps.count / 2] }
  }
}
