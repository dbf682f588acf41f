import Foundation
import Tensors

extension Growth {
  /// The bias that the share of the new begins with, and that of the reset gate.
  private static let (updateBias, resetBias) = (5.0, 2.0)

  /// Writes what a network of ``Elman`` cells has learnt into one of ``GRU`` cells of the same sizes, whose gates begin
  /// open: the candidate is the plain cell's step, h~ = tanh(W·[r * h, x] + b), with the columns of h divided by r, so
  /// that it is the same whatever r. The share of the new begins as z = σ(5) = 0.9933, so a step keeps 0.0067 of h
  /// beside 0.9933 of h~: this is the only difference, of at most 0.0134 a step and unit.
  ///
  /// The gates' weights begin as 0, their biases as 5 and 2; in the form `.resetAfter`, where z is the share of the
  /// old, as -5 and 2. Activations other than tanh are another function.
  ///
  /// - Returns: Whether it could be done. If not, nothing is written.
  @discardableResult
  public static func gate(_ old: any Module, into new: any Module) -> Bool {
    let known = Dictionary(old.parameters.map { ($0.path, $0.parameter.value) }) { first, _ in first }
    let all = new.parameters
    let paths = Set(all.map(\.path))
    var (values, used): ([Tensor], Set<String>) = ([], [])
    for named in all {
      if let same = known[named.path] {
        values.append(same)
        used.insert(named.path)
      } else {
        guard let cell = GatedCell(named.path, known, paths), let value = cell.value(of: named) else { return false }
        values.append(value)
        used.formUnion(cell.sources)
      }
    }
    guard used.count == known.count, zip(all, values).allSatisfy({ $0.parameter.shape == $1.shape }) else {
      return false
    }
    for (named, value) in zip(all, values) { named.parameter.value = value }
    return true
  }

  /// A GRU cell that a plain one becomes.
  private struct GatedCell {
    /// The plain cell's parameters.
    let sources: [String]
    private let weight, bias: Tensor
    /// Whether the reset gate stands after the product.
    private let isResetAfter: Bool

    init?(_ path: String, _ known: [String: Tensor], _ paths: Set<String>) {
      guard let middle = path.range(of: ".cell.") else { return nil }
      let cell = path[..<middle.upperBound]
      sources = [cell + "hidden.weight", cell + "hidden.bias"]
      guard let weight = known[sources[0]], let bias = known[sources[1]] else { return nil }
      (self.weight, self.bias) = (weight, bias)
      isResetAfter = paths.contains(cell + "recurrentCandidate.weight")
    }

    func value(of new: NamedParameter) -> Tensor? {
      let names = new.path.split(separator: ".").suffix(2)
      let (isWeight, shape, hidden) = (names.last == "weight", new.parameter.shape, bias.shape.count)
      switch names.first {
      case "update":
        let open = Float(isResetAfter ? -updateBias : updateBias)
        return isWeight ? .zeros(shape) : Tensor(shape: shape, repeating: open)
      case "reset": return isWeight ? .zeros(shape) : Tensor(shape: shape, repeating: Float(resetBias))
      case "candidate":
        return isWeight ? columns((isResetAfter ? hidden : 0)..<weight.shape.last) : bias
      case "recurrentCandidate": return isWeight ? columns(0..<hidden) : .zeros(shape)
      default: return nil
      }
    }

    /// Columns of the plain cell's weight, those of h divided by what the reset gate begins as.
    private func columns(_ range: Range<Int>) -> Tensor {
      let (values, width, hidden) = (weight.values, weight.shape.last, bias.shape.count)
      let reset = Float(1 / (1 + exp(-resetBias)))
      return Tensor(
        shape: [hidden, range.count],
        values: (0..<hidden).flatMap { row in
          range.map { values[row * width + $0] / ($0 < hidden ? reset : 1) }
        })
    }
  }
}
