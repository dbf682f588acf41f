import Tensors

/// The adjoint of a step: from cotangents of the outputs and of the state after the step to cotangents of the inputs,
/// the state before it, the contexts and the weights. Derived from the operations' derivative rules, as a graph of the
/// same kind.
struct Adjoint {
  /// `states`: cotangents of the state before the step, by part, then those of the contexts that have any, summed from
  /// the last step on; `outputs`: of the inputs that are read; `reductions`: of the weights.
  let graph: StepGraph
  /// Which output of the graph is the cotangent of input i; nil when the step does not read that input, or it is noise.
  let inputCotangents: [Int?]
  /// Which of the graph's states is the cotangent of context i; nil when it has none.
  let contextCotangents: [Int?]

  /// Derives the adjoint of a graph whose values without rows are `.weight` leaves.
  ///
  /// Of the forward values that it reads, those that are a function of another one alone are computed again instead of
  /// being kept for all time steps: a `tanh` in the cache costs less than a row that goes out to memory and comes back.
  init(of forward: StepGraph, step: StepFunction) {
    let plain = Adjoint(of: forward, step, recomputing: [])
    let cheap = plain.cheapValues(of: forward)
    self = cheap.isEmpty ? plain : Adjoint(of: forward, step, recomputing: cheap)
  }

  private init(of forward: StepGraph, _ step: StepFunction, recomputing: Set<Int>) {
    let trace = Trace()
    var builder = Builder(forward: forward, trace: trace, recomputing: recomputing)
    for (i, output) in forward.outputs.enumerated() {
      builder.contribute(trace.leaf(.outputCotangent(i), shape: forward.nodes[output].shape), to: output)
    }
    for (i, state) in forward.states.enumerated() {
      builder.contribute(trace.leaf(.stateCotangent(i), shape: forward.nodes[state].shape), to: state)
    }
    builder.walkBack()
    let states = step.stateWidths.enumerated().map { part, width in
      // A part that the step does not read gets zeros, made from the cotangent that is there anyway.
      builder.cotangent(of: .state(part)) ?? 0 * trace.leaf(.stateCotangent(part), shape: [1, width])
    }
    var contexts: [Tensor] = []
    contextCotangents = step.contexts.enumerated().map { index, context in
      guard context.hasGradient, let own = builder.cotangent(of: .context(index)) else { return nil }
      let part = states.count + contexts.count
      contexts.append(trace.leaf(.stateCotangent(part), shape: [1, context.width]) + own)
      return part
    }
    var outputs: [Tensor] = []
    inputCotangents = step.inputWidths.indices.map { index in
      let isNoise = index >= step.inputWidths.count - step.noiseCount
      guard !isNoise, let cotangent = builder.cotangent(of: .input(index)) else { return nil }
      outputs.append(cotangent)
      return outputs.count - 1
    }
    let carried = Self.apart(states + contexts, from: outputs + builder.reductions.map(\.tensor), in: trace)
    graph = StepGraph(trace, outputs: outputs, states: carried, reductions: builder.reductions).anchored()
  }

  /// States' cotangents that nothing else reads: where they are carried to they stand for one step only, and another
  /// value may read them when the loop is over.
  private static func apart(_ states: [Tensor], from results: [Tensor], in trace: Trace) -> [Tensor] {
    var read = Set(results.compactMap(\.node))
    for case .operation(_, let operands) in trace.nodes.map(\.source) { read.formUnion(operands) }
    return states.map { state in
      state.node.map(read.contains) == true ? state.applying(.pointwise(.affine(scale: 1, offset: 0))) : state
    }
  }

  /// The forward values that the adjoint reads: nodes of the forward graph.
  var saved: Set<Int> {
    Set(
      graph.nodes.compactMap { node in
        if case .saved(let saved)? = node.leaf { return saved }
        return nil
      })
  }

