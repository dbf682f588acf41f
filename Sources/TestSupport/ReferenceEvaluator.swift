import Tensors

/// Evaluates what a tape recorded in Double, by the plainest loops: the judge of kernels and derivative rules.
package struct ReferenceEvaluator {
  package struct Value {
    package var shape: Shape
    package var numbers: [Double]
  }
  private let tape: Tape
  private let entries: [Tape.Entry]

  /// Every entry must be a plain operation: record with `.stepwise` recurrences.
  package init(_ tape: Tape) {
    self.tape = tape
    entries = tape.entries
  }

  /// The value of one entry, with other numbers in some of the leaves.
  package func value(of index: Int, leaves: [Int: [Double]] = [:]) -> Value {
    var values: [Value] = []
    for (i, entry) in entries.enumerated() {
      switch entry {
      case .leaf(let tensor):
        values.append(Value(shape: tensor.shape, numbers: leaves[i] ?? tensor.values.map(Double.init)))
      case .operation(let operation, let operands, let result):
        let inputs = operands.map { operand in
          tape.index(of: operand).map { values[$0] }
            ?? Value(shape: operand.shape, numbers: operand.values.map(Double.init))
        }
        values.append(Value(shape: result.shape, numbers: Self.apply(operation, inputs, result.shape)))
      case .composite, .result:
        mistake("a composite operation has no plain equations: record stepwise")
      }
      if i == index { break }
    }
    return values[index]
  }

  // MARK: Operations

  private static func apply(_ operation: Operation, _ x: [Value], _ shape: Shape) -> [Double] {
    switch operation {
    case .pointwise(let function): return pointwise(function, x, shape)
    case .product(let transposeA, let transposeB): return product(x[0], x[1], transposeA, transposeB, shape)
    case .rowMatrices(let kind): return rowMatrices(kind, x[0], x[1])
    case .concatenate(let along): return concatenate(x, along.axis(in: shape), shape)
    case .slice(let along, let from, _):
      return positions(shape).map { at in
        x[0].numbers[offset(shifted(at, along.axis(in: shape), by: from), x[0].shape)]
      }
    case .pad(let along, let from, _):
      var result = [Double](repeating: 0, count: shape.count)
      for at in positions(x[0].shape) {
        result[offset(shifted(at, along.axis(in: shape), by: from), shape)] = x[0].numbers[offset(at, x[0].shape)]
      }
      return result
    case .reduce:
      var result = [Double](repeating: 0, count: shape.count)
      for at in positions(x[0].shape) {
        result[broadcastOffset(at, x[0].shape, operand: shape)] += x[0].numbers[offset(at, x[0].shape)]
      }
      return result
    case .broadcast: return positions(shape).map { x[0].numbers[broadcastOffset($0, shape, operand: x[0].shape)] }
    case .reshape: return x[0].numbers
    case .gather(let rows):
      return rows.values.flatMap { row in
        (0..<shape[1]).map { x[0].numbers[Int(row) * shape[1] + $0] }
      }
    case .scatter(let rows, _):
      var result = [Double](repeating: 0, count: shape.count)
      for (i, row) in rows.values.enumerated() {
        for j in 0..<shape[1] { result[Int(row) * shape[1] + j] += x[0].numbers[i * shape[1] + j] }
      }
      return result
    case .softmax: return rows(x[0]).flatMap { logSoftmax($0).map(Double.exponential) }
    case .logSoftmax: return rows(x[0]).flatMap(logSoftmax)
    case .crossEntropy(let targets):
      return zip(rows(x[0]), targets.values).map { row, target in
        target < 0 ? 0 : -logSoftmax(row)[Int(target)]
      }
    case .normalize(let epsilon):
      return rows(x[0]).flatMap { row in
        let mean = row.reduce(0, +) / Double(row.count)
        let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(row.count)
        return row.map { ($0 - mean) / (variance + Double(epsilon)).squareRoot() }
      }
    case .normalizeGradient(let epsilon):
      return zip(rows(x[0]), rows(x[1])).flatMap { normalizeGradient($0, $1, Double(epsilon)) }
    case .crossEntropyGradient: mistake("a gradient of a cross-entropy's gradient is not recorded")
    }
  }

  /// (g - mean(g) - y * mean(y * g)) / σ
  private static func normalizeGradient(_ x: [Double], _ g: [Double], _ epsilon: Double) -> [Double] {
    let count = Double(x.count)
    let mean = x.reduce(0, +) / count
    let deviation = (x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / count + epsilon).squareRoot()
    let y = x.map { ($0 - mean) / deviation }
    let (first, second) = (g.reduce(0, +) / count, zip(y, g).reduce(0) { $0 + $1.0 * $1.1 } / count)
    return zip(y, g).map { ($1 - first - $0 * second) / deviation }
  }

  private static func rows(_ x: Value) -> [[Double]] {
    stride(from: 0, to: x.numbers.count, by: max(1, x.shape.last)).map { Array(x.numbers[$0..<$0 + x.shape.last]) }
  }

  private static func logSoftmax(_ row: [Double]) -> [Double] {
    let top = row.max() ?? 0
    let sum = row.reduce(0) { $0 + Double.exponential($1 - top) }
    return row.map { $0 - top - Double.logarithm(sum) }
  }

  private static func product(_ a: Value, _ b: Value, _ transposeA: Bool, _ transposeB: Bool, _ shape: Shape)
    -> [Double]
  {
    let k = transposeA ? a.shape[0] : a.shape[1]
    return positions(shape).map { at in
      (0..<k).reduce(0.0) { sum, l in
        let left = transposeA ? a.numbers[l * a.shape[1] + at[0]] : a.numbers[at[0] * a.shape[1] + l]
        let right = transposeB ? b.numbers[at[1] * b.shape[1] + l] : b.numbers[l * b.shape[1] + at[1]]
        return sum + left * right
      }
    }
  }

  private static func rowMatrices(_ kind: RowMatrices, _ a: Value, _ b: Value) -> [Double] {
    zip(rows(a), rows(b)).flatMap { a, b in
      switch kind {
      case .timesVectors:
        (0..<a.count / b.count).map { i in b.indices.reduce(0) { $0 + a[i * b.count + $1] * b[$1] } }
      case .vectorsTimes:
        (0..<a.count / b.count).map { j in b.indices.reduce(0) { $0 + a[$1 * (a.count / b.count) + j] * b[$1] } }
      case .outer: a.flatMap { u in b.map { u * $0 } }
      }
    }
  }

  private static func concatenate(_ x: [Value], _ axis: Int, _ shape: Shape) -> [Double] {
    positions(shape).map { at in
      var at = at
      for part in x {
        if at[axis] < part.shape[axis] { return part.numbers[offset(at, part.shape)] }
        at[axis] -= part.shape[axis]
      }
      mistake("a place outside all parts")
    }
  }

  private static func pointwise(_ function: Pointwise, _ x: [Value], _ shape: Shape) -> [Double] {
    positions(shape).map { at in
      let numbers = x.map { $0.numbers[broadcastOffset(at, shape, operand: $0.shape)] }
      return function.reference(numbers[0], numbers.last!)
    }
  }

  // MARK: Places

  private static func positions(_ shape: Shape) -> [[Int]] {
    shape.extents.reduce([[]]) { heads, extent in heads.flatMap { head in (0..<extent).map { head + [$0] } } }
  }

  private static func offset(_ at: [Int], _ shape: Shape) -> Int {
    zip(at, shape.extents).reduce(0) { $0 * $1.1 + $1.0 }
  }

  private static func shifted(_ at: [Int], _ axis: Int, by distance: Int) -> [Int] {
    var at = at
    at[axis] += distance
    return at
  }

  /// Where a broadcast operand stands for a place of the result: trailing axes match, extent 1 repeats.
  private static func broadcastOffset(_ at: [Int], _ shape: Shape, operand: Shape) -> Int {
    if operand.count == 1 { return 0 }
    let own = at.suffix(operand.rank)
    return zip(own, operand.extents).reduce(0) { $0 * $1.1 + ($1.1 == 1 ? 0 : $1.0) }
  }
}
