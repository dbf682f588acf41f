import CKernels
import Tensors

/// An instruction with its addresses bound to a shard's memory: nothing is looked up or allocated while it runs.
struct BoundInstruction {
  private enum Work {
    case product(Kernels.Product, packed: UnsafePointer<Float>, n: Int, k: Int, hasInitial: Bool)
    case pointwise(code: UnsafeMutablePointer<ur_instruction>, count: Int, width: Int)
    case rows(RowFunction, width: Int)
  }
  private let work: Work
  private let places: UnsafeMutableBufferPointer<Place>
  /// Operands of a pointwise program as the kernel wants them, filled in anew for each call.
  private let operands: UnsafeMutablePointer<ur_operand>
  private let temporaries: UnsafeMutablePointer<Float>

  init(_ instruction: Instruction, _ memory: ShardMemory, packed matrices: [PackedMatrix]) {
    var addresses: [Address]
    switch instruction {
    case .product(let a, let packed, let d, let c):
      let matrix = matrices[packed]
      work = .product(
        Kernels.active.product(matrix.precision), packed: matrix.storage.floats, n: matrix.n, k: matrix.k,
        hasInitial: d != nil)
      addresses = [a, c]
      if let d { addresses.append(d) }
    case .pointwise(let code, let operands, let width):
      let copy = UnsafeMutablePointer<ur_instruction>.allocate(capacity: code.count)
      for (i, instruction) in code.enumerated() { (copy + i).initialize(to: instruction) }
      work = .pointwise(code: copy, count: code.count, width: width)
      addresses = operands
    case .rows(let function, let a, let result, let width):
      work = .rows(function, width: width)
      addresses = [a, result]
    }
    places = .allocate(capacity: addresses.count)
    for (i, address) in addresses.enumerated() { places.initializeElement(at: i, to: memory.place(address)) }
    operands = .allocate(capacity: addresses.count)
    for (i, place) in places.enumerated() {
      (operands + i).initialize(to: ur_operand(base: place.base, stride: place.stride))
    }
    temporaries = memory.temporaries.floats
  }

  func deallocate() {
    if case .pointwise(let code, _, _) = work { code.deallocate() }
    places.deallocate()
    operands.deallocate()
  }

  /// Whether it reads the state before a step from where the states of all steps stand.
  var readsPrevious: Bool { places.contains { $0.motion == .previousRows } }

  /// Runs for `count` rows from packed row `row` on.
  @inline(__always)
  func run(_ table: UnsafePointer<ur_kernels>, count: Int, row: Int, previousRow: Int?, isOdd: Bool) {
    func pointer(_ i: Int) -> UnsafeMutablePointer<Float> {
      places[i].pointer(row: row, previousRow: previousRow, isOdd: isOdd)
    }
    switch work {
    case .product(let product, let packed, let n, let k, let hasInitial):
      product(
        count, n, k, pointer(0), places[0].stride, packed, hasInitial ? pointer(2) : nil,
        hasInitial ? places[2].stride : 0, pointer(1), places[1].stride)
    case .pointwise(let code, let instructions, let width):
      for i in places.indices { operands[i].base = pointer(i) }
      table.pointee.pointwise(code, instructions, operands, places.count, count, width, temporaries)
    case .rows(let function, let width):
      let (a, result) = (pointer(0), pointer(1))
      switch function {
      case .softmax: table.pointee.softmax(count, width, a, places[0].stride, result, places[1].stride)
      case .logSoftmax: table.pointee.log_softmax(count, width, a, places[0].stride, result, places[1].stride)
      case .sum:
        for i in 0..<count {
          table.pointee.row_sum(1, width, a + i * places[0].stride, width, result + i * places[1].stride)
        }
      }
    }
  }
}
