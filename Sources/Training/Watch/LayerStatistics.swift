import CKernels
import Foundation
import Recurrence
import Tensors

extension LayerWatch {
  /// What is to be said of a run of a recurrent layer.
  init(_ seen: RecurrenceObservation, using random: inout RandomSource) {
    let layout = seen.layout
    let states = zip(seen.parts, zip(seen.states, seen.stateGradients)).map { name, tensors in
      StateWatch(name: name, values: tensors.0, gradient: tensors.1, layout: layout)
    }
    let exponents = seen.pulledBackNorms(limit: 8, using: &random).compactMap { logSlope(of: Array($0.reversed())) }
    self.init(
      name: layerName(of: seen.path),
      sequences: layout.batch, steps: layout.time, meanSteps: Double(layout.rowCount) / Double(max(1, layout.batch)),
      states: states, gates: seen.gates.map { GateWatch($0) },
      recurrentWeights: seen.recurrentWeights.map {
        RecurrentWeightWatch(name: $0.name, spectralRadius: spectralRadius(of: $0.matrix, using: &random))
      },
      lyapunovExponent: exponents.isEmpty ? nil : exponents.reduce(0, +) / Double(exponents.count),
      deadUnits: seen.states.first.map(shareOfDeadUnits) ?? 0,
      expectedDecay: seen.meanStep.map { spectralRadius(of: $0, using: &random) })
  }
}

extension RecurrenceObservation {
  /// The mean over all rows of ∂h'/∂h, taking each unit's slope for independent of the others', of a plain cell
  /// h' = tanh(W·[h, x] + b): diag(mean of 1 - h²)·W. nil for other cells.
  fileprivate var meanStep: Tensor? {
    guard states.count == 1, recurrentWeights.count == 1, gates.count == 1, gates[0].function == .tanh else {
      return nil
    }
    let (values, matrix) = (states[0], recurrentWeights[0].matrix)
    let (rows, width) = (values.shape[0], values.shape.last)
    guard rows > 0, matrix.shape.extents == [width, width] else { return nil }
    let squares = (values * values).storage.buffer
    let slopes = (0..<width).map { unit in
      1 - Float((0..<rows).reduce(0.0) { $0 + Double(squares[$1 * width + unit]) } / Double(rows))
    }
    return matrix * Tensor(shape: [width, 1], values: slopes)
  }
}

/// `recurrent.layers.0` for the paths `recurrent.layers.0.cell` and, of cells with a single layer of weights,
/// `recurrent.layers.0.cell.hidden`.
private func layerName(of path: String) -> String {
  let components = path.split(separator: ".")
  return components[..<(components.lastIndex(of: "cell") ?? components.endIndex)].joined(separator: ".")
}

extension StateWatch {
  init(name: String, values: Tensor, gradient: Tensor, layout: Layout) {
    var fromStart = [Double](repeating: 0, count: layout.time)
    var fromEnd = fromStart
    for (row, place) in layout.paddedIndex.enumerated() {
      let (step, sequence) = (place / layout.batch, place % layout.batch)
      let square = gradient.squaredNorm(ofRow: row)
      fromStart[step] += square
      fromEnd[layout.lengths[sequence] - 1 - step] += square
    }
    // The decay is a mean sequence's: of distances that fewer and fewer sequences have, a sum would fall by itself.
    let sequences = (0..<layout.time).map { distance in Double(layout.lengths.count { $0 > distance }) }
    let mean = zip(fromEnd, sequences).map { ($0 / $1).squareRoot() }
    self.init(
      name: name, gradientNorms: fromStart.map { $0.squareRoot() },
      gradientNormsFromEnd: fromEnd.map { $0.squareRoot() },
      decay: logSlope(of: mean).map { exp($0) },
      magnitude: values.norm / Double(max(1, values.shape.count)).squareRoot())
  }
}

