import Tensors

extension StepGraph {
  /// Variational dropout of the state (Gal & Ghahramani 2016): every product with weights sees the state before the
  /// step through one mask for each part and sequence.
  ///
  ///     product([h, x], W)       ->   product([mask * h, x], W)
  ///     product([r * h, x], W)   ->   product([r * (mask * h), x], W)
  ///
  /// Between state and product there may be elementwise and layout operations; the same values outside products (what
  /// is carried over, and peepholes) stay whole.
  func droppingStates(_ rate: Float, _ masks: inout MaskLeaves) -> StepGraph {
    var view = MaskedView(rate: rate, masks: masks)
    let graph = rewritten { node, operands in
      guard let product = weightedProduct(node) else { return nil }
      return matmul(view.masked(operands[0]), operands[1], transposeB: product.transposeB)
    }
    masks = view.masks
    return graph
  }

  /// A product of rows with weights.
  func weightedProduct(_ node: Int) -> (rows: Int, weight: Int, transposeB: Bool)? {
    guard case .operation(.product(transposeA: false, let transposeB), let operands) = nodes[node].source,
      hasRows[operands[0]], !hasRows[operands[1]]
    else { return nil }
    return (operands[0], operands[1], transposeB)
  }
}

/// Values as they would be if the state before the step were masked, as far as the next product.
private struct MaskedView {
  let rate: Float
  var masks: MaskLeaves
  private var parts: [Int: Tensor] = [:]
  private var known: [Int: Tensor] = [:]

  init(rate: Float, masks: MaskLeaves) {
    self.rate = rate
    self.masks = masks
  }

  mutating func masked(_ value: Tensor) -> Tensor {
    guard let node = value.node else { return value }
    if let known = known[node] { return known }
    let result = computed(value)
    known[node] = result
    return result
  }

  private mutating func computed(_ value: Tensor) -> Tensor {
    if case .state(let part)? = value.leaf {
      let mask = parts[part] ?? masks.leaf(Mask(.sequence, [value.shape.last], rate: rate), beside: value)
      parts[part] = mask
      return mask * value
    }
    guard let origin = value.origin, origin.operation.keepsUnitsApart else { return value }
    let operands = origin.operands.map { masked($0) }
    return zip(operands, origin.operands).allSatisfy { $0.node == $1.node }
      ? value : Tensor.apply(origin.operation, operands)
  }
}

extension Operation {
  /// Elementwise and layout operations.
  fileprivate var keepsUnitsApart: Bool {
    switch self {
    case .pointwise, .concatenate, .slice, .pad, .broadcast, .reshape: true
    default: false
    }
  }
}
