import Tensors

extension StepGraph {
  /// Zoneout (Krueger et al. 2016): parts of the state become a blend of what they were and what is new.
  ///
  ///     s' = new   ->   s' = blend(s, new)
  ///
  /// Nothing else changes: other parts are computed from what is new, as in the paper's LSTM. An output that is a part
  /// of the state stays that part. Parts of rate 0, and those that the step leaves as they are, stay alone.
  func zonedOut(
    _ rates: [Float], blend: (_ part: Int, _ old: Tensor, _ new: Tensor) -> Tensor
  ) -> StepGraph {
    guard rates.contains(where: { $0 > 0 }) else { return self }
    return rewritten(
      rule: { _, _ in nil },
      results: { tensors in
        var blended: [Int: Tensor] = [:]
        let new = states.enumerated().map { part, node in
          guard rates[part] > 0, nodes[node].leaf != .state(part) else { return tensors[node] }
          let old = tensors[node].beside(.state(part), shape: nodes[node].shape)
          let result = blend(part, old, tensors[node])
          blended[node] = blended[node] ?? result
          return result
        }
        return (outputs.map { blended[$0] ?? tensors[$0] }, new)
      })
  }
}
