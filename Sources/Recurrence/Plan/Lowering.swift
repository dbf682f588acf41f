import CKernels
import Tensors

/// Turns a graph whose nodes have phases and fusions into a program: decides where each value stands and in which order
/// instructions run.
struct Lowering {
  let graph: StepGraph
  /// Nodes whose values must stay for all time steps.
  let kept: Set<Int>
  /// The forward program, when this one is its adjoint.
  let forward: Program?

  private let users: [[Int]]
  private let stages: Stages
  private let reductionNodes: Set<Int>
  /// By part of the state that is scanned: the sum a * state + b.
  private let scans: [Int: Int]
  /// The epilogue that a product ends in.
  private var epilogues: [Int: Int] = [:]
  /// A part of a concatenation that is computed in its place there.
  private var homes: [Int: (node: Int, column: Int)] = [:]
  private var program = Program()

  static func lower(_ graph: StepGraph, of step: StepFunction, kept: Set<Int>, forward: Program? = nil) -> Program {
    var lowering = Lowering(graph, kept: kept, forward: forward)
    lowering.program.stateWidths = graph.states.map { graph.nodes[$0].width }
    lowering.program.contextWidths = step.contexts.map(\.width)
    lowering.findHomes()
    lowering.placeLeaves(inputWidths: step.inputWidths)
    lowering.placeNodes()
    lowering.emit()
    return lowering.program
  }

  private init(_ graph: StepGraph, kept: Set<Int>, forward: Program?) {
    self.graph = graph
    self.kept = kept
    self.forward = forward
    users = graph.users
    stages = Stages(graph)
    reductionNodes = Set(graph.reductions.map(\.node).filter { Self.isSum(graph.nodes[$0]) })
    scans = Dictionary(
      uniqueKeysWithValues: graph.states.enumerated().filter { graph.nodes[$1].fusion == .scan }.map { ($0, $1) })
    for (i, node) in graph.nodes.enumerated() {
      if case .epilogue(let product) = node.fusion { epilogues[product] = i }
    }
    program.sequences = forward?.sequences ?? []
    program.inheritedSequences = program.sequences.count
  }

  /// Whether a reduction's node is itself a sum over rows, which the reduction computes (else it is what is to be
  /// summed).
  private static func isSum(_ node: StepGraph.Node) -> Bool {
    switch node.operation {
    case .product(transposeA: true, _)?: true
    case .reduce(let shape)?: !(shape.rank == 2 && shape[1] == 1)
    default: false
    }
  }

  /// Whether a node is computed by an instruction or a part of one that has its value: no sum over rows, which
  /// reductions compute, and no product a * state, which a scan does on the way.
  private func isComputed(_ node: Int) -> Bool {
    let isFactor = graph.nodes[node].fusion == .scan && !graph.states.contains(node)
    return graph.hasRows[node] && !reductionNodes.contains(node) && !isFactor
  }

  // MARK: Places

  private mutating func sequence(width: Int, dense: Bool = false) -> Address {
    program.sequences.append(BufferSpec(width: width, dense: dense))
    return Address(kind: .sequence, index: program.sequences.count - 1, column: 0)
  }

  private mutating func stretch(width: Int) -> Address {
    program.stretches.append(BufferSpec(width: width, dense: false))
    return Address(kind: .stretch, index: program.stretches.count - 1, column: 0)
  }

  private mutating func placeLeaves(inputWidths: [Int]) {
    if forward == nil {
      for width in inputWidths { _ = sequence(width: width, dense: true) }
    }
    var cotangents: [Int: Address] = [:]
    for (i, node) in graph.nodes.enumerated() {
      switch node.leaf {
      case .input(let index)?: program.addresses[i] = Address(kind: .sequence, index: index, column: 0)
      case .outputCotangent(let index)?:
        cotangents[index] = cotangents[index] ?? sequence(width: node.width, dense: true)
        program.addresses[i] = cotangents[index]
        program.outputCotangents[index] = cotangents[index]
      case .saved(let saved)?: program.addresses[i] = forward!.addresses[saved]!
      case .stateCotangent(let part)?:
        program.addresses[i] =
          scans[part] != nil && needsStretch(i)
          ? stretch(width: node.width) : Address(kind: .carriedIn, index: part, column: 0)
      case .state(let part)?:
        let kind: Address.Kind = keepsState(part, leaf: i) ? .previous : .carriedIn
        program.addresses[i] = Address(kind: kind, index: part, column: 0)
      case .context(let index)?: program.addresses[i] = Address(kind: .context, index: index, column: 0)
      case .weight(let weight)?: program.addresses[i] = Address(kind: .vector, index: weight, column: 0)
      case .parameter?, .constant?, .given?: mistake("a plan's graph has weights in place of parameters")
      case nil: break
      }
    }
  }