extension GateWatch {
  package init(_ gate: RecurrenceObservation.Gate) {
    // A sample of the rows is enough for shares of a per cent.
    let values = gate.values.sample(most: 1 << 16)
    let (name, low, high): (String, Double, Double) =
      switch gate.function {
      case .sigmoid: ("sigmoid", 0, 1)
      case .tanh: ("tanh", -1, 1)
      default: ("relu", 0, Double(max(values.max() ?? 0, .leastNormalMagnitude)))
      }
    let margin = name == "relu" ? 0 : (high - low) * (name == "sigmoid" ? 0.05 : 0.025)
    var histogram = [Int](repeating: 0, count: 20)
    var (below, above, sum) = (0, 0, 0.0)
    for value in values {
      let value = Double(value)
      guard value.isFinite else { continue }
      sum += value
      if value <= low + margin { below += 1 }
      if name != "relu", value >= high - margin { above += 1 }
      histogram[min(19, max(0, Int((value - low) / (high - low) * 20)))] += 1
    }
    let count = Double(max(1, values.count))
    self.init(
      name: gate.name, function: name, mean: sum / count, saturatedLow: Double(below) / count,
      saturatedHigh: Double(above) / count, histogram: histogram, histogramRange: [low, high])
  }
}

/// The slope of the logarithm of norms over their index, by least squares; nil with fewer than four that are above 0.
///
/// Underflow ends a curve: what has become 0, or so small that 32-bit floats lose digits, is left out.
package func logSlope(of norms: [Double]) -> Double? {
  let known = norms.enumerated().prefix { $0.element > 1e-30 && $0.element.isFinite }
  guard known.count >= 4 else { return nil }
  let count = Double(known.count)
  let meanIndex = (count - 1) / 2
  let meanLog = known.reduce(0.0) { $0 + log($1.element) } / count
  var (numerator, denominator) = (0.0, 0.0)
  for (index, norm) in known {
    numerator += (Double(index) - meanIndex) * (log(norm) - meanLog)
    denominator += (Double(index) - meanIndex) * (Double(index) - meanIndex)
  }
  return numerator / denominator
}

/// The largest absolute value of a square matrix's eigenvalues, by power iteration of a block of random vectors: the
/// mean growth over the last of many steps, which complex pairs of eigenvalues do not disturb.
package func spectralRadius(of matrix: Tensor, using random: inout RandomSource) -> Double {
  let (warmUp, measured) = (64, 64)
  var rows = random.normal([8, matrix.shape[0]])
  var sum = 0.0
  for step in 0..<warmUp + measured {
    rows = matmul(rows, matrix, transposeB: true)
    let norm = rows.norm
    guard norm > 0, norm.isFinite else { return norm }
    rows = rows * Float(1 / norm)
    if step >= warmUp { sum += log(norm) }
  }
  return exp(sum / Double(measured))
}

/// Share of the columns whose values lie within a thousandth of each other in all rows.
private func shareOfDeadUnits(_ states: Tensor) -> Double {
  let (rows, width) = (states.shape[0], states.shape.last)
  guard rows > 1, width > 0 else { return 0 }
  let values = states.storage.buffer
  var low = Array(values[0..<width])
  var high = low
  for row in 1..<rows {
    for unit in 0..<width {
      let value = values[row * width + unit]
      low[unit] = min(low[unit], value)
      high[unit] = max(high[unit], value)
    }
  }
  return Double(zip(low, high).count { $1 - $0 < 1e-3 }) / Double(width)
}

extension Tensor {
  /// √Σx², summed in Double.
  var norm: Double { Kernels.active.table.pointee.sum_of_squares(shape.count, storage.floats).squareRoot() }

  /// Σ x·y, summed in Double.
  func dot(_ other: Tensor) -> Double {
    zip(storage.buffer, other.storage.buffer).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
  }

  /// Values of evenly spread rows, about `most` at most.
  fileprivate func sample(most: Int) -> [Float] {
    let width = shape.last
    let rows = shape.count / max(1, width)
    let step = max(1, shape.count / most)
    let values = storage.buffer
    return stride(from: 0, to: rows, by: step).flatMap { values[$0 * width..<($0 + 1) * width] }
  }
}
