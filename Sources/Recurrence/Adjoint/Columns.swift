import Tensors

extension StepGraph {
  /// The same graph where elementwise operations read one value a row as it is, not repeated over the columns first:
  ///
  ///     a * broadcast(s)       ->   a * s
  ///     exp(broadcast(s))      ->   broadcast(exp(s))
  ///
  /// Such repetitions come from the derivative of a sum over the row. Each would be a pass over memory of its own, and
  /// end a chain of elementwise operations.
  func readingColumns() -> StepGraph {
    rewritten(rule: { node, operands in
      guard let operation = self.nodes[node].pointwise else { return nil }
      let shape = self.nodes[node].shape
      let columns = operands.map(\.column)
      if columns.allSatisfy({ $0 != nil }) {
        return Tensor.apply(.pointwise(operation), columns.compactMap { $0 }).applying(.broadcast(to: shape))
      }
      let inputs = zip(operands, columns).map { operand, column in column ?? operand }
      return inputs.contains { $0.shape == shape } ? Tensor.apply(.pointwise(operation), inputs) : nil
    })
  }
}

extension Tensor {
  /// The one value a row that a symbolic tensor repeats over its columns.
  fileprivate var column: Tensor? {
    guard let origin, case .broadcast = origin.operation, origin.operands[0].shape.count == 1 else { return nil }
    return origin.operands[0]
  }
}
