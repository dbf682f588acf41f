import Tensors

/// Growing a network so that it goes on computing what it did: what a small one has learnt is where the large one
/// begins (Net2Net, Chen, Goodfellow & Shlens 2016; network morphism, Wei et al. 2016).
///
/// A growth writes into the parameters of a new network, which has the values that a training begins with. It does not
/// know a network's equations. ``widen(_:into:along:from:to:)`` and ``deepen(_:into:)`` keep the function where units
/// act one by one between products, as in most cells; where they do not (layer normalisation takes a mean over the
/// units) it is lost, and comparing both networks on an example tells.
public enum Growth {
  /// Writes what a network has learnt into a wider one. New units read by weights that are the new network's own, and
  /// nobody reads them yet: these weights are 0, and learn at once, as the new units' values are none.
  ///
  /// A matrix reads along its last axis, and so does the score of an ``Attention``; a table of ``Embedding`` reads none
  /// of its vectors' values, unless it is the weight of a ``Linear`` layer too.
  ///
  ///     Growth.widen(small, into: large, along: axes, from: [16, 8], to: [32, 16])
  ///
  /// - Parameters:
  ///   - old: The network that has learnt.
  ///   - new: One of the same kind and greater widths, with new values.
  ///   - axes: What the axes of both are made of.
  ///   - before: The old widths.
  ///   - after: The new ones, none smaller.
  /// - Returns: Whether it could be done: both have the same parameters, of such axes. If not, nothing is written.
  @discardableResult
  public static func widen(
    _ old: any Module, into new: any Module, along axes: UnitAxes, from before: [Int], to after: [Int]
  ) -> Bool {
    guard zip(before, after).allSatisfy({ $0 <= $1 }) else { return false }
    let (small, large) = (old.parameters, new.parameters)
    guard small.map(\.path) == large.map(\.path) else { return false }
    let tables = Set(parts(of: new, as: Embedding.self).map { ObjectIdentifier($0.table) })
      .subtracting(parts(of: new, as: Linear.self).map { ObjectIdentifier($0.weight) })
    let scores = Set(parts(of: new, as: Attention.self).compactMap { $0.score.map(ObjectIdentifier.init) })
    var values: [Tensor] = []
    for (from, to) in zip(small, large) {
      guard let own = axes.axes(of: from, at: before), axes.axes(of: to, at: after) == own, (1...2).contains(own.count)
      else { return false }
      let origins = own.map { $0.origins(from: before, to: after) }
      let id = ObjectIdentifier(to.parameter)
      let reads = own.count == 2 ? !tables.contains(id) : scores.contains(id)
      values.append(widened(from.parameter.value, to.parameter.value, origins, reads: reads))
    }
    for (named, value) in zip(large, values) { named.parameter.value = value }
    return true
  }

  private static func widened(_ old: Tensor, _ new: Tensor, _ origins: [[Int?]], reads: Bool) -> Tensor {
    let (known, columns) = (old.values, origins[origins.count - 1])
    var values = new.values
    for (row, origin) in (origins.count == 2 ? origins[0] : [0]).enumerated() {
      guard let origin else { continue }
      for (column, source) in columns.enumerated() {
        let place = row * columns.count + column
        if let source {
          values[place] = known[origin * old.shape.last + source]
        } else if reads {
          values[place] = 0
        }
      }
    }
    return Tensor(shape: new.shape, values: values)
  }

  private static func parts<Part>(of value: Any, as type: Part.Type) -> [Part] {
    if let part = value as? Part { return [part] }
    if value is Parameter || value is Tensor || Swift.type(of: value) is AnyClass { return [] }
    return Mirror(reflecting: value).children.flatMap { parts(of: $0.value, as: type) }
  }
}
