import Tensors

/// A product that layer normalisation is applied to.
package struct NormalizedProduct {
  /// Values of a row.
  package let width: Int
  /// Whether the state flows into it.
  package let isRecurrent: Bool
  /// The parameter that its matrix is, or is cut from; nil when it is computed.
  package let weight: Parameter?
}

extension StepGraph {
  /// Layer normalisation inside a step (Ba et al. 2016): each product with weights that leads to the state after the
  /// step, apart for the state and for the input, is brought to mean 0 and variance 1 row by row, then scaled and
  /// shifted by learnt values.
  ///
  ///     product([h, x], W)   ->   LN(product(h, U)) + LN(product(x, V))     with U, V the columns of W
  ///     LN(p) = gain * (p - mean(p)) / √(variance(p) + 10⁻⁵) + shift
  func normalizingProducts(_ norms: (NormalizedProduct) -> (gain: Parameter, shift: Parameter)) -> StepGraph {
    let needsState = needsState
    let neededByState = neededByState
    return rewritten { node, operands in
      guard let product = weightedProduct(node), neededByState[node] else { return nil }
      let (weight, transposeB) = (operands[1], product.transposeB)
      let parts = zip(concatenatedParts(of: product.rows), SplitConcatenations.parts(of: operands[0]))
      var from = 0
      let terms = parts.map { part, rows in
        let columns = from..<from + nodes[part].width
        from = columns.upperBound
        let isWhole = columns.count == nodes[product.rows].width
        let piece = isWhole ? weight : transposeB ? weight.features(columns) : weight.rows(columns)
        let norm = norms(
          NormalizedProduct(
            width: nodes[node].width, isRecurrent: needsState[part], weight: parameter(behind: product.weight)))
        let product = matmul(rows, piece, transposeB: transposeB)
        return normalized(product, epsilon: 1e-5) * beside(rows, norm.gain) + beside(rows, norm.shift)
      }
      return terms.dropFirst().reduce(terms[0], +)
    }
  }

  private func beside(_ tensor: Tensor, _ parameter: Parameter) -> Tensor {
    tensor.beside(.parameter(ParameterReference(parameter)), shape: parameter.shape)
  }

  private func parameter(behind node: Int) -> Parameter? {
    switch nodes[node].source {
    case .leaf(.parameter(let reference)): reference.parameter
    case .operation(.slice, let operands): parameter(behind: operands[0])
    default: nil
    }
  }
}
