import Synchronization

/// Looks for the first number of a computation that is not finite, and where it came about: in which operation, of
/// which row, in which step of a recurrence, on the way forwards or back.
///
///     let check = FiniteCheck()
///     let tape = Tape(checking: check)
///     … record on the tape, walk it back …
///     check.finding?.operation   // "squareRoot"
///
/// It looks at every value, so it is for a second run of what went wrong. On a tape that has one, recurrences run
/// stepwise: a compiled one is a single entry.
package final class FiniteCheck: Sendable {
  /// Where the first such number came about.
  package struct Finding: Sendable {
    package let operation: String
    package let isBackward: Bool
    /// The number: a NaN or an infinity.
    package let value: Float
    /// Whether no operation made it: it was among the data, or a parameter's values.
    package let isGiven: Bool
    /// The parameter that the value is, or is the gradient of; else the nearest one behind the operation.
    package let parameter: Parameter?
    /// Whether the value is the parameter's, or its gradient's.
    package let isParameter: Bool
    /// The row of the value, where values have rows that belong to sequences.
    package fileprivate(set) var row: Int?
    /// The time step, in the order in which the recurrence walks, and the sequence of the batch.
    package fileprivate(set) var place: Place?
    fileprivate let rows: Int
  }

  /// A time step of a sequence.
  package struct Place: Sendable, Hashable {
    package let step: Int
    package let sequence: Int

    package init(step: Int, sequence: Int) {
      self.step = step
      self.sequence = sequence
    }
  }

  private struct State {
    var finding: Finding?
    /// From which entry of the tape on a step runs, and its sequences; nil: none does.
    var steps: [(entry: Int, step: (number: Int, sequences: [Int])?)] = []
    /// What packed rows of so many belong to.
    var packed: [Int: [Place]] = [:]
  }
  private let state = Mutex(State())

  package init() {}

  /// What was found; nil: all numbers are finite. Ask when the computation is over: rows of packed sequences are told
  /// apart by recurrences that may come later.
  package var finding: Finding? {
    state.withLock { state in
      guard var finding = state.finding else { return nil }
      if finding.place == nil, let row = finding.row, let places = state.packed[finding.rows] {
        finding.place = places[row]
      }
      return finding
    }
  }

  private var isDone: Bool { state.withLock { $0.finding != nil } }

  // MARK: What recurrences tell

  /// A step runs from now on, with a row for each of these sequences.
  package func enter(step: Int, sequences: [Int], on tape: Tape) {
    state.withLock { $0.steps.append((tape.entryCount, (step, sequences))) }
  }

  /// No step runs any more.
  package func leave(on tape: Tape) { state.withLock { $0.steps.append((tape.entryCount, nil)) } }

  /// Packed rows belong to these time steps and sequences.
  package func know(packed places: [Place]) { state.withLock { $0.packed[places.count] = places } }

  // MARK: What a tape shows

  func lookForward(_ result: Tensor, of operation: String, _ operands: [Tensor], on tape: Tape) {
    guard !isDone, let index = result.firstNotFinite else { return }
    let given = operands.lazy.compactMap { operand in operand.firstNotFinite.map { (operand, $0) } }.first
    let (tensor, place) = given ?? (result, index)
    let own = given.flatMap { tape.parameter(at: $0.0) }
    note(
      tensor, place, operation, isBackward: false, isGiven: given != nil,
      parameter: own ?? tape.nearestParameter(behind: operands), isParameter: own != nil, entry: tape.entryCount)
  }

  func lookBackward(_ cotangent: Tensor, of operand: Tensor, _ operation: String, entry: Int, on tape: Tape) {
    guard !isDone, let index = cotangent.firstNotFinite else { return }
    let own = tape.parameter(at: operand)
    note(
      cotangent, index, operation, isBackward: true, isGiven: false,
      parameter: own ?? tape.nearestParameter(behind: tape.operands(of: entry)), isParameter: own != nil, entry: entry)
  }

  private func note(
    _ tensor: Tensor, _ index: Int, _ operation: String, isBackward: Bool, isGiven: Bool, parameter: Parameter?,
    isParameter: Bool, entry: Int
  ) {
    let rows = !isParameter && tensor.shape.rank > 0 ? tensor.shape[0] : 0
    let row = rows > 0 ? index / (tensor.shape.count / rows) : nil
    state.withLock { state in
      let step = state.steps.last { $0.entry <= entry }?.step
      let place = step.flatMap { step in
        row.flatMap { step.sequences.count == rows ? Place(step: step.number, sequence: step.sequences[$0]) : nil }
      }
      state.finding = Finding(
        operation: operation, isBackward: isBackward, value: tensor.storage.floats[index], isGiven: isGiven,
        parameter: parameter, isParameter: isParameter, row: row, place: place, rows: rows)
    }
  }
}

extension Tensor {
  /// Where its first value is that is no finite number.
  fileprivate var firstNotFinite: Int? { storage.buffer.prefix(shape.count).firstIndex { !$0.isFinite } }
}

extension Tape {
  /// The parameter that a tensor is on this tape.
  fileprivate func parameter(at tensor: Tensor) -> Parameter? {
    index(of: tensor).flatMap { index in parameters.first { $0.index == index }?.parameter }
  }

  fileprivate func operands(of entry: Int) -> [Tensor] {
    let entries = entries
    // A composite's results after the first have no operands of their own.
    let first = entries[...entry].lastIndex { if case .result = $0 { false } else { true } } ?? entry
    switch entries[first] {
    case .leaf, .result: return []
    case .operation(_, let operands, _), .composite(_, let operands, _): return operands
    }
  }

  /// The parameter that the fewest operations stand between.
  fileprivate func nearestParameter(behind operands: [Tensor]) -> Parameter? {
    let known = Dictionary(parameters.map { ($0.index, $0.parameter) }, uniquingKeysWith: { first, _ in first })
    var seen: Set<Int> = []
    var front = operands.compactMap(index)
    while !front.isEmpty {
      if let found = front.lazy.compactMap({ known[$0] }).first { return found }
      seen.formUnion(front)
      front = front.flatMap { self.operands(of: $0) }.compactMap(index).filter { seen.insert($0).inserted }
    }
    return nil
  }
}