  /// Whether the values of a state's part stay for all time steps.
  private func keepsState(_ part: Int, leaf: Int?) -> Bool {
    guard forward == nil else { return false }
    let nodes = [graph.states[part]] + (leaf.map { [$0] } ?? [])
    return nodes.contains { needsSequence($0) || needsStretch($0) }
  }

  private func isView(_ node: Int) -> Bool {
    if case .slice(.features, _, _)? = graph.nodes[node].operation { return true }
    return false
  }

  /// Whether a node's values are read when the run is over.
  private func needsSequence(_ node: Int) -> Bool {
    if kept.contains(node) || graph.outputs.contains(node) { return true }
    if graph.reductions.contains(where: { $0.node == node }) { return true }
    // Paddings are zeros that nobody writes; buffers of sequences can begin with zeros.
    if case .pad? = graph.nodes[node].operation, needsStretch(node) { return true }
    return users[node].contains { reductionNodes.contains($0) || (isView($0) && needsSequence($0)) }
      || tenants(of: node).contains { needsSequence($0) }
  }

  /// Whether a node's values are read in another step than the one that computes them, or in another phase.
  private func needsStretch(_ node: Int) -> Bool {
    graph.nodes[node].phase != .loop
      || users[node].contains { graph.nodes[$0].phase != .loop || (isView($0) && needsStretch($0)) }
      || tenants(of: node).contains { needsStretch($0) }
  }

  /// Whether a node lives in a tile only: an elementwise value that only its own group reads.
  private func isTemporary(_ node: Int) -> Bool {
    guard case .group(let group) = graph.nodes[node].fusion, !graph.states.contains(node), homes[node] == nil,
      !kept.contains(node), !graph.outputs.contains(node), !graph.reductions.contains(where: { $0.node == node })
    else { return false }
    return users[node].allSatisfy { graph.nodes[$0].fusion == .group(group) }
  }

  private mutating func placeNodes() {
    for (part, node) in graph.states.enumerated() {
      let leaf = graph.nodes.firstIndex { $0.leaf == .state(part) }
      if keepsState(part, leaf: leaf) {
        program.addresses[node] = sequence(width: graph.nodes[node].width, dense: true)
      } else {
        program.addresses[node] = Address(kind: scans[part] == nil ? .carriedOut : .scanned, index: part, column: 0)
      }
    }
    for output in graph.outputs where program.addresses[output] == nil {
      program.addresses[output] = sequence(width: graph.nodes[output].width, dense: true)
    }
    for (i, node) in graph.nodes.enumerated() where isComputed(i) {
      guard node.operation != nil, program.addresses[i] == nil, homes[i] == nil, !isView(i), epilogues[i] == nil,
        !isTemporary(i)
      else { continue }
      if needsSequence(i) {
        program.addresses[i] = sequence(width: node.width)
        if case .pad? = node.operation { program.zeroed.insert(program.sequences.count - 1) }
      } else if needsStretch(i) {
        program.addresses[i] = stretch(width: node.width)
      } else {
        program.steps.append(BufferSpec(width: node.width, dense: false))
        program.addresses[i] = Address(kind: .step, index: program.steps.count - 1, column: 0)
      }
    }
    for i in graph.nodes.indices where isComputed(i) && !isTemporary(i) {
      if epilogues[i] == nil { program.addresses[i] = resolve(i) }
    }
    program.newStates = graph.states.map { program.addresses[$0]! }
    program.outputs = graph.outputs.map { program.addresses[$0]! }
  }

  /// Parts of concatenations and paddings are computed where they end up, when they are computed by one instruction.
  private mutating func findHomes() {
    for (i, node) in graph.nodes.enumerated() where isComputed(i) {
      var column = 0
      switch node.operation {
      case .concatenate(.features)?: break
      case .pad(.features, let from, _)?: column = from
      default: continue
      }
      for operand in node.operands {
        defer { column += graph.nodes[operand].width }
        guard homes[operand] == nil, node.operands.filter({ $0 == operand }).count == 1, graph.hasRows[operand],
          graph.nodes[operand].operation != nil, !isView(operand), epilogues[operand] == nil,
          !isLayout(operand), graph.nodes[operand].phase == node.phase, !graph.states.contains(operand),
          !graph.outputs.contains(operand)
        else { continue }
        homes[operand] = (i, column)
      }
    }
  }

