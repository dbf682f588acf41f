import CKernels
import Tensors

/// An instruction with its addresses bound to a shard's memory: nothing is looked up or allocated while it runs.
struct BoundInstruction {
  private enum Work {
    case product(Kernels.Product, packed: UnsafePointer<Float>, depth: Int, n: Int, k: Int, hasInitial: Bool)
    case pointwise(code: UnsafeMutablePointer<ur_instruction>, count: Int, width: Int)
    case rows(RowFunction, width: Int)
    /// Places: a, b, the state, then those that get the state before and after each step.
    case scan(width: Int, before: Int?, after: Int?)
    case matrices(RowMatrices, p: Int, q: Int, hasInitial: Bool)
  }
  private let work: Work
  private let places: UnsafeMutableBufferPointer<Place>
  /// Operands of a pointwise program as the kernel wants them, filled in anew for each call.
  private let operands: UnsafeMutablePointer<ur_operand>
  /// Operands of a pointwise program that hold one value a row: they have no columns to share out.
  private let columns: UnsafeMutablePointer<Bool>
  private let temporaries: UnsafeMutablePointer<Float>

  /// `temporaries` is the scratch of the thread that will run it.
  init(
    _ instruction: Instruction, _ memory: ShardMemory, packed matrices: [PackedMatrix],
    temporaries: UnsafeMutablePointer<Float>
  ) {
    var addresses: [Address]
    switch instruction {
    case .product(let a, let packed, let d, let c, _):
      let matrix = matrices[packed]
      work = .product(
        Kernels.active.product(matrix.precision), packed: matrix.storage.floats, depth: matrix.depth, n: matrix.n,
        k: matrix.k, hasInitial: d != nil)
      addresses = [a, c]
      if let d { addresses.append(d) }
    case .pointwise(let code, let operands, let width):
      let copy = UnsafeMutablePointer<ur_instruction>.allocate(capacity: code.count)
      for (i, instruction) in code.enumerated() { (copy + i).initialize(to: instruction) }
      work = .pointwise(code: copy, count: code.count, width: width)
      addresses = operands
    case .rows(let function, _, _, _, let width):
      work = .rows(function, width: width)
      addresses = instruction.addresses
    case .scan(_, _, _, let before, let after, let width):
      addresses = instruction.addresses
      work = .scan(width: width, before: before.map { _ in 3 }, after: after.map { _ in addresses.count - 1 })
    case .matrices(let kind, _, _, let d, _, let p, let q):
      work = .matrices(kind, p: p, q: q, hasInitial: d != nil)
      addresses = instruction.addresses
    }
    places = .allocate(capacity: addresses.count)
    for (i, address) in addresses.enumerated() { places.initializeElement(at: i, to: memory.place(address)) }
    operands = .allocate(capacity: addresses.count)
    for (i, place) in places.enumerated() {
      (operands + i).initialize(to: ur_operand(base: place.base, stride: place.stride))
    }
    columns = .allocate(capacity: addresses.count)
    columns.initialize(repeating: false, count: addresses.count)
    if case .pointwise(let code, _, _) = instruction {
      for step in code where step.opcode == UR_SPLAT.rawValue { columns[Int(step.a)] = true }
    }
    self.temporaries = temporaries
  }

  func deallocate() {
    if case .pointwise(let code, _, _) = work { code.deallocate() }
    places.deallocate()
    operands.deallocate()
    columns.deallocate()
  }

  /// Whether it reads the state before a step from where the states of all steps stand.
  var readsPrevious: Bool { places.contains { $0.motion == .previousRows } }

  /// Whether it can run for one time step at a time only: it reads a context, of which there is one row for all steps.
  var needsSteps: Bool { places.contains { $0.motion == .sequences } }

