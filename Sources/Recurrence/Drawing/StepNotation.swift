import Tensors

/// Writes the nodes of a step's graph as a textbook does: `σ(forget.weight·[h, x] + forget.bias)`.
struct StepNotation {
  let graph: StepGraph
  let names: StepNames
  /// Nodes that are written by name, and not by what they are computed from.
  var known: [Int: String] = [:]

  private enum Strength: Int, Comparable {
    case sum, product, atom
    static func < (a: Self, b: Self) -> Bool { a.rawValue < b.rawValue }
  }

  /// The node by its name, or by its expression if it has none.
  func name(_ node: Int) -> String { known[node] ?? expression(node) }

  /// What the node is computed from.
  func expression(_ node: Int) -> String { write(node).text }

  private func operand(_ node: Int, in place: Strength) -> String {
    if let name = known[node] { return name }
    let (text, strength) = write(node)
    return strength < place ? "(\(text))" : text
  }

  private func write(_ node: Int) -> (text: String, strength: Strength) {
    switch graph.nodes[node].source {
    case .leaf(let leaf): return (self.leaf(leaf), .atom)
    case .operation(let operation, let operands):
      switch operation {
      case .pointwise(let pointwise): return write(pointwise, operands)
      case .product(let transposeA, let transposeB):
        return (product(operands[0], operands[1], transposeA, transposeB), .product)
      case .rowMatrices(let kind):
        return (kind.notation(operand(operands[0], in: .atom), operand(operands[1], in: .atom)), .product)
      case .concatenate(let along):
        let separator = along == .rows && !graph.hasRows[node] ? "; " : ", "
        return ("[" + operands.map(name).joined(separator: separator) + "]", .atom)
      case .slice(let along, let from, let to):
        return (operand(operands[0], in: .atom) + slice(along, from, to, of: operands[0]), .atom)
      case .reduce: return ("sum(\(name(operands[0])))", .atom)
      case .broadcast, .reshape: return (operand(operands[0], in: .atom), .atom)
      default: return ("\(operation.name)(" + operands.map(name).joined(separator: ", ") + ")", .atom)
      }
    }
  }

  private func leaf(_ leaf: Leaf) -> String {
    switch leaf {
    case .input(let index): names.input(index)
    case .state(let index): names.symbol(index)
    case .parameter(let reference): names.parameter(reference)
    case .constant(let index): graph.number(ofConstant: index) ?? leaf.name
    default: leaf.name
    }
  }

  /// In the textbook's order, weights first: values are columns there, and rows here.
  private func product(_ a: Int, _ b: Int, _ transposeA: Bool, _ transposeB: Bool) -> String {
    if graph.hasRows[a], !graph.hasRows[b], !transposeA {
      return operand(b, in: .atom) + (transposeB ? "·" : "ᵀ·") + operand(a, in: .atom)
    }
    return operand(a, in: .atom) + (transposeA ? "ᵀ" : "") + "·" + operand(b, in: .atom) + (transposeB ? "ᵀ" : "")
  }

  func slice(_ along: Along, _ from: Int, _ to: Int, of node: Int) -> String {
    let range = "\(from)..<\(to)"
    if graph.nodes[node].shape.rank < 2 || graph.hasRows[node] { return "[\(range)]" }
    return along == .rows ? "[\(range), :]" : "[:, \(range)]"
  }

  private func write(_ operation: Pointwise, _ operands: [Int]) -> (String, Strength) {
    func a(_ place: Strength) -> String { operand(operands[0], in: place) }
    func b(_ place: Strength) -> String { operand(operands[1], in: place) }
    switch operation {
    case .add: return ("\(a(.sum)) + \(b(.sum))", .sum)
    case .subtract: return ("\(a(.sum)) − \(b(.product))", .sum)
    case .multiply: return ("\(a(.product)) × \(b(.product))", .product)
    case .divide: return ("\(a(.product)) / \(b(.atom))", .product)
    case .affine(let scale, let offset): return affine(scale, offset, operands[0])
    case .square: return ("\(a(.atom))²", .atom)
    case .reciprocal: return ("1 / \(a(.atom))", .product)
    default: return ("\(operation.symbol)(" + operands.map(name).joined(separator: ", ") + ")", .atom)
    }
  }

  private func affine(_ scale: Float, _ offset: Float, _ node: Int) -> (String, Strength) {
    if scale == -1, offset != 0 { return ("\(offset.short) − \(operand(node, in: .product))", .sum) }
    let scaled =
      scale == 1
      ? operand(node, in: .sum)
      : scale == -1 ? "−\(operand(node, in: .product))" : "\(scale.short) × \(operand(node, in: .product))"
    if offset == 0 { return (scaled, scale == 1 ? .sum : .product) }
    return (offset < 0 ? "\(scaled) − \((-offset).short)" : "\(scaled) + \(offset.short)", .sum)
  }
}

extension Pointwise {
  /// The textbook's sign.
  var symbol: String {
    switch self {
    case .add: "+"
    case .subtract: "−"
    case .multiply: "×"
    case .divide: "÷"
    case .maximum: "max"
    case .sigmoid: "σ"
    case .square: "( )²"
    case .squareRoot: "√"
    case .reciprocal: "1/"
    case .affine(let scale, let offset): Self.affineSymbol(scale, offset)
    case .tanhGradient: "tanh′"
    case .sigmoidGradient: "σ′"
    case .reluGradient: "relu′"
    case .cosine: "cos"
    case .exp, .log, .tanh, .relu: "\(self)"
    }
  }

  private static func affineSymbol(_ scale: Float, _ offset: Float) -> String {
    if scale == -1 { return offset == 0 ? "−" : "\(offset.short) −" }
    let factor = scale == 1 ? "" : "\(scale.short) ×"
    if offset == 0 { return factor.isEmpty ? "=" : factor }
    let term = offset < 0 ? "− \((-offset).short)" : "+ \(offset.short)"
    return factor.isEmpty ? term : "\(factor) \(term)"
  }

  var isFunction: Bool {
    switch self {
    case .exp, .log, .tanh, .sigmoid, .relu, .square, .squareRoot, .reciprocal, .cosine, .tanhGradient,
      .sigmoidGradient, .reluGradient:
      true
    case .add, .subtract, .multiply, .divide, .maximum, .affine: false
    }
  }
}

extension StepGraph {
  /// The number that a constant is; nil when its values differ.
  func number(ofConstant index: Int) -> String? {
    guard constants.indices.contains(index), let first = constants[index].values.first,
      constants[index].values.allSatisfy({ $0 == first })
    else { return nil }
    return first < 0 ? "−\((-first).short)" : first.short
  }
}

extension Float {
  /// Without `.0`.
  fileprivate var short: String {
    let text = "\(self)"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}

extension RowMatrices {
  /// As a textbook writes it for one row.
  fileprivate func notation(_ a: String, _ b: String) -> String {
    switch self {
    case .timesVectors: "\(a)·\(b)"
    case .vectorsTimes: "\(a)ᵀ·\(b)"
    case .outer: "\(a)·\(b)ᵀ"
    }
  }
}
