import Tensors

extension StepGraph {
  /// Recurrent dropout (Semeniuta et al. 2016): what is newly written into the state is dropped, what stays in it
  /// never.
  ///
  ///     s' = a * s + b   ->   s' = a * s + mask * b
  ///
  /// Every part's new value is taken apart through sums, differences, products with values that are not carried, and
  /// affine maps; a and b may depend on the state in other ways (gates). In an LSTM this finds f * C + i * C~, in a GRU
  /// (1 - z) * h + z * h~. Parts that are no such sum are left alone when another part is one (an LSTM's h'); where no
  /// part is, the whole new values are dropped (a plain cell). What is computed from a part in the same step sees it
  /// dropped.
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
        var carried = CarriedValue(part: part)
        let mask = mask(part, beside: new)
        guard let split = carried.split(new) else { return mask * new }
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
          var carried = CarriedValue(part: part)
          switch carried.split(tensors[node]) {
          case nil: others.append(part)
          case let split?: if split.rest != nil { sums.append(part) }
          }
        }
        return (outputs.map { tensors[$0] }, states.map { tensors[$0] })
      })
    return sums.isEmpty ? others : sums
  }
}

/// Takes values apart into what is carried over from a part of the state before the step, and the rest.
private struct CarriedValue {
  /// value = carried + rest; nil for a rest of 0.
  struct Split {
    var carried: Tensor
    var rest: Tensor?
  }
  let part: Int
  private var known: [Int: Split?] = [:]

  init(part: Int) { self.part = part }

  /// nil when nothing of the part is carried over.
  mutating func split(_ value: Tensor) -> Split? {
    guard let node = value.node else { return nil }
    if let known = known[node] { return known }
    let result = computed(value)
    known.updateValue(result, forKey: node)
    return result
  }

  private mutating func computed(_ value: Tensor) -> Split? {
    if value.leaf == .state(part) { return Split(carried: value, rest: nil) }
    guard let origin = value.origin, case .pointwise(let operation) = origin.operation else { return nil }
    let splits = origin.operands.map { split($0) }
    guard splits.contains(where: { $0 != nil }) else { return nil }
    let (a, b) = (origin.operands[0], origin.operands[origin.operands.count - 1])
    switch (operation, splits[0], splits[splits.count - 1]) {
    case (.affine(let scale, let offset), let x?, _):
      let map = Operation.pointwise(.affine(scale: scale, offset: offset))
      let constant = offset == 0 ? nil : x.carried.applying(.pointwise(.affine(scale: 0, offset: offset)))
      return Split(carried: scale * x.carried, rest: x.rest.map { $0.applying(map) } ?? constant)
    case (.multiply, let x?, nil): return Split(carried: x.carried * b, rest: x.rest.map { $0 * b })
    case (.multiply, nil, let y?): return Split(carried: a * y.carried, rest: y.rest.map { a * $0 })
    case (.add, let x?, nil): return Split(carried: x.carried, rest: x.rest.map { $0 + b } ?? b)
    case (.add, nil, let y?): return Split(carried: y.carried, rest: y.rest.map { a + $0 } ?? a)
    case (.add, let x?, let y?):
      return Split(
        carried: x.carried + y.carried, rest: x.rest.map { rest in y.rest.map { rest + $0 } ?? rest } ?? y.rest)
    case (.subtract, let x?, nil): return Split(carried: x.carried, rest: x.rest.map { $0 - b } ?? -b)
    case (.subtract, nil, let y?): return Split(carried: -y.carried, rest: y.rest.map { a - $0 } ?? a)
    case (.subtract, let x?, let y?):
      let negative = y.rest.map { -$0 }
      return Split(
        carried: x.carried - y.carried, rest: x.rest.map { rest in negative.map { rest + $0 } ?? rest } ?? negative)
    default: return nil
    }
  }
}