  /// The parts of a concatenation or padding that are computed in their places there: both stay as long as either must.
  private func tenants(of node: Int) -> [Int] { graph.nodes[node].operands.filter { homes[$0]?.node == node } }

  private func isLayout(_ node: Int) -> Bool {
    switch graph.nodes[node].operation {
    case .concatenate?, .pad?: true
    default: false
    }
  }

  private func resolve(_ node: Int) -> Address {
    if let known = program.addresses[node] { return known }
    if let home = homes[node] {
      var address = resolve(home.node)
      address.column += home.column
      return address
    }
    guard case .operation(.slice(.features, let from, _), let operands) = graph.nodes[node].source else {
      mistake("node %\(node) of the plan has no place:\n\(graph)")
    }
    var address = resolve(operands[0])
    address.column += from
    return address
  }

  // MARK: Instructions

  private struct Entry {
    let stage: Int
    let rank: Int
    let node: Int
    let instruction: Instruction
  }

  private mutating func emit() {
    var entries: [StepGraph.Phase: [Entry]] = [:]
    var groups: [Int: [Int]] = [:]
    for (i, node) in graph.nodes.enumerated() where isComputed(i) {
      if case .group(let group) = node.fusion {
        groups[group, default: []].append(i)
        continue
      }
      for (rank, instruction) in instructions(i) {
        entries[node.phase, default: []].append(Entry(stage: stages[i], rank: rank, node: i, instruction: instruction))
      }
    }
    for members in groups.values {
      let first = members[0]
      entries[graph.nodes[first].phase, default: []].append(
        Entry(stage: stages[first], rank: 2, node: first, instruction: pointwise(members)))
    }
    func ordered(_ phase: StepGraph.Phase) -> [Instruction] {
      (entries[phase] ?? []).sorted { ($0.stage, $0.rank, $0.node) < ($1.stage, $1.rank, $1.node) }.map(\.instruction)
    }
    (program.before, program.loop, program.after) = (ordered(.before), ordered(.loop), ordered(.after))
    program.isScan = !scans.isEmpty
    program.reductions = graph.reductions.map(reduction)
    let instructions = program.before + program.loop + program.after
    program.vectors = Set(instructions.flatMap(\.addresses).filter { $0.kind == .vector }.map(\.index)).sorted()
    program.teamSchedule = TeamSchedule(program.loop, of: program, repeats: true)
  }

  /// What computes a node that is in no group, with its rank inside its stage.
  private mutating func instructions(_ i: Int) -> [(Int, Instruction)] {
    let node = graph.nodes[i]
    guard case .operation(let operation, let operands) = node.source else { return [] }
    switch operation {
    case .product:
      return epilogues[i] == nil ? [(0, product(i, d: nil, c: i))] : []
    case .rowMatrices:
      return epilogues[i] == nil ? [(1, matrices(i, d: nil, c: i))] : []
    case .pointwise:
      if case .epilogue(let product) = node.fusion {
        let term = operands[0] == product ? operands[1] : operands[0]
        if case .rowMatrices? = graph.nodes[product].operation { return [(1, matrices(product, d: term, c: i))] }
        return [(0, self.product(product, d: term, c: i))]
      }
      if node.fusion == .scan { return [(2, scan(i))] }
      return [(2, pointwise([i]))]
    case .slice(.features, _, _): return []
    case .broadcast: return [(2, copy(operands[0], to: resolve(i), width: node.width))]
    case .concatenate(.features):
      var column = 0
      return operands.compactMap { operand in
        defer { column += graph.nodes[operand].width }
        if let home = homes[operand], home.node == i { return nil }
        var target = resolve(i)
        target.column += column
        return (2, copy(operand, to: target, width: graph.nodes[operand].width))
      }
    case .pad(.features, let from, _):
      if let home = homes[operands[0]], home.node == i { return [] }
      var target = resolve(i)
      target.column += from
      return [(2, copy(operands[0], to: target, width: graph.nodes[operands[0]].width))]
    case .softmax: return [(1, rows(.softmax, operands, i))]
    case .logSoftmax: return [(1, rows(.logSoftmax, operands, i))]
    case .reduce: return [(1, rows(.sum, operands, i))]
    case .normalize(let epsilon): return [(1, rows(.normalize(epsilon: epsilon), operands, i))]
    case .normalizeGradient(let epsilon): return [(1, rows(.normalizeGradient(epsilon: epsilon), operands, i))]
    default:
      mistake("\(operation.name) is not possible inside a recurrent step: rows of a batch stay apart")
    }
  }

