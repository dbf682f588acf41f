import CKernels
import Tensors

/// A pointwise program in the making: operands in memory, temporaries in tiles, instructions.
struct PointwiseCode {
  /// A value inside the program.
  enum Register: Hashable {
    case operand(Int)
    case temporary(Int)
  }
  enum Target {
    case temporary
    case address(Address)
  }

  let width: Int
  private var operands: [Address] = []
  private var steps: [(operation: Step, inputs: [Register], output: Register)] = []
  private var free: [Int] = []
  private(set) var temporaryCount = 0
  private var splats: [Address: Register] = [:]

  private enum Step {
    case pointwise(Pointwise)
    case splat
  }

  init(width: Int) { self.width = width }

  /// The register of an operand in memory; one value a row is spread over the columns first.
  mutating func operand(_ address: Address, isColumn: Bool) -> Register {
    guard isColumn, width > 1 else { return memory(address) }
    if let known = splats[address] { return known }
    let register = temporary()
    steps.append((.splat, [memory(address)], register))
    splats[address] = register
    return register
  }

  @discardableResult
  mutating func append(_ operation: Pointwise, _ inputs: [Register], to target: Target) -> Register {
    let output: Register
    switch target {
    case .temporary: output = temporary()
    case .address(let address): output = memory(address)
    }
    steps.append((.pointwise(operation), inputs, output))
    return output
  }

  /// Lets a temporary be used for something else.
  mutating func release(_ register: Register) {
    if case .temporary(let index) = register { free.append(index) }
  }

  private mutating func temporary() -> Register {
    if let index = free.popLast() { return .temporary(index) }
    temporaryCount += 1
    demand(temporaryCount <= Int(UR_MAX_TEMPORARIES), "a step has a longer elementwise chain than tiles can hold")
    return .temporary(temporaryCount - 1)
  }

  private mutating func memory(_ address: Address) -> Register {
    if let known = operands.firstIndex(of: address) { return .operand(known) }
    operands.append(address)
    return .operand(operands.count - 1)
  }

  var instruction: Instruction {
    func number(_ register: Register) -> Int {
      switch register {
      case .operand(let index): index
      case .temporary(let index): operands.count + index
      }
    }
    let code = steps.map { step in
      switch step.operation {
      case .pointwise(let operation):
        operation.instruction(
          destination: number(step.output), a: number(step.inputs[0]), b: number(step.inputs.last!))
      case .splat:
        ur_instruction(
          opcode: UInt16(UR_SPLAT.rawValue), destination: UInt16(number(step.output)),
          a: UInt16(number(step.inputs[0])),
          b: 0, scale: 0, offset: 0)
      }
    }
    return .pointwise(code: code, operands: operands, width: width)
  }
}
