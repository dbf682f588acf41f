import CKernels
import Tensors

/// How the members of a team share out the instructions that they run together, and before which of them they meet.
///
/// Most cells work unit by unit between their products: then every member keeps the same units of all gates, finds what
/// it wrote itself, and meets the others only before a product reads what all have written. Where a cell mixes units in
/// another way, each instruction is shared out by itself and all meet before each.
package struct TeamSchedule: Sendable {
  /// Columns that hold one value for each unit; nil: no such order.
  package let units: Int?
  /// Whether the members meet before instruction i.
  package let meets: [Bool]

  /// Whether members need not meet at all, as each has units that know nothing of the others'.
  package var isApart: Bool { !meets.contains(true) }

  /// The schedule for no instructions.
  init() { (units, meets) = (nil, []) }

  /// The schedule for instructions of a program that are run in order, again and again where `repeats`.
  init(_ instructions: [Instruction], of program: Program, repeats: Bool) {
    if instructions.allSatisfy({ if case .scan = $0 { true } else { false } }) {
      // No part of the state knows of another, nor a column of another one.
      (units, meets) = (nil, instructions.map { _ in false })
      return
    }
    // Shares have to begin where the panels of packed matrices do.
    let hasProducts = instructions.contains { if case .product = $0 { true } else { false } }
    units = Self.commonWidth(instructions).flatMap {
      !hasProducts || $0 % Kernels.active.table.pointee.panel == 0 ? $0 : nil
    }
    guard units != nil else {
      meets = [Bool](repeating: true, count: instructions.count)
      return
    }
    // Two rounds end as any later two do: what is carried alternates between two places.
    var meets = [Bool](repeating: false, count: instructions.count)
    var written: Set<Cell> = []
    var read: Set<Cell> = []
    for step in 0..<(repeats ? 4 : 1) {
      for (i, instruction) in instructions.enumerated() {
        let cells = Cells(instruction, of: program, step: step)
        if meets[i] || !written.isDisjoint(with: cells.gathered) || !read.isDisjoint(with: cells.written) {
          meets[i] = true
          (written, read) = ([], [])
        }
        written.formUnion(cells.written)
        read.formUnion(cells.gathered)
      }
    }
    self.meets = meets
  }

  /// The width of the narrowest elementwise work, when everything else is made of pieces of that width.
  private static func commonWidth(_ instructions: [Instruction]) -> Int? {
    let widths = instructions.compactMap { instruction -> Int? in
      switch instruction {
      case .pointwise(_, _, let width), .scan(_, _, _, _, _, let width): width
      default: nil
      }
    }
    guard let width = widths.min() else { return nil }
    let fits = instructions.allSatisfy { instruction in
      switch instruction {
      case .scan(_, _, _, _, _, let own):
        own % width == 0 && instruction.addresses.allSatisfy { $0.column % width == 0 }
      case .rows, .matrices: false
      case .pointwise(let code, let operands, let own):
        own % width == 0 && operands.allSatisfy { $0.column % width == 0 }
          && !code.contains { $0.opcode == UR_SPLAT.rawValue }
      case .product(_, _, let d, let c, let own):
        own % width == 0 && c.column % width == 0 && (d?.column ?? 0) % width == 0
      }
    }
    return fits ? width : nil
  }

  /// A place whose values all members may need. Rows of sequences are new at each step.
  private enum Cell: Hashable {
    case sequence(Int, step: Int)
    case stretch(Int, step: Int)
    case step(Int)
    case carried(Int, isOdd: Bool)
  }

  /// What an instruction writes column by column, and what it reads whole.
  private struct Cells {
    var written: Set<Cell> = []
    var gathered: Set<Cell> = []

    init(_ instruction: Instruction, of program: Program, step: Int) {
      func cell(_ address: Address) -> Cell? {
        switch address.kind {
        case .sequence: .sequence(address.index, step: step)
        case .stretch: .stretch(address.index, step: step)
        case .step: .step(address.index)
        case .previous:
          // In an adjoint it is what the forward run wrote.
          program.inheritedSequences > 0 ? nil : .sequence(program.newStates[address.index].index, step: step - 1)
        case .carriedIn: .carried(address.index, isOdd: step % 2 == 1)
        case .carriedOut: .carried(address.index, isOdd: step % 2 == 0)
        case .scanned, .vector, .context: nil
        }
      }
      switch instruction {
      case .product(let a, _, _, let c, _):
        written = Set([cell(c)].compactMap { $0 })
        gathered = Set([cell(a)].compactMap { $0 })
      case .pointwise(let code, let operands, _):
        let targets = Set(code.map { Int($0.destination) }).filter { $0 < operands.count }
        written = Set(targets.compactMap { cell(operands[$0]) })
      case .matrices(_, let a, let b, let d, let result, _, _):
        written = Set([cell(result)].compactMap { $0 })
        gathered = Set([a, b, d].compactMap { $0.flatMap(cell) })
      case .rows(_, let a, let b, let result, _):
        written = Set([cell(result)].compactMap { $0 })
        gathered = Set([a, b].compactMap { $0.flatMap(cell) })
      case .scan(_, _, _, let before, let after, _):
        written = Set([before, after].compactMap { $0.flatMap(cell) })
      }
    }
  }
}

extension Plan {
  /// How teams run the loops of the programs: inference, training, adjoint.
  package var teamSchedules: [TeamSchedule] {
    [inference, training, adjoint.program].map(\.teamSchedule)
  }

  /// Whether the loops of the programs are scans: inference, training, adjoint.
  package var scans: [Bool] { [inference, training, adjoint.program].map(\.isScan) }
}
