import CKernels
import Tensors

extension StepFunction {
  /// What one step does to a vector on its way back, as a step of its own, which has no state:
  ///
  ///     (x, s, d)   ->   d · ∂s'/∂s        where s' = step(x, s)
  ///
  /// Its inputs are those of the step, the parts of the state before it, and as many parts of `d`; its outputs are the
  /// parts of the product. It is made of the operations' derivative rules, so that it runs compiled and has a
  /// derivative itself, with respect to the step's parameters; inputs count as constants.
  ///
  /// - Parameter graph: The step as traced.
  package func pullback(of graph: StepGraph) -> StepFunction {
    let (inputs, parts) = (inputWidths.count, stateWidths.count)
    return StepFunction(
      inputWidths: inputWidths + stateWidths + stateWidths, stateWidths: [],
      contexts: contexts.map { Context(width: $0.width, hasGradient: false) }, noiseCount: inputs + 2 * parts,
      givenShapes: givenShapes
    ) { arguments in
      var own = arguments
      own.inputs = Array(arguments.inputs[..<inputs])
      own.states = Array(arguments.inputs[inputs..<inputs + parts])
      return (graph.pulledBack(Array(arguments.inputs[(inputs + parts)...]), from: own), [])
    }
  }
}

extension StepGraph {
  /// The product of a vector, by the parts of the state after the step, with the derivative of that state by the one
  /// before.
  fileprivate func pulledBack(_ vector: [Tensor], from arguments: StepFunction.Arguments) -> [Tensor] {
    let values = values(arguments)
    var flows = [Bool](repeating: false, count: nodes.count)
    for (i, node) in nodes.enumerated() {
      if case .state? = node.leaf { flows[i] = true } else { flows[i] = node.operands.contains { flows[$0] } }
    }
    var cotangents = [Tensor?](repeating: nil, count: nodes.count)
    func add(_ tensor: Tensor, to node: Int) { cotangents[node] = cotangents[node].map { $0 + tensor } ?? tensor }
    for (node, part) in zip(states, vector) where flows[node] { add(part, to: node) }
    for (i, node) in nodes.enumerated().reversed() where flows[i] {
      guard case .operation(let operation, let operands) = node.source, let g = cotangents[i] else { continue }
      let parts = operation.cotangents(
        operands.map { values[$0] }, result: values[i], cotangent: g, needed: operands.map { flows[$0] })
      for (operand, part) in zip(operands, parts) where flows[operand] {
        if let part { add(part, to: operand) }
      }
    }
    return vector.indices.map { part in
      nodes.firstIndex { $0.leaf == .state(part) }.flatMap { cotangents[$0] } ?? 0 * vector[part]
    }
  }
}

/// How far the steps of recurrences are from keeping the length of the gradients that flow back through them (Pascanu,
/// Mikolov & Bengio 2013, On the difficulty of training recurrent neural networks, equations 9 and 10):
///
///     Ω = mean of (‖∂L/∂h_t · ∂h_t/∂h_{t-1}‖ / ‖∂L/∂h_t‖ - 1)²
///
/// over all time steps that a gradient reaches, of all sequences, but the first of each: what flows back to an initial
/// state teaches nothing. h is the whole state, all of its parts.
package struct FlowPenalty: Sendable {
  /// Σ (… - 1)², and over how many steps.
  package private(set) var sum = 0.0
  package private(set) var steps = 0
  /// The *immediate* derivative of the sum: that by the parameters of each step, where states and ∂L/∂h_t are
  /// constants.
  package private(set) var gradients: [(parameter: Parameter, gradient: Tensor)] = []

  /// The mean; 0 where no gradient flows.
  package var mean: Double { sum / Double(max(1, steps)) }

  package init() {}

  /// Adds the steps of a recurrence, of a watch that follows the flow. Its tape was walked back, and its parameters
  /// have not changed since.
  package mutating func add(_ seen: RecurrenceObservation) {
    let layout = seen.layout
    guard layout.rowCount > 0, !seen.flowGradients.isEmpty else { return }
    // The product is linear in the vector: of length 1, it neither under- nor overflows.
    let lengths = Self.lengths(seen.flowGradients)
    let reached = zip(lengths, layout.paddedIndex).map { $0 > 1e-30 && $0.isFinite && $1 >= layout.batch }
    let vector = Self.scaled(seen.flowGradients, by: zip(lengths, reached).map { $1 ? 1 / $0 : 0 })
    let tape = Tape()
    let product = Recording.$current.withValue(.tape(tape)) { seen.pulledBack(vector) }
    let ratios = Self.lengths(product.map(\.detached))
    steps += reached.count { $0 }
    sum += zip(ratios, reached).reduce(0) { $1.1 ? $0 + ($1.0 - 1) * ($1.0 - 1) : $0 }
    guard !tape.parameters.isEmpty else { return }
    // d(‖v‖ - 1)² = 2 (‖v‖ - 1) v/‖v‖ · dv
    let factors = zip(ratios, reached).map { $1 && $0 > 1e-30 ? 2 * ($0 - 1) / $0 : 0 }
    let cotangents = tape.cotangents(from: Array(zip(product, Self.scaled(product.map(\.detached), by: factors))))
    for (parameter, index) in tape.parameters.sorted(by: { $0.index < $1.index }) {
      if let gradient = cotangents[index] { gradients.append((parameter, gradient)) }
    }
  }

  /// The Euclidean length of each row over all parts.
  private static func lengths(_ parts: [Tensor]) -> [Double] {
    let rows = parts[0].shape[0]
    let table = Kernels.active.table
    var squares = [Double](repeating: 0, count: rows)
    for part in parts {
      let (width, storage) = (part.shape.last, part.storage)
      squares.withUnsafeMutableBufferPointer { squares in
        nonisolated(unsafe) let squares = squares
        parallelRanges(rows, grain: 64) { range in
          for row in range { squares[row] += table.pointee.sum_of_squares(width, storage.floats + row * width) }
        }
      }
    }
    return squares.map { $0.squareRoot() }
  }

  private static func scaled(_ parts: [Tensor], by factors: [Double]) -> [Tensor] {
    let column = Tensor(shape: [factors.count, 1], values: factors.map(Float.init))
    return parts.map { $0.detached * column }
  }
}

extension RecurrenceObservation {
  /// The product of a vector for each row, by the state's parts after the step, with the derivative of that state by
  /// the one before.
  fileprivate func pulledBack(_ vector: [Tensor]) -> [Tensor] {
    let packed = layout.packedIndex
    let before = layout.paddedIndex.map { place in
      place < layout.batch ? Int32(place) : Int32(layout.batch + packed[place - layout.batch])
    }
    let states = zip(arguments.states, states).map { initial, after in
      Tensor.apply(.concatenate(.rows), [initial, after]).gatheringRows(before)
    }
    return step.pullback(
      arguments.inputs + states + vector, states: [], contexts: arguments.contexts, given: arguments.given,
      layout: layout
    ).outputs
  }
}
