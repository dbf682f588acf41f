import Recurrence

/// A cell whose recurrent weights have to stay within a limit, so that gradients over many time steps do not explode.
public protocol LimitedCell: RecurrentCell {
  /// Moves recurrent weights back within their limit for gradients over so many time steps; called after each update.
  func limitRecurrent(steps: Int)
}

extension IndRNN: LimitedCell {}

extension Module {
  /// Moves the recurrent weights of all cells in the module that have a limit back within it, wherever they are:
  /// ``LimitedCell/limitRecurrent(steps:)``. What trains a network calls it after each update.
  public func limitRecurrent(steps: Int) { limitCells(in: self, steps: steps) }
}

private func limitCells(in value: Any, steps: Int) {
  if let cell = value as? any LimitedCell { return cell.limitRecurrent(steps: steps) }
  if type(of: value) is AnyClass { return }
  for child in Mirror(reflecting: value).children { limitCells(in: child.value, steps: steps) }
}
