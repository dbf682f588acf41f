import Recurrence
import Tensors

/// A cell whose recurrent weights have to stay within a limit, so that gradients over many time steps do not explode.
public protocol LimitedCell: RecurrentCell {
  /// Moves recurrent weights back within their limit for gradients over so many time steps; called after each update.
  func limitRecurrent(steps: Int)
}

extension IndRNN: LimitedCell {}

extension Module {
  /// Moves the recurrent weights of all cells in the module that have a limit back within it, wherever they are:
  /// ``LimitedCell/limitRecurrent(steps:)``. What trains a network calls it after each update.
  public func limitRecurrent(steps: Int) {
    for cell in recurrentCells(in: self) { (cell as? any LimitedCell)?.limitRecurrent(steps: steps) }
  }
}

/// The cells in a module, at any depth.
func recurrentCells(in value: Any) -> [any RecurrentCell] {
  if value is Parameter || value is Tensor { return [] }
  let own = (value as? any RecurrentCell).map { [$0] } ?? []
  if type(of: value) is AnyClass { return own }
  return own + Mirror(reflecting: value).children.flatMap { recurrentCells(in: $0.value) }
}
