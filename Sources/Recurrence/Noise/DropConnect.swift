import Tensors

extension StepGraph {
  /// DropConnect on the recurrent weights (Wan et al. 2013; Merity et al. 2017): entries of the matrices are dropped,
  /// the same ones for all sequences and time steps of a run.
  ///
  ///     product([h, x], W)   ->   product([h, x], [mask * U, V])     with U, V the columns of W
  ///
  /// Recurrent are columns that stand on a way from the state before the step to the state after it: not those for the
  /// input, nor a readout. Weights that products share, share the mask. Vectors (peepholes) are no matrices, and stay.
  func droppingConnections(_ rate: Float, _ masks: inout MaskLeaves) -> StepGraph {
    let needsState = needsState
    let neededByState = neededByState
    var made: [Columns: Tensor] = [:]
    func dropped(_ weight: Tensor, _ key: Columns) -> Tensor {
      let mask = made[key] ?? masks.leaf(Mask(.run, weight.shape, rate: rate), beside: weight)
      made[key] = mask
      return mask * weight
    }
    return rewritten { node, operands in
      guard let product = weightedProduct(node), neededByState[node], needsState[product.rows] else { return nil }
      let (weight, transposeB) = (operands[1], product.transposeB)
      var from = 0
      let pieces = concatenatedParts(of: product.rows).map { part in
        let columns = from..<from + nodes[part].width
        from = columns.upperBound
        let isWhole = columns.count == nodes[product.rows].width
        let piece = isWhole ? weight : transposeB ? weight.features(columns) : weight.rows(columns)
        let key = Columns(
          weight: product.weight, from: columns.lowerBound, to: columns.upperBound, transposeB: transposeB)
        return needsState[part] ? dropped(piece, key) : piece
      }
      let whole = pieces.count == 1 ? pieces[0] : Tensor.apply(.concatenate(transposeB ? .features : .rows), pieces)
      return matmul(operands[0], whole, transposeB: transposeB)
    }
  }

  /// The nodes that a concatenation of any depth puts side by side; others stand alone.
  func concatenatedParts(of node: Int) -> [Int] {
    guard case .operation(.concatenate(.features), let operands) = nodes[node].source else { return [node] }
    return operands.flatMap(concatenatedParts)
  }

  private struct Columns: Hashable {
    let weight: Int
    let from, to: Int
    let transposeB: Bool
  }
}
