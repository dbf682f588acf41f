import Tensors

/// Splits products of concatenations:
///
///     product(concatenate(h, x), W)   ->   product(h, U) + product(x, V)    with U, V the columns of W
///
/// so that the part that needs no state can leave the loop.
enum SplitConcatenations {
  @Sendable static func run(_ graph: StepGraph) -> StepGraph {
    graph.rewritten { node, operands in
      guard case .operation(.product(transposeA: false, let transposeB), let inputs) = graph.nodes[node].source,
        graph.hasRows[inputs[0]], !graph.hasRows[inputs[1]]
      else { return nil }
      let parts = parts(of: operands[0])
      guard parts.count > 1 else { return nil }
      return sum(of: parts, weight: operands[1], transposeB)
    }
  }

  /// The pieces of a concatenation, of any depth.
  static func parts(of tensor: Tensor) -> [Tensor] {
    guard let origin = tensor.origin, case .concatenate(.features) = origin.operation else { return [tensor] }
    return origin.operands.flatMap(parts)
  }

  private static func sum(of parts: [Tensor], weight: Tensor, _ transposeB: Bool) -> Tensor {
    var from = 0
    let products = parts.map { part in
      defer { from += part.shape.last }
      let columns = from..<from + part.shape.last
      return matmul(part, transposeB ? weight.features(columns) : weight.rows(columns), transposeB: transposeB)
    }
    return products.dropFirst().reduce(products[0], +)
  }
}
