import Tensors

extension Growth {
  /// Writes what a network has learnt into a deeper one, whose new layers change nothing yet. The parameters of layers
  /// that both have keep their paths.
  ///
  /// - A recurrent layer inside a ``Residual`` begins silent: what its candidate reads is weighed by 0, so from a state
  ///   of zeros an LSTM, GRU or plain layer gives zeros, and x + f(x) is x. Gradients flow to these weights.
  /// - A dense layer with as many outputs as inputs begins as the identity, which a rectifier keeps behind another one
  ///   (Net2DeeperNet).
  ///
  /// - Returns: Whether it could be done: what both have is of one shape. If not, nothing is written.
  @discardableResult
  public static func deepen(_ old: any Module, into new: any Module) -> Bool {
    let known = Dictionary(old.parameters.map { ($0.path, $0.parameter) }) { first, _ in first }
    let all = new.parameters
    let common = all.filter { known[$0.path] != nil }
    guard common.count == known.count, common.allSatisfy({ known[$0.path]?.shape == $0.parameter.shape }) else {
      return false
    }
    for named in common { if let value = known[named.path]?.value { named.parameter.value = value } }
    for named in all where known[named.path] == nil {
      let names = named.path.split(separator: ".")
      if names.contains("cell") {
        if names.contains(where: silencing.contains) { named.parameter.value = .zeros(named.parameter.shape) }
      } else {
        named.parameter.value = identity(named.parameter.shape)
      }
    }
    return true
  }

  /// The layers of cells that what is new comes from; an ``Elman`` cell has but one.
  private static let silencing: Set<Substring> = ["candidate", "recurrentCandidate", "hidden"]

  private static func identity(_ shape: Shape) -> Tensor {
    var values = [Float](repeating: 0, count: shape.count)
    if shape.rank == 2 { for i in 0..<min(shape[0], shape[1]) { values[i * shape[1] + i] = 1 } }
    return Tensor(shape: shape, values: values)
  }
}
