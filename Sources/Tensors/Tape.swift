import Synchronization

/// What listens to operations in the current task: a tape while a gradient is taken, a trace while a step is recorded.
package enum Recording: Sendable {
  case none
  case tape(Tape)
  case trace(Trace)

  @TaskLocal package static var current = Recording.none
}

/// A value's place on a tape.
package struct TapeSlot: Sendable {
  package let tape: Int
  package let index: Int
}

/// A computation of several results that brings its own backward pass: a whole recurrence.
package protocol CompositeOperation: Sendable {
  /// Cotangents of the operands (nil: zero) from those of the results (nil: zero). What is not needed may be nil.
  func cotangents(_ results: [Tensor?], needed: [Bool]) -> [Tensor?]
}

extension CompositeOperation {
  /// What messages call it.
  var name: String { String(describing: Self.self) }
}

/// Records operations in the order of their computation, and walks them backwards.
package final class Tape: Sendable {
  package enum Entry: Sendable {
    case leaf(Tensor)
    case operation(Operation, operands: [Tensor], result: Tensor)
    /// Results occupy this slot and the following ones, which are `.result`s.
    case composite(any CompositeOperation, operands: [Tensor], resultCount: Int)
    case result
  }
  private struct State {
    var entries: [Entry] = []
    var parameters: [ObjectIdentifier: (parameter: Parameter, index: Int)] = [:]
  }
  private static let numbers = Atomic(0)
  private let number: Int
  private let state = Mutex(State())
  /// Looks at every value; nil, but where what went wrong is run again.
  package let check: FiniteCheck?

  package init(checking check: FiniteCheck? = nil) {
    number = Self.numbers.add(1, ordering: .relaxed).newValue
    self.check = check
  }

  package var entries: [Entry] { state.withLock { $0.entries } }
  var entryCount: Int { state.withLock { $0.entries.count } }

  /// The place of a tensor on this tape, if it is on it.
  package func index(of tensor: Tensor) -> Int? {
    guard let slot = tensor.slot, slot.tape == number else { return nil }
    return slot.index
  }

  /// The tensor, known to the tape: its gradient can be asked for.
  package func watch(_ tensor: Tensor) -> Tensor {
    state.withLock { state in
      var leaf = tensor
      leaf.slot = TapeSlot(tape: number, index: state.entries.count)
      state.entries.append(.leaf(tensor.detached))
      return leaf
    }
  }

  package func leaf(_ parameter: Parameter) -> Tensor {
    let known = state.withLock { $0.parameters[ObjectIdentifier(parameter)]?.index }
    var leaf = parameter.value
    if let known {
      leaf.slot = TapeSlot(tape: number, index: known)
      return leaf
    }
    leaf = watch(leaf)
    let index = leaf.slot!.index
    state.withLock { $0.parameters[ObjectIdentifier(parameter)] = (parameter, index) }
    return leaf
  }

  /// Parameters that were read, in no order, with their places.
  package var parameters: [(parameter: Parameter, index: Int)] { state.withLock { Array($0.parameters.values) } }

  /// Writes down an operation if one of its operands is on the tape, and returns the result's tensor.
  func record(_ operation: Operation, _ operands: [Tensor], shape: Shape, storage: Storage) -> Tensor {
    check?.lookForward(Tensor(shape: shape, storage: storage), of: operation.name, operands, on: self)
    guard operands.contains(where: { index(of: $0) != nil }) else { return Tensor(shape: shape, storage: storage) }
    return state.withLock { state in
      let result = Tensor(
        shape: shape, storage: storage, slot: TapeSlot(tape: number, index: state.entries.count))
      state.entries.append(.operation(operation, operands: operands, result: result))
      return result
    }
  }

  /// Writes down a composite operation and returns its results, known to the tape.
  package func record(_ composite: any CompositeOperation, operands: [Tensor], results: [Tensor]) -> [Tensor] {
    for result in results { check?.lookForward(result, of: composite.name, operands, on: self) }
    return state.withLock { state in
      let first = state.entries.count
      state.entries.append(.composite(composite, operands: operands, resultCount: results.count))
      for _ in results.dropFirst() { state.entries.append(.result) }
      return results.enumerated().map { i, result in
        var result = result
        result.slot = TapeSlot(tape: number, index: first + i)
        return result
      }
    }
  }

  /// Cotangents of all places, from those given for some results, by walking back once. nil where nothing flows.
  ///
  /// Derivatives run outside the tape, so nothing is recorded meanwhile.
  package func cotangents(from seeds: [(Tensor, Tensor)]) -> [Tensor?] {
    let entries = entries
    var cotangents = [Tensor?](repeating: nil, count: entries.count)
    func add(_ value: Tensor, at index: Int) { cotangents[index] = cotangents[index].map { $0 + value } ?? value }
    func pass(_ parts: [Tensor?], to operands: [Tensor], from position: Int, of name: @autoclosure () -> String) {
      for (operand, part) in zip(operands, parts) {
        guard let part, let index = index(of: operand) else { continue }
        check?.lookBackward(part, of: operand, name(), entry: position, on: self)
        add(part, at: index)
        check?.lookBackward(cotangents[index] ?? part, of: operand, "a sum", entry: position, on: self)
      }
    }
    Recording.$current.withValue(.none) {
      for (result, seed) in seeds {
        guard let index = index(of: result) else { continue }
        add(seed, at: index)
      }
      for position in entries.indices.reversed() {
        switch entries[position] {
        case .leaf, .result: continue
        case .operation(let operation, let operands, let result):
          guard let g = cotangents[position] else { continue }
          let needed = operands.map { index(of: $0) != nil }
          let parts = operation.cotangents(
            operands.map(\.detached), result: result.detached, cotangent: g, needed: needed)
          pass(parts, to: operands, from: position, of: operation.name)
          cotangents[position] = nil
        case .composite(let composite, let operands, let count):
          let own = Array(cotangents[position..<position + count])
          guard own.contains(where: { $0 != nil }) else { continue }
          let needed = operands.map { index(of: $0) != nil }
          pass(composite.cotangents(own, needed: needed), to: operands, from: position, of: composite.name)
        }
      }
    }
    return cotangents
  }
}

extension Tensor {
  /// Computes (concrete), or adds a node (symbolic); the one way in which a tensor comes from others.
  package static func apply(_ operation: Operation, _ operands: [Tensor]) -> Tensor {
    let shape = operation.shape(operands.map(\.shape))
    for case .symbol(let symbol) in operands.lazy.map(\.content) {
      return symbol.trace.apply(operation, operands, shape: shape)
    }
    let storage = operation.evaluate(operands, shape: shape)
    if case .tape(let tape) = Recording.current {
      return tape.record(operation, operands, shape: shape, storage: storage)
    }
    return Tensor(shape: shape, storage: storage)
  }

  package func applying(_ operation: Operation) -> Tensor { Tensor.apply(operation, [self]) }
}
