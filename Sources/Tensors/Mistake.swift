/// Stops the program because of a programmer's mistake: says what is wrong, where in the source, and in which layer.
///
///     guard let shape = Shape.broadcast(a, b) else { mistake("add: \(a) and \(b) do not fit") }
///
/// The standard library's `precondition` is silent in release builds; this is not.
@inline(never)
@usableFromInline
package func mistake(
  _ message: @autoclosure () -> String, file: StaticString = #fileID, line: UInt = #line
) -> Never {
  let place = LayerPath.current.isEmpty ? "" : " (in layer `\(LayerPath.current)`)"
  fatalError(message() + place, file: file, line: line)
}

/// Stops the program with ``mistake(_:file:line:)`` unless a condition holds. The message is made only then.
@inlinable
@inline(__always)
package func demand(
  _ condition: Bool, _ message: @autoclosure () -> String, file: StaticString = #fileID, line: UInt = #line
) {
  if _fastPath(condition) { return }
  mistake(message(), file: file, line: line)
}