  /// Runs for `count` rows from packed row `row` on: this member's share of the columns, the same in each `units`
  /// columns where these are given. A column is computed alike whoever has it, so the number of members changes no bit.
  @inline(__always)
  func run(
    _ table: UnsafePointer<ur_kernels>, count: Int, row: Int, previousRow: Int?, isOdd: Bool,
    member: TeamMember? = nil, units: Int? = nil
  ) {
    func pointer(_ i: Int) -> UnsafeMutablePointer<Float> {
      places[i].pointer(row: row, previousRow: previousRow, isOdd: isOdd)
    }
    switch work {
    case .product(let product, let packed, let depth, let n, let k, let hasInitial):
      let group = units ?? n
      let own = member?.share(of: group, multiple: table.pointee.panel) ?? 0..<group
      for column in stride(from: own.lowerBound, to: n, by: group) {
        product(
          count, own.count, k, pointer(0), places[0].stride, packed + column * depth,
          hasInitial ? pointer(2) + column : nil, hasInitial ? places[2].stride : 0, pointer(1) + column,
          places[1].stride)
      }
    case .pointwise(let code, let instructions, let width):
      let group = units ?? width
      let own = member?.share(of: group, multiple: units == nil ? Int(UR_TILE) / 2 : table.pointee.panel) ?? 0..<group
      for column in stride(from: own.lowerBound, to: width, by: group) {
        for i in places.indices { operands[i].base = pointer(i) + (columns[i] ? 0 : column) }
        table.pointee.pointwise(code, instructions, operands, places.count, count, own.count, temporaries)
      }
    case .rows(let function, let width):
      guard member?.index ?? 0 == 0 else { return }
      runRows(table, function, width, count, pointer)
    case .scan: scan(table, steps: 1, count: count, row: row, isReversed: false, member: member, units: units)
    case .matrices(let kind, let p, let q, let hasInitial):
      guard member?.index ?? 0 == 0 else { return }
      kind.run(
        table, rows: count, p: p, q: q, pointer(0), places[0].stride, pointer(1), places[1].stride,
        initial: hasInitial ? pointer(3) : nil, hasInitial ? places[3].stride : 0, into: pointer(2), places[2].stride)
    }
  }

  /// Runs a scan over `steps` time steps of `count` sequences, the first step's rows beginning with packed row `row`:
  /// this member's share of the columns, as of ``run``.
  func scan(
    _ table: UnsafePointer<ur_kernels>, steps: Int, count: Int, row: Int, isReversed: Bool, member: TeamMember?,
    units: Int?
  ) {
    guard case .scan(let width, let before, let after) = work else { mistake("not a scan") }
    func floats(_ i: Int) -> UnsafeMutablePointer<Float> { places[i].pointer(row: row, previousRow: nil, isOdd: false) }
    func apart(_ i: Int) -> Int { (isReversed ? -count : count) * places[i].stride }
    let group = units ?? width
    let own = member?.share(of: group, multiple: table.pointee.panel) ?? 0..<group
    for column in stride(from: own.lowerBound, to: width, by: group) {
      for sequence in 0..<count {
        func start(_ i: Int) -> UnsafeMutablePointer<Float> { floats(i) + sequence * places[i].stride + column }
        table.pointee.scan(
          steps, own.count, start(0), apart(0), start(1), apart(1), start(2), before.map(start),
          before.map(apart) ?? 0, after.map(start), after.map(apart) ?? 0)
      }
    }
  }

  private func runRows(
    _ table: UnsafePointer<ur_kernels>, _ function: RowFunction, _ width: Int, _ count: Int,
    _ pointer: (Int) -> UnsafeMutablePointer<Float>
  ) {
    let (a, result) = (pointer(0), pointer(1))
    switch function {
    case .softmax: table.pointee.softmax(count, width, a, places[0].stride, result, places[1].stride)
    case .logSoftmax: table.pointee.log_softmax(count, width, a, places[0].stride, result, places[1].stride)
    case .normalize(let epsilon):
      table.pointee.normalize(count, width, a, places[0].stride, epsilon, result, places[1].stride)
    case .normalizeGradient(let epsilon):
      table.pointee.normalize_gradient(
        count, width, a, places[0].stride, pointer(2), places[2].stride, epsilon, result, places[1].stride)
    case .sum: table.pointee.row_sum(count, width, a, places[0].stride, result, places[1].stride)
    }
  }
}
