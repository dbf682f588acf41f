import Tensors

/// A step whose inside can be seen: every part of the state is a sum with an input of zeros of its own, a *probe*, and
/// the parts and the gates are outputs too.
///
///     h' = o * tanh(C')   ->   h' = o * tanh(C') + probe
///
/// The cotangent of a probe is the total derivative ∂L/∂h' at that time step, through the output and through all later
/// steps. A second set of probes, the *flow*, is added only where a part leaves the step: to what is carried on, and to
/// what outputs read of it. Its cotangents are the derivatives by the whole state: those by C' leave out what C' does
/// within the step, which is h''s. So the watch is a rewrite of the equations like noise is, compiled like any step,
/// and it computes the same bits: zeros are added where nothing else changes.
struct WatchedStep: Sendable {
  /// A function of a product with weights.
  struct Gate: Sendable {
    let name: String
    let function: Pointwise
    /// Which output its values are.
    let output: Int
  }
  /// A square matrix that a product multiplies a part of the state with.
  struct RecurrentWeight: Sendable {
    let name: String
    let parameter: Parameter
    let columns: Range<Int>
  }

  let unroller: Unroller
  /// What a step does to a vector on its way back; compiled when it is asked for.
  let pullback: Unroller
  /// The step's own outputs, which come first.
  let outputCount: Int
  /// Values in a row of each probe; one for each part of the state.
  let probeWidths: [Int]
  /// The same of the flow, whose probes come next; empty where nobody asks for it.
  let flowWidths: [Int]
  /// Which output each part's values are.
  let parts: [Int]
  let gates: [Gate]
  let recurrentWeights: [RecurrentWeight]
  /// All parameters of the step.
  let parameters: [ParameterReference]

  /// - Parameters:
  ///   - step: the step as it is trained, noise included.
  ///   - names: what gates are called after.
  ///   - followsFlow: whether the flow has probes.
  init(_ step: StepFunction, names: StepNames, followsFlow: Bool) {
    let inputs = step.inputWidths.count
    let graph = Recording.$current.withValue(.none) { step.traced() }
    pullback = Unroller(step.pullback(of: graph))
    var outputs = graph.outputs
    outputCount = outputs.count
    func output(_ node: Int) -> Int {
      if let known = outputs.firstIndex(of: node) { return known }
      outputs.append(node)
      return outputs.count - 1
    }
    parts = graph.states.map(output)
    gates = graph.gateNames(names).sorted { $0.key < $1.key }.compactMap { node, name in
      guard let function = graph.nodes[node].pointwise, function.isSquashing else { return nil }
      return Gate(name: name, function: function, output: output(node))
    }
    recurrentWeights = graph.recurrentWeights(names)
    parameters = graph.nodes.compactMap {
      if case .parameter(let reference)? = $0.leaf { reference } else { nil }
    }
    probeWidths = step.stateWidths
    flowWidths = followsFlow ? step.stateWidths : []
    let probed = graph.probed(
      outputs: outputs, firstProbe: inputs, firstFlow: followsFlow ? inputs + probeWidths.count : nil)
    unroller = Unroller(
      StepFunction(
        inputWidths: step.inputWidths + probeWidths + flowWidths, stateWidths: step.stateWidths,
        contexts: step.contexts,
        givenShapes: step.givenShapes, body: probed.results))
  }
}

extension StepGraph {
  /// The graph with these nodes as its outputs, a probe added to each part of the state, wherever it is read, and one
  /// of the flow where it leaves the step.
  fileprivate func probed(outputs: [Int], firstProbe: Int, firstFlow: Int?) -> StepGraph {
    let neededByState = neededByState
    func probe(_ number: Int, of part: Int, beside tensor: Tensor) -> Tensor {
      tensor.beside(.input(number + part), shape: [1, nodes[states[part]].width])
    }
    /// A node as outputs read it: of parts that are one node, the first is read.
    func leaving(_ node: Int, _ tensor: Tensor) -> Tensor {
      guard let firstFlow, let part = states.firstIndex(of: node), nodes[node].leaf == nil else { return tensor }
      return tensor + probe(firstFlow, of: part, beside: tensor)
    }
    return rewritten(
      rule: { node, operands in
        guard case .operation(let operation, let numbers) = nodes[node].source else { return nil }
        let isBehind = firstFlow != nil && !neededByState[node]
        let operands = isBehind ? zip(numbers, operands).map(leaving) : operands
        // Parts that are one node have a probe each: both see what the node's value does.
        let probed = states.indices.filter { states[$0] == node }.reduce(nil as Tensor?) { sum, part in
          let value = sum ?? Tensor.apply(operation, operands)
          return value + probe(firstProbe, of: part, beside: value)
        }
        return probed ?? (isBehind ? Tensor.apply(operation, operands) : nil)
      },
      results: { tensors in
        let new = states.enumerated().map { part, node in
          // A leaf is probed where it becomes the state.
          let isLeaf = nodes[node].leaf != nil
          let value = isLeaf ? tensors[node] + probe(firstProbe, of: part, beside: tensors[node]) : tensors[node]
          return firstFlow.map { value + probe($0, of: part, beside: value) } ?? value
        }
        return (outputs.map { leaving($0, tensors[$0]) }, new)
      })
  }

  /// The square matrices that lead from a part of the state before the step to the state after it, each once.
  fileprivate func recurrentWeights(_ names: StepNames) -> [WatchedStep.RecurrentWeight] {
    let neededByState = neededByState
    var found: [WatchedStep.RecurrentWeight] = []
    for node in nodes.indices where neededByState[node] {
      guard let product = weightedProduct(node), product.transposeB, let name = layerName(product.weight, names),
        case .parameter(let reference)? = nodes[sliced(product.weight)].leaf
      else { continue }
      var from = 0
      switch nodes[product.weight].operation {
      case nil: break
      case .slice(.features, let first, _): from = first
      default: continue
      }
      for part in concatenatedParts(of: product.rows) {
        let columns = from..<from + nodes[part].width
        from = columns.upperBound
        guard needsState[part], columns.count == nodes[node].width else { continue }
        guard !found.contains(where: { $0.parameter === reference.parameter && $0.columns == columns }) else {
          continue
        }
        found.append(.init(name: name, parameter: reference.parameter, columns: columns))
      }
    }
    return found
  }
}

extension Pointwise {
  /// Whether it maps all numbers into a range, at whose ends its derivative vanishes.
  fileprivate var isSquashing: Bool {
    switch self {
    case .sigmoid, .tanh, .relu: true
    default: false
    }
  }
}
