extension Operation {
  /// The derivative rule: cotangents of the operands from the operands, the result and its cotangent, written in
  /// operations, so that it serves values on a tape and symbols in a step's graph alike. `needed` says which are
  /// wanted.
  package func cotangents(_ operands: [Tensor], result: Tensor, cotangent g: Tensor, needed: [Bool]) -> [Tensor?] {
    func when(_ i: Int, _ value: @autoclosure () -> Tensor) -> Tensor? { needed[i] ? value() : nil }
    let a = operands[0]
    switch self {
    case .pointwise(let operation):
      return Self.pointwise(operation, operands, result, g, needed)
    case .product(let transposeA, let transposeB):
      let b = operands[1]
      switch (transposeA, transposeB) {
      case (false, false): return [when(0, multiply(g, b, false, true)), when(1, multiply(a, g, true, false))]
      case (false, true): return [when(0, multiply(g, b, false, false)), when(1, multiply(g, a, true, false))]
      case (true, false): return [when(0, multiply(b, g, false, true)), when(1, multiply(a, g, false, false))]
      case (true, true): return [when(0, multiply(b, g, true, true)), when(1, multiply(g, a, true, true))]
      }
    case .rowMatrices(let kind): return kind.cotangents(a, operands[1], g, needed)
    case .concatenate(let along):
      var from = 0
      return operands.enumerated().map { i, operand in
        let extent = operand.shape[along.axis(in: operand.shape)]
        defer { from += extent }
        return when(i, g.applying(.slice(along, from: from, to: from + extent)))
      }
    case .slice(let along, let from, _):
      return [g.applying(.pad(along, from: from, extent: a.shape[along.axis(in: a.shape)]))]
    case .pad(let along, let from, _):
      return [g.applying(.slice(along, from: from, to: from + a.shape[along.axis(in: a.shape)]))]
    case .reduce: return [g.applying(.broadcast(to: a.shape))]
    case .broadcast: return [g.reduced(to: a.shape)]
    case .reshape: return [g.applying(.reshape(a.shape))]
    case .gather(let indices): return [g.applying(.scatter(indices, rows: a.shape[0]))]
    case .scatter(let indices, _): return [g.applying(.gather(indices))]
    case .softmax:
      let weighted = g * result
      return [weighted - result * weighted.applying(.reduce(to: a.shape.column))]
    case .logSoftmax:
      return [g - exp(result) * g.applying(.reduce(to: a.shape.column))]
    case .crossEntropy(let targets):
      return [Tensor.apply(.crossEntropyGradient(targets), [a.applying(.softmax), g])]
    case .normalize(let epsilon): return [Tensor.apply(.normalizeGradient(epsilon: epsilon), [a, g])]
    case .normalizeGradient(let epsilon): return Self.normalizeGradient(operands, result, g, epsilon, needed)
    case .crossEntropyGradient: mistake("the second derivative of crossEntropy is not provided")
    }
  }

  private func multiply(_ a: Tensor, _ b: Tensor, _ transposeA: Bool, _ transposeB: Bool) -> Tensor {
    Tensor.apply(.product(transposeA: transposeA, transposeB: transposeB), [a, b])
  }

  private static func pointwise(
    _ operation: Pointwise, _ operands: [Tensor], _ y: Tensor, _ g: Tensor, _ needed: [Bool]
  ) -> [Tensor?] {
    let a = operands[0]
    let b = operands.last!
    func first(_ value: @autoclosure () -> Tensor) -> Tensor? { needed[0] ? value().reduced(to: a.shape) : nil }
    func second(_ value: @autoclosure () -> Tensor) -> Tensor? { needed[1] ? value().reduced(to: b.shape) : nil }
    func gradient(_ operation: Pointwise, _ g: Tensor) -> Tensor { Tensor.apply(.pointwise(operation), [y, g]) }
    switch operation {
    case .add: return [first(g), second(g)]
    case .subtract: return [first(g), second(-g)]
    case .multiply: return [first(g * b), second(g * a)]
    case .divide: return [first(g / b), second(-(g * y) / b)]
    case .maximum:
      // max(a, b) = b + relu(a - b)
      let above = Tensor.apply(.pointwise(.reluGradient), [a - b, g])
      return [first(above), second(g - above)]
    case .affine(let scale, _): return [first(scale * g)]
    case .exp: return [first(g * y)]
    case .log: return [first(g / a)]
    case .tanh: return [first(gradient(.tanhGradient, g))]
    case .sigmoid: return [first(gradient(.sigmoidGradient, g))]
    case .relu: return [first(gradient(.reluGradient, g))]
    case .square: return [first(2 * (g * a))]
    case .squareRoot: return [first(0.5 * (g / y))]
    case .reciprocal: return [first(-(g * square(y)))]
    case .cosine: return [first(-(g * sin(a)))]
    case .tanhGradient: return [first(-2 * (a * (b * g))), second((1 - square(a)) * g)]
    case .sigmoidGradient: return [first((1 - 2 * a) * (b * g)), second((a - square(a)) * g)]
    case .reluGradient:
      return [nil, second(Tensor.apply(.pointwise(.reluGradient), [a, g]))]
    }
  }
}

extension Shape {
  /// The shape with one value for each innermost row.
  fileprivate var column: Shape { replacing(axis: rank - 1, with: 1) }
}
