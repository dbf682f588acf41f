import Tensors

extension StepGraph {
  /// Recurrent dropout (Semeniuta et al. 2016): what is newly written into the state is dropped, what stays in it
  /// never.
  ///
  ///     s' = a * s + b   ->   s' = a * s + mask * b
  ///
  /// Every part's new value is taken apart as by ``AffineInState``; a and b may depend on the state in other ways
  /// (gates). In an LSTM this finds f * C + i * C~, in a GRU (1 - z) * h + z * h~. Parts that are no such sum are left
  /// alone when another part is one (an LSTM's h'); where no part is, the whole new values are dropped (a plain cell).
  /// What is computed from a part in the same step sees it dropped.
  func droppingUpdates(_ rate: Float, _ span: Mask.Span, _ masks: inout MaskLeaves) -> StepGraph {
    let dropped = droppedParts()
    var made: [Int: Tensor] = [:]
    func mask(_ part: Int, beside tensor: Tensor) -> Tensor {
      masks.leaf(Mask(span, [nodes[states[part]].width], rate: rate), beside: tensor)
    }
    return rewritten(
      rule: { node, operands in
        guard let part = dropped.first(where: { states[$0] == node }),
          case .operation(let operation, _) = nodes[node].source
        else { return nil }
        let new = Tensor.apply(operation, operands)
        let mask = mask(part, beside: new)
        guard let split = new.split(carrying: part) else { return mask * new }
        return split.rest.map { split.carried + mask * $0 } ?? new
      },
      results: { tensors in
        let new = states.enumerated().map { part, node in
          // A leaf is dropped where it becomes the state, and nowhere else.
          guard nodes[node].leaf != nil, dropped.contains(part) else { return tensors[node] }
          let result = made[node] ?? mask(part, beside: tensors[node]) * tensors[node]
          made[node] = result
          return result
        }
        return (outputs.map { tensors[$0] }, new)
      })
  }

  /// The parts of the state whose new values are dropped.
  private func droppedParts() -> [Int] {
    var (sums, others): ([Int], [Int]) = ([], [])
    _ = rewritten(
      rule: { _, _ in nil },
      results: { tensors in
        for (part, node) in states.enumerated() {
          switch tensors[node].split(carrying: part) {
          case nil: others.append(part)
          case let split?: if split.rest != nil { sums.append(part) }
          }
        }
        return (outputs.map { tensors[$0] }, states.map { tensors[$0] })
      })
    return sums.isEmpty ? others : sums
  }
}

extension Tensor {
  /// A value of a step as what is carried over from a part of the state before it, and the rest, nil for 0; nil when
  /// nothing of the part is carried over.
  fileprivate func split(carrying part: Int) -> (carried: Tensor, rest: Tensor?)? {
    let form = AffineInState(of: self, part: part)
    guard let term = form.terms.first else { return nil }
    let carried =
      switch term.coefficient {
      case .number(let number): number * term.state
      case .value(let coefficient): coefficient * term.state
      }
    switch form.rest {
    case .number(0): return (carried, nil)
    case .number(let number): return (carried, 0 * carried + number)
    case .value(let rest): return (carried, rest)
    }
  }
}
