import Tensors

/// Stacks products of one operand with several weights, and the sums that follow them:
///
///     product(h, U1), product(h, U2)                      ->   slices of product(h, concatenate(U1, U2))
///     slice(P, r1) + slice(Q, r1), slice(P, r2) + …       ->   slices of (P + Q)
///
/// One product of 4H columns is faster than four of H, and a sum that starts as a product's initial value is free.
enum StackSiblings {
  @Sendable static func run(_ graph: StepGraph) -> StepGraph {
    var graph = stackProducts(graph)
    // Each round joins at least one family of sums, and there are at most as many as nodes.
    for _ in graph.nodes.indices {
      guard let joined = joinSums(graph) else { break }
      graph = joined
    }
    return graph
  }

  // MARK: Products

  private struct Siblings: Hashable {
    let operand: Int
    let transposeB: Bool
  }

  private static func stackProducts(_ graph: StepGraph) -> StepGraph {
    var families: [Siblings: [Int]] = [:]
    for (i, node) in graph.nodes.enumerated() {
      guard let key = siblings(node, graph) else { continue }
      families[key, default: []].append(i)
    }
    var weights: [Int: Tensor] = [:]
    // Weights may be computed after the first product of a family; a first walk makes them all known.
    var stacked: [Int: Tensor] = [:]
    return graph.rewritten { node, operands in
      guard let key = siblings(graph.nodes[node], graph), let family = families[key], family.count > 1 else {
        return nil
      }
      weights[node] = operands[1]
      if stacked[family[0]] == nil {
        let all = family.map { weights[$0] ?? rebuild(graph.nodes[$0].operands[1], graph, beside: operands[1]) }
        let weight = Tensor.apply(.concatenate(key.transposeB ? .rows : .features), all)
        stacked[family[0]] = matmul(operands[0], weight, transposeB: key.transposeB)
      }
      let from = family.prefix { $0 != node }.reduce(0) { $0 + graph.nodes[$1].width }
      return stacked[family[0]]!.features(from..<from + graph.nodes[node].width)
    }
  }

  private static func siblings(_ node: StepGraph.Node, _ graph: StepGraph) -> Siblings? {
    guard case .operation(.product(transposeA: false, let transposeB), let inputs) = node.source,
      graph.hasRows[inputs[0]], !graph.hasRows[inputs[1]]
    else { return nil }
    return Siblings(operand: inputs[0], transposeB: transposeB)
  }

  /// A weight's expression again, in the trace of `tensor`. The trace finds equal nodes, so nothing is computed twice.
  private static func rebuild(_ node: Int, _ graph: StepGraph, beside tensor: Tensor) -> Tensor {
    guard case .symbol(let symbol) = tensor.content else { mistake("a weight outside the trace") }
    switch graph.nodes[node].source {
    case .leaf(.constant(let index)): return symbol.trace.tensor(symbol.trace.number(graph.constants[index]))
    case .leaf(let leaf): return symbol.trace.leaf(leaf, shape: graph.nodes[node].shape)
    case .operation(let operation, let operands):
      return Tensor.apply(operation, operands.map { rebuild($0, graph, beside: tensor) })
    }
  }

  // MARK: Sums

  /// A sum `slice(product) + term`, where the term is a slice of something or a weight's vector.
  private struct Sum {
    let node: Int
    let product: Int
    let range: Range<Int>
    let term: Int
    /// What the term is a slice of, and where it begins; nil for a vector.
    let base: (node: Int, from: Int)?
  }

  /// Joins the sums that together cover all columns of one product, if every use of it is such a sum.
  private static func joinSums(_ graph: StepGraph) -> StepGraph? {
    let users = graph.users
    for product in graph.nodes.indices where graph.hasRows[product] && !graph.outputs.contains(product) {
      let slices = users[product]
      guard slices.count > 1 else { continue }
      let sums = slices.compactMap { sum(ofSlice: $0, of: product, graph, users) }.sorted {
        $0.range.lowerBound < $1.range.lowerBound
      }
      guard sums.count == slices.count, covers(sums, width: graph.nodes[product].width) else { continue }
      return join(sums, graph)
    }
    return nil
  }

  private static func sum(ofSlice slice: Int, of product: Int, _ graph: StepGraph, _ users: [[Int]]) -> Sum? {
    guard case .slice(.features, let from, let to)? = graph.nodes[slice].operation, users[slice].count == 1 else {
      return nil
    }
    let node = users[slice][0]
    guard graph.nodes[node].pointwise == .add, graph.nodes[node].width == to - from else { return nil }
    let operands = graph.nodes[node].operands
    let term = operands[0] == slice ? operands[1] : operands[0]
    guard term != slice else { return nil }
    if !graph.hasRows[term] {
      guard graph.nodes[term].shape == [to - from] else { return nil }
      return Sum(node: node, product: product, range: from..<to, term: term, base: nil)
    }
    guard case .operation(.slice(.features, let begin, _), let base) = graph.nodes[term].source, base[0] != product
    else {
      return nil
    }
    return Sum(node: node, product: product, range: from..<to, term: term, base: (base[0], begin))
  }

  private static func covers(_ sums: [Sum], width: Int) -> Bool {
    var end = 0
    for sum in sums {
      guard sum.range.lowerBound == end else { return false }
      end = sum.range.upperBound
    }
    guard end == width, let first = sums.first else { return false }
    if let base = first.base {
      return sums.allSatisfy { $0.base?.node == base.node && $0.base!.from - $0.range.lowerBound == base.from }
    }
    return sums.allSatisfy { $0.base == nil }
  }

  private static func join(_ sums: [Sum], _ graph: StepGraph) -> StepGraph {
    // The joined sum can only be built when all its terms are: at the last of the old ones, whose users come later.
    let byNode = Dictionary(uniqueKeysWithValues: sums.map { ($0.node, $0) })
    return graph.rewritten { node, operands in
      guard let own = byNode[node] else { return nil }
      let place = graph.nodes[node].operands[0] == own.term ? 1 : 0
      guard let whole = operands[place].origin?.operands[0] else { return nil }
      let term: Tensor
      if let base = sums[0].base {
        let source = operands[1 - place].origin!.operands[0]
        let width = whole.shape.last
        term = source.shape.last == width ? source : source.features(base.from..<base.from + width)
      } else {
        term = concatenated(sums.map { rebuild($0.term, graph, beside: whole) })
      }
      return (whole + term).features(own.range)
    }
  }
}
