import Recurrence
import Tensors

/// The same as ``valueAndGradient(of:_:)``, with the gradient of a penalty that keeps gradients from vanishing and from
/// exploding on their way back through time, for any cell (Pascanu, Mikolov & Bengio 2013, On the difficulty of
/// training recurrent neural networks, equations 9 and 10).
///
///     let (loss, penalty, gradients) = valueAndGradient(of: model, preservingGradients: 1) {
///       crossEntropy(model(batch), targets).mean()
///     }
///
/// Each step of a recurrence multiplies what flows back with a Jacobian; the penalty is the mean over all time steps,
/// sequences and recurrent layers of how far that changes its length,
///
///     Ω = mean of (‖∂L/∂h_t · ∂h_t/∂h_{t-1}‖ / ‖∂L/∂h_t‖ - 1)²
///
/// where h is a layer's whole state: an LSTM's h and C; the first step of a sequence does not count. As in the paper
/// only the immediate derivative of Ω is used, that by the parameters of each step, with states, inputs and ∂L/∂h_t as
/// constants. The paper's network has weights of the state alone in its Jacobian; in others gates, biases and weights
/// of the input are in it too, and all are moved. Steps that no gradient reaches do not count. It all takes about three
/// times as long as the gradient of the loss alone.
///
/// - Parameters:
///   - model: The network.
///   - factor: What the penalty's gradient is multiplied with; `Examples/preserved-gradients` tries 1 and 4.
///   - body: Computes the loss.
/// - Returns: The loss without the penalty, the penalty Ω without its factor, and gradients of loss + factor · Ω.
public func valueAndGradient<Model: Module>(
  of model: Model, preservingGradients factor: Float, _ body: () throws -> Tensor
) rethrows -> (value: Float, penalty: Double, gradients: Gradients) {
  let parameters = model.parameters
  let watch = RecurrenceWatch(of: parameters, followsFlow: true)
  var (value, gradients) = try valueAndGradient(of: model, watching: watch, body)
  let penalty = gradients.addFlowPenalty(of: watch.observations, factor: factor, to: parameters)
  return (value, penalty, gradients)
}

extension Gradients {
  /// Adds the gradient of a penalty on what recurrences do to gradients, and returns the penalty without its factor.
  package mutating func addFlowPenalty(
    of observations: [RecurrenceObservation], factor: Float, to parameters: [NamedParameter]
  ) -> Double {
    var penalty = FlowPenalty()
    for seen in observations { penalty.add(seen) }
    let wanted = Set(parameters.map { ObjectIdentifier($0.parameter) })
    let scale = factor / Float(max(1, penalty.steps))
    for (parameter, gradient) in penalty.gradients where wanted.contains(ObjectIdentifier(parameter)) {
      self[parameter] = self[parameter].map { $0 + scale * gradient } ?? scale * gradient
    }
    return penalty.mean
  }
}

extension RecurrenceWatch {
  /// A watch that calls parameters by their paths in the network.
  package convenience init(of parameters: [NamedParameter], followsFlow: Bool = false) {
    self.init(
      names: Dictionary(
        parameters.map { (ParameterReference($0.parameter), $0.path) }, uniquingKeysWith: { first, _ in first }),
      followsFlow: followsFlow)
  }
}
