import Tensors

/// A value of a step as a sum of multiples of the state, taken apart symbolically:
///
///     h + z * (n - h)        is       (1 - z) * h  +  z * n
///                                     coefficient     rest
///
/// Taken apart are sums, differences, products with something that holds no multiple of the state, and
/// `scale · a + offset`. Everything else is one piece, which may well depend on the state, as a gate σ(U·h) does:
/// whether coefficients and rest need the state is a second question (``needsState``). Multiples of several parts come
/// apart as well, so a state of two parts that turn into each other has a small matrix of coefficients.
///
/// Coefficients and rest are symbols of the value's own trace. Shapes follow the rules of broadcasting.
package struct AffineInState {
  /// A coefficient or a rest: a number where it is the same everywhere.
  package enum Factor {
    case number(Float)
    case value(Tensor)
  }
  /// A multiple of one part of the state before the step (in an adjoint: of its cotangent).
  package struct Term {
    package let part: Int
    package let state: Tensor
    package fileprivate(set) var coefficient: Factor
  }

  /// At most one for each part of the state, in the order of the parts; none: nothing is linear in the state.
  package let terms: [Term]
  /// What is added to them; the number 0 for nothing.
  package let rest: Factor

  /// Takes apart a symbolic tensor; into multiples of one part of the state alone, where it is given: what other parts
  /// have in it are pieces then.
  package init(of value: Tensor, part: Int? = nil) {
    var builder = Builder(part: part)
    self = builder.takeApart(value)
  }

  fileprivate init(terms: [Term], rest: Factor) {
    self.terms = terms
    self.rest = rest
  }

  fileprivate init(piece: Tensor) { self.init(terms: [], rest: .value(piece)) }

  /// Whether a coefficient or the rest depends on the state before the step.
  package var needsState: Bool {
    var seen: Set<Int> = []
    func needs(_ tensor: Tensor) -> Bool {
      guard let node = tensor.node, seen.insert(node).inserted else { return false }
      return tensor.statePart != nil || tensor.origin?.operands.contains(where: needs) == true
    }
    return (terms.map(\.coefficient) + [rest]).contains { factor in
      if case .value(let tensor) = factor { needs(tensor) } else { false }
    }
  }

  private struct Builder {
    /// The only part whose multiples are looked for; nil: any.
    let part: Int?
    /// What nodes are made of, by number: a value that several others read is taken apart once.
    private var known: [Int: AffineInState] = [:]

    init(part: Int?) { self.part = part }

    mutating func takeApart(_ value: Tensor) -> AffineInState {
      guard let node = value.node else { return AffineInState(piece: value) }
      if let known = known[node] { return known }
      let sum = sum(value)
      // Without a multiple of the state there is nothing to gain from smaller pieces.
      let result = sum.terms.isEmpty ? AffineInState(piece: value) : sum
      known[node] = result
      return result
    }

    private mutating func sum(_ value: Tensor) -> AffineInState {
      if let part = value.statePart, self.part == nil || part == self.part {
        let term = Term(part: part, state: value, coefficient: .number(1))
        return AffineInState(terms: [term], rest: .number(0))
      }
      guard let (operation, operands) = value.origin, case .pointwise(let pointwise) = operation else {
        return AffineInState(piece: value)
      }
      switch pointwise {
      case .add: return takeApart(operands[0]).adding(takeApart(operands[1]), +)
      case .subtract: return takeApart(operands[0]).adding(takeApart(operands[1]), -)
      case .affine(let scale, let offset):
        let scaled = takeApart(operands[0]).times(.number(scale))
        return AffineInState(terms: scaled.terms, rest: scaled.rest + .number(offset))
      case .multiply:
        let (a, b) = (takeApart(operands[0]), takeApart(operands[1]))
        if b.terms.isEmpty { return a.times(b.rest) }
        if a.terms.isEmpty { return b.times(a.rest) }
        return AffineInState(piece: value)
      default: return AffineInState(piece: value)
      }
    }
  }

  private func times(_ factor: Factor) -> AffineInState {
    let terms = terms.map { Term(part: $0.part, state: $0.state, coefficient: $0.coefficient * factor) }
    return AffineInState(terms: terms, rest: rest * factor)
  }

  /// The sum or the difference of two sums.
  private func adding(_ other: AffineInState, _ combine: (Factor, Factor) -> Factor) -> AffineInState {
    var terms = terms
    for term in other.terms {
      if let own = terms.firstIndex(where: { $0.part == term.part }) {
        terms[own].coefficient = combine(terms[own].coefficient, term.coefficient)
      } else {
        let coefficient = combine(.number(0), term.coefficient)
        terms.append(Term(part: term.part, state: term.state, coefficient: coefficient))
      }
    }
    return AffineInState(terms: terms.sorted { $0.part < $1.part }, rest: combine(rest, other.rest))
  }
}

extension AffineInState.Factor {
  static func + (a: Self, b: Self) -> Self {
    switch (a, b) {
    case (.number(let x), .number(let y)): .number(x + y)
    case (.number(let x), .value(let tensor)), (.value(let tensor), .number(let x)): .value(tensor.affine(1, x))
    case (.value(let x), .value(let y)): .value(x + y)
    }
  }

  static func - (a: Self, b: Self) -> Self {
    if case (.value(let x), .value(let y)) = (a, b) { return .value(x - y) }
    return a + b * .number(-1)
  }

  static func * (a: Self, b: Self) -> Self {
    switch (a, b) {
    case (.number(let x), .number(let y)): .number(x * y)
    case (.number(0), _), (_, .number(0)): .number(0)
    case (.number(let x), .value(let tensor)), (.value(let tensor), .number(let x)): .value(tensor.affine(x, 0))
    case (.value(let x), .value(let y)): .value(x * y)
    }
  }
}

extension Tensor {
  /// The part of the state that a symbol is: before the step, or of the cotangents behind it.
  fileprivate var statePart: Int? {
    guard case .symbol(let symbol) = content else { return nil }
    switch symbol.trace.nodes[symbol.node].source {
    case .leaf(.state(let part)), .leaf(.stateCotangent(let part)): return part
    default: return nil
    }
  }

  /// scale · self + offset as one operation at most.
  fileprivate func affine(_ scale: Float, _ offset: Float) -> Tensor {
    if (scale, offset) == (1, 0) { return self }
    if let origin, case .pointwise(.affine(let first, let start)) = origin.operation {
      return origin.operands[0].affine(scale * first, scale * start + offset)
    }
    return applying(.pointwise(.affine(scale: scale, offset: offset)))
  }
}