  private func rows(_ function: RowFunction, _ operands: [Int], _ i: Int) -> Instruction {
    .rows(
      function, a: resolve(operands[0]), b: operands.count > 1 ? resolve(operands[1]) : nil, result: resolve(i),
      width: graph.nodes[operands[0]].width)
  }

  private mutating func product(_ i: Int, d: Int?, c: Int) -> Instruction {
    guard case .operation(.product(_, let transposeB), let operands) = graph.nodes[i].source,
      case .weight(let weight)? = graph.nodes[operands[1]].leaf
    else { mistake("a product of two values of the step needs weights on its right side") }
    let packing = Packing(weight: weight, transposed: transposeB)
    if !program.packings.contains(packing) { program.packings.append(packing) }
    return .product(
      a: resolve(operands[0]), packed: program.packings.firstIndex(of: packing)!, d: d.map(resolve), c: resolve(c),
      width: graph.nodes[i].width)
  }

  private func scan(_ i: Int) -> Instruction {
    let part = graph.states.firstIndex(of: i)!
    let operands = graph.nodes[i].operands
    let (a, state) = (graph.nodes[operands[0]].operands[0], graph.nodes[operands[0]].operands[1])
    let (before, after) = (resolve(state), resolve(i))
    return .scan(
      a: resolve(a), b: resolve(operands[1]), state: Address(kind: .scanned, index: part, column: 0),
      before: before.kind == .stretch ? before : nil, after: after.kind == .sequence ? after : nil,
      width: graph.nodes[i].width)
  }

  private func matrices(_ i: Int, d: Int?, c: Int) -> Instruction {
    guard case .operation(.rowMatrices(let kind), let operands) = graph.nodes[i].source,
      let extents = kind.extents(graph.nodes[operands[0]].width, graph.nodes[operands[1]].width)
    else { mistake("%\(i) has no matrices") }
    return .matrices(
      kind, a: resolve(operands[0]), b: resolve(operands[1]), d: d.map(resolve), result: resolve(c), p: extents.p,
      q: extents.q)
  }

  private mutating func copy(_ node: Int, to target: Address, width: Int) -> Instruction {
    var code = PointwiseCode(width: width)
    let source = code.operand(resolve(node), isColumn: graph.nodes[node].shape.count == 1)
    code.append(.affine(scale: 1, offset: 0), [source], to: .address(target))
    return finish(code)
  }

  private mutating func pointwise(_ members: [Int]) -> Instruction {
    var code = PointwiseCode(width: graph.nodes[members[0]].width)
    var registers: [Int: PointwiseCode.Register] = [:]
    for (position, member) in members.enumerated() {
      let node = graph.nodes[member]
      let inputs = node.operands.map { operand in
        registers[operand]
          ?? code.operand(resolve(operand), isColumn: graph.nodes[operand].shape.count == 1 && node.width > 1)
      }
      let target: PointwiseCode.Target = isTemporary(member) ? .temporary : .address(resolve(member))
      registers[member] = code.append(node.pointwise!, inputs, to: target)
      for operand in Set(node.operands) where isTemporary(operand) {
        let isReadLater = members[(position + 1)...].contains { graph.nodes[$0].operands.contains(operand) }
        if !isReadLater, let register = registers[operand] { code.release(register) }
      }
    }
    return finish(code)
  }

  private mutating func finish(_ code: PointwiseCode) -> Instruction {
    program.temporaries = max(program.temporaries, code.temporaryCount)
    return code.instruction
  }

  private func reduction(_ reduction: StepGraph.Reduction) -> Reduction {
    let node = graph.nodes[reduction.node]
    switch node.source {
    case .operation(.product(transposeA: true, _), let operands):
      return .outer(
        weight: reduction.weight, a: resolve(operands[0]), m: graph.nodes[operands[0]].width, b: resolve(operands[1]),
        n: graph.nodes[operands[1]].width)
    case .operation(.reduce, let operands) where reductionNodes.contains(reduction.node):
      return .columnSum(weight: reduction.weight, a: resolve(operands[0]), width: graph.nodes[operands[0]].width)
    default:
      return .columnSum(weight: reduction.weight, a: resolve(reduction.node), width: node.width)
    }
  }
}
