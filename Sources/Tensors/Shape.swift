/// The extents of a tensor's axes, outermost first: `[time, batch, features]`.
///
/// A shape has at most four axes; a scalar has none.
///
///     let shape: Shape = [2, 3]
///     shape.count  // 6
public struct Shape: Hashable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
  /// Extents, outermost first. Every extent is at least 0.
  public let extents: [Int]

  /// Creates a shape. Traps when there are more than four axes or an extent is negative.
  public init(_ extents: [Int]) {
    demand(extents.count <= 4, "a tensor has at most 4 axes, not \(extents)")
    demand(extents.allSatisfy { $0 >= 0 }, "an extent is negative: \(extents)")
    self.extents = extents
  }

  /// Creates a shape from a literal.
  public init(arrayLiteral elements: Int...) { self.init(elements) }

  /// Number of axes.
  public var rank: Int { extents.count }
  /// Number of values: the product of the extents, 1 for a scalar.
  public var count: Int { extents.reduce(1, *) }
  /// Extent of an axis.
  public subscript(axis: Int) -> Int { extents[axis] }
  /// Extent of the innermost axis, 1 for a scalar.
  public var last: Int { extents.last ?? 1 }
  /// Product of all extents but the innermost.
  public var rows: Int { extents.dropLast().reduce(1, *) }
  /// For example `[2, 3]`.
  public var description: String { "[" + extents.map(String.init).joined(separator: ", ") + "]" }

  /// The shape with one axis changed.
  package func replacing(axis: Int, with extent: Int) -> Shape {
    var extents = extents
    extents[axis] = extent
    return Shape(extents)
  }
}

/// How one operand of an elementwise operation is laid over the result.
package enum Broadcast: Sendable {
  /// Same shape as the result.
  case full
  /// A suffix of the result's shape, repeated over the leading axes: a bias. A scalar is its simplest case.
  case suffix
  /// Extent 1 on the innermost axis, repeated over it.
  case column

  /// How `operand` fits `result`, or nil when it does not.
  package init?(_ operand: Shape, to result: Shape) {
    if operand == result {
      self = .full
    } else if operand.count == 1 || result.extents.suffix(operand.rank) == operand.extents[...] {
      self = .suffix
    } else if operand.rank == result.rank, operand.last == 1,
      operand.extents.dropLast() == result.extents.dropLast()
    {
      self = .column
    } else if operand.rank == result.rank, operand[0] == 1,
      operand.extents.dropFirst() == result.extents.dropFirst()
    {
      self = .suffix
    } else {
      return nil
    }
  }
}

extension Shape {
  /// The shape of an elementwise result, or nil when the shapes do not fit.
  package static func broadcast(_ a: Shape, _ b: Shape) -> Shape? {
    // One value fits everything, [1, 1] a vector [1] too: the matrix is the result.
    if b.rank > a.rank, Broadcast(a, to: b) != nil { return b }
    if Broadcast(b, to: a) != nil { return a }
    if Broadcast(a, to: b) != nil { return b }
    return nil
  }
}