  /// Those of them that are an elementwise function of others that are kept anyway, or the normalised rows of one. What
  /// a product reads is kept: the weights' cotangents are made of it.
  private func cheapValues(of forward: StepGraph) -> Set<Int> {
    let saved = saved
    let users = forward.users
    var cheap: Set<Int> = []
    for node in saved.sorted() where forward.nodes[node].isCheap {
      func isThere(_ operand: Int) -> Bool {
        let isKept = saved.contains(operand) || forward.states.contains(operand) || forward.outputs.contains(operand)
        return isKept && forward.hasRows[operand] && forward.nodes[operand].shape == forward.nodes[node].shape
      }
      let isMultiplied = users[node].contains {
        if case .product? = forward.nodes[$0].operation { true } else { false }
      }
      let operands = forward.nodes[node].operands
      guard operands.allSatisfy(isThere), operands.count == 1 ? !cheap.contains(operands[0]) : !isMultiplied,
        !forward.states.contains(node), !forward.outputs.contains(node)
      else { continue }
      cheap.insert(node)
    }
    return cheap
  }

  private struct Builder {
    let forward: StepGraph
    let trace: Trace
    let recomputing: Set<Int>
    private var recomputed: [Int: Tensor] = [:]
    var contributions: [[Tensor]]
    var reductions: [(weight: Int, tensor: Tensor)] = []

    init(forward: StepGraph, trace: Trace, recomputing: Set<Int>) {
      self.recomputing = recomputing
      self.forward = forward
      self.trace = trace
      contributions = Array(repeating: [], count: forward.nodes.count)
    }

    mutating func contribute(_ tensor: Tensor, to node: Int) { contributions[node].append(tensor) }

    func node(of leaf: Leaf) -> Int? { forward.nodes.firstIndex { $0.leaf == leaf } }

    func cotangent(of leaf: Leaf) -> Tensor? { node(of: leaf).flatMap { Self.sum(contributions[$0]) } }

    /// The forward value of a node, as the adjoint knows it.
    private mutating func value(_ node: Int) -> Tensor {
      if let known = recomputed[node] { return known }
      if recomputing.contains(node), case .operation(let operation, let operands) = forward.nodes[node].source {
        let again = Tensor.apply(operation, operands.map { value($0) })
        recomputed[node] = again
        return again
      }
      let shape = forward.nodes[node].shape
      switch forward.nodes[node].leaf {
      case .weight(let index)?: return trace.leaf(.weight(index), shape: shape)
      case .context(let index)?: return trace.leaf(.context(index), shape: shape)
      default: return trace.leaf(.saved(node), shape: shape)
      }
    }

    mutating func walkBack() {
      for (i, node) in forward.nodes.enumerated().reversed() {
        guard case .operation(let operation, let operands) = node.source, var g = Self.sum(contributions[i]) else {
          continue
        }
        // A carried cotangent stands still for one step only; what is read after the loop must be a node of its own.
        if g.origin == nil { g = g.applying(.pointwise(.affine(scale: 1, offset: 0))) }
        let values = operands.map { value($0) }
        let parts = operation.cotangents(
          values, result: value(i), cotangent: g, needed: operands.map { _ in true })
        for (operand, part) in zip(operands, parts) {
          guard let part else { continue }
          if case .weight(let weight)? = forward.nodes[operand].leaf {
            reductions.append((weight, part))
          } else {
            contribute(part, to: operand)
          }
        }
      }
    }

    /// The sum of contributions. Those that are slices' cotangents and together fill the whole are a concatenation.
    private static func sum(_ contributions: [Tensor]) -> Tensor? {
      guard let first = contributions.first else { return nil }
      if contributions.count > 1, let joined = concatenation(contributions) { return joined }
      return contributions.dropFirst().reduce(first, +)
    }

    private static func concatenation(_ contributions: [Tensor]) -> Tensor? {
      var parts: [(from: Int, tensor: Tensor)] = []
      for contribution in contributions {
        guard let origin = contribution.origin, case .pad(.features, let from, _) = origin.operation else { return nil }
        parts.append((from, origin.operands[0]))
      }
      parts.sort { $0.from < $1.from }
      var end = 0
      for part in parts {
        guard part.from == end else { return nil }
        end += part.tensor.shape.last
      }
      return end == contributions[0].shape.last ? concatenated(parts.map(\.tensor)) : nil
    }
  }
}

extension StepGraph.Node {
  /// Whether it costs less to compute from its operands again than to keep.
  fileprivate var isCheap: Bool {
    if case .normalize? = operation { return true }
    return pointwise != nil
  }
}
