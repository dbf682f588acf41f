import Tensors

/// A weight of a step as blocks of the tensors that it is put together from, which are parameters mostly.
///
/// The gates of a cell keep parameters of their own and run as one product all the same. Nothing is copied to put them
/// side by side: they are packed from where they stand, and cotangents are summed where the parameters' cotangents
/// stand.
struct BlockedWeight: Sendable {
  struct Block: Sendable {
    /// Which of the plan's sources it is a part of, and where it begins there.
    var source: Int
    var sourceRow: Int
    var sourceColumn: Int
    /// Where it stands in the weight.
    var rows: Range<Int>
    var columns: Range<Int>
  }
  let shape: Shape
  let blocks: [Block]
}

/// What the weights of a step are made of.
struct WeightSources: Sendable {
  /// Computes the sources from parameters, constants and what is given; its outputs are the sources.
  private let graph: StepGraph
  /// Whether source i is a parameter itself.
  private let isParameter: [Bool]
  /// The weights, in the order of the step's `.weight` leaves.
  let weights: [BlockedWeight]

  /// The sources of a graph whose outputs are the weights.
  init(_ weights: StepGraph) {
    var builder = Builder(graph: weights)
    self.weights = weights.outputs.map {
      BlockedWeight(shape: weights.nodes[$0].shape, blocks: builder.blocks(of: $0))
    }
    graph = StepGraph(
      nodes: weights.nodes, outputs: builder.sources, states: [], reductions: [], constants: weights.constants)
    isParameter = builder.sources.map {
      if case .parameter? = weights.nodes[$0].leaf { return true }
      return false
    }
  }

  /// The sources, computed on the tape if one is recording. `known` are the values that are known already, by number.
  func tensors(known: [Int: Tensor] = [:], given: [Tensor] = []) -> [Tensor] {
    if isParameter.indices.allSatisfy({ isParameter[$0] || known[$0] != nil }) {
      return graph.outputs.enumerated().map { known[$0] ?? leaf($1, given) }
    }
    var tensors: [Tensor] = []
    for (i, node) in graph.nodes.enumerated() {
      if case .operation(let operation, let operands) = node.source {
        tensors.append(Tensor.apply(operation, operands.map { tensors[$0] }))
      } else {
        tensors.append(leaf(i, given))
      }
    }
    return graph.outputs.map { tensors[$0] }
  }

  /// Those sources that had to be computed. Parameters are not worth keeping, and a kept one could not be updated in
  /// place.
  func computed(of tensors: [Tensor]) -> [Int: Tensor] {
    Dictionary(uniqueKeysWithValues: tensors.indices.filter { !isParameter[$0] }.map { ($0, tensors[$0].detached) })
  }

  private func leaf(_ node: Int, _ given: [Tensor]) -> Tensor {
    switch graph.nodes[node].leaf {
    case .parameter(let reference)?: return reference.parameter.tensor
    case .constant(let index)?: return graph.constants[index]
    case .given(let index)?: return given[index]
    default: mistake("a weight depends on the time step:\n\(graph)")
    }
  }

  /// The parameters that the step reads.
  var parameters: [Parameter] {
    graph.nodes.compactMap { node in
      if case .parameter(let reference)? = node.leaf { return reference.parameter }
      return nil
    }
  }

  /// Takes slices and concatenations apart.
  private struct Builder {
    let graph: StepGraph
    var sources: [Int] = []

    mutating func blocks(of node: Int) -> [BlockedWeight.Block] {
      guard graph.nodes[node].shape.rank <= 2, case .operation(let operation, let operands) = graph.nodes[node].source
      else { return whole(node) }
      switch operation {
      case .slice(let along, let from, let to):
        let crop = from..<to
        let isColumns = along.axis(in: graph.nodes[node].shape) == graph.nodes[node].shape.rank - 1
        return blocks(of: operands[0]).compactMap { isColumns ? $0.columns(in: crop) : $0.rows(in: crop) }
      case .concatenate(let along):
        let isColumns = along.axis(in: graph.nodes[node].shape) == graph.nodes[node].shape.rank - 1
        var offset = 0
        return operands.flatMap { operand in
          let shape = graph.nodes[operand].shape
          defer { offset += isColumns ? shape.last : shape[0] }
          return blocks(of: operand).map { $0.moved(rows: isColumns ? 0 : offset, columns: isColumns ? offset : 0) }
        }
      default: return whole(node)
      }
    }

    private mutating func whole(_ node: Int) -> [BlockedWeight.Block] {
      let shape = graph.nodes[node].shape
      let rows = shape.rank == 2 ? shape[0] : 1
      let source = sources.firstIndex(of: node) ?? sources.count
      if source == sources.count { sources.append(node) }
      return [
        BlockedWeight.Block(
          source: source, sourceRow: 0, sourceColumn: 0, rows: 0..<rows, columns: 0..<shape.count / max(1, rows))
      ]
    }
  }
}

extension BlockedWeight.Block {
  fileprivate func moved(rows: Int, columns: Int) -> Self {
    var block = self
    block.rows = block.rows.lowerBound + rows..<block.rows.upperBound + rows
    block.columns = block.columns.lowerBound + columns..<block.columns.upperBound + columns
    return block
  }

  /// What is left in a range of the weight's rows, which becomes the whole.
  fileprivate func rows(in range: Range<Int>) -> Self? {
    let kept = rows.clamped(to: range)
    guard !kept.isEmpty else { return nil }
    var block = self
    block.sourceRow += kept.lowerBound - rows.lowerBound
    block.rows = kept
    return block.moved(rows: -range.lowerBound, columns: 0)
  }

  fileprivate func columns(in range: Range<Int>) -> Self? {
    let kept = columns.clamped(to: range)
    guard !kept.isEmpty else { return nil }
    var block = self
    block.sourceColumn += kept.lowerBound - columns.lowerBound
    block.columns = kept
    return block.moved(rows: 0, columns: -range.lowerBound)
  }
}

extension BlockedWeight {
  /// The blocks where they stand in memory.
  func inMemory(_ sources: [Tensor]) -> [MatrixBlock] {
    blocks.map { block in
      let source = sources[block.source]
      let stride = source.shape.rank == 2 ? source.shape[1] : source.shape.count
      return MatrixBlock(
        floats: source.storage.floats + block.sourceRow * stride + block.sourceColumn, stride: stride,
        rows: block.rows, columns: block.columns)
    }
  }

  /// The weight as one tensor: the source itself where there is one that is the whole.
  func tensor(_ sources: [Tensor]) -> Tensor {
    if blocks.count == 1, sources[blocks[0].source].shape.count == shape.count {
      return Tensor(shape: shape, storage: sources[blocks[0].source].storage)
    }
    let storage = Storage(count: shape.count)
    let stride = shape.rank == 2 ? shape[1] : shape.count
    for block in inMemory(sources) { block.copy(into: storage.floats, stride: stride) }
    return Tensor(shape: shape, storage: storage)
  }
}
