import Recurrence
import Tensors

/// Gradients of a scalar with respect to parameters.
public struct Gradients: Sendable {
  private var values: [ObjectIdentifier: Tensor]

  package init(_ values: [ObjectIdentifier: Tensor] = [:]) { self.values = values }

  /// The gradient of a parameter, of its shape; nil when the scalar does not depend on it.
  public subscript(parameter: Parameter) -> Tensor? {
    get { values[ObjectIdentifier(parameter)] }
    set { values[ObjectIdentifier(parameter)] = newValue }
  }
}

/// Runs `body` and returns its scalar result with the gradients of all parameters that it read.
///
///     let (loss, gradients) = valueAndGradient(of: model) {
///       crossEntropy(model(batch), targets).mean()
///     }
///
/// Backpropagation through time happens here: a recurrence inside `body` is unrolled, and its tied weights' gradients
/// are summed over all time steps. Traps when the result is no scalar. A parameter of `model` that the result does not
/// depend on has no gradient.
public func valueAndGradient<Model: Module>(
  of model: Model, _ body: () throws -> Tensor
) rethrows -> (value: Float, gradients: Gradients) {
  try valueAndGradient(of: model, watching: nil, body)
}

/// The same, where `watch` sees the inside of all recurrences.
package func valueAndGradient<Model: Module>(
  of model: Model, watching watch: RecurrenceWatch?, _ body: () throws -> Tensor
) rethrows -> (value: Float, gradients: Gradients) {
  let tape = Tape()
  let result = try Recording.$current.withValue(.tape(tape)) {
    try RecurrenceWatch.$current.withValue(watch) { try body() }
  }
  demand(result.shape.count == 1, "a gradient is taken of a scalar, not of shape \(result.shape)")
  let cotangents = tape.cotangents(from: [(result, Tensor(shape: result.shape, repeating: 1))])
  watch?.take(cotangents, of: tape)
  let wanted = Set(model.parameters.map { ObjectIdentifier($0.parameter) })
  var gradients = Gradients()
  for (parameter, index) in tape.parameters where wanted.contains(ObjectIdentifier(parameter)) {
    gradients[parameter] = cotangents[index]
  }
  return (result.scalar, gradients)
}
