import CKernels
import Foundation
import Interchange
import Networks
import Tensors

/// Moves parameters along their gradients, and keeps what its rule remembers between updates.
///
///     var optimizer = Optimizer(.adam())
///     let (loss, gradients) = valueAndGradient(of: model) { … }
///     optimizer.update(model.parameters, with: gradients, learningRate: 0.002)
///
/// A value: a copy goes on by itself. Its memory is kept by parameter path, so that it fits a model that was built
/// anew. A parameter without a gradient stays as it is, with its memory; Adam's correction counts the optimiser's
/// updates, not the parameter's. The result does not depend on the number of threads.
public struct Optimizer: Sendable {
  /// The rule and its settings.
  public let rule: UpdateRule
  /// Parameters with settings of their own.
  public let groups: [ParameterGroup]
  /// Number of updates made.
  public private(set) var updateCount = 0
  /// Tensors by `slot/path`.
  private var memory: [String: Tensor] = [:]

  /// An optimiser that has made no update.
  public init(_ rule: UpdateRule, groups: [ParameterGroup] = []) {
    self.rule = rule
    self.groups = groups
  }

  /// Updates all parameters that have a gradient, in one pass over each. Those of a group whose learning rate is 0 stay
  /// as they are, with their memory.
  ///
  /// - Parameters:
  ///   - parameters: Parameters with the paths that their memory is kept by.
  ///   - gradients: Gradients of the parameters' shapes; others trap.
  ///   - learningRate: The factor of the step.
  ///   - gradientScale: What every gradient is multiplied with first; from ``Clipping/clip(_:of:)``.
  public mutating func update(
    _ parameters: [NamedParameter], with gradients: Gradients, learningRate: Float, gradientScale: Float = 1
  ) {
    updateCount += 1
    for named in parameters {
      let group = groups.first(of: named.path)
      guard let gradient = gradients[named.parameter], group?.learningRate != 0 else { continue }
      let shape = named.parameter.shape
      demand(
        gradient.shape == shape,
        "\(named.path): a gradient of shape \(gradient.shape) for a parameter of shape \(shape)")
      var tensors = rule.slots.map { memory.removeValue(forKey: "\($0)/\(named.path)") ?? .zeros(shape) }
      step(
        named.parameter, gradient, &tensors, decay: group?.weightDecay ?? rule.weightDecay.amount(for: shape),
        learningRate: learningRate * (group?.learningRate ?? 1), gradientScale: gradientScale)
      for (slot, tensor) in zip(rule.slots, tensors) { memory["\(slot)/\(named.path)"] = tensor }
    }
  }

  private func step(
    _ parameter: Parameter, _ gradient: Tensor, _ tensors: inout [Tensor], decay: Float, learningRate: Float,
    gradientScale: Float
  ) {
    let slots = tensors.indices.map { slot in tensors[slot].withMutableFloats { $0.baseAddress! } }
    let table = Kernels.active.table
    let g = gradient.storage.floats
    parameter.update { buffer in
      guard let w = buffer.baseAddress else { return }
      switch rule {
      case .sgd(let momentum, let nesterov, _):
        inParts(buffer.count) { i, count in
          table.pointee.sgd(
            count, w + i, g + i, slots.first.map { $0 + i }, gradientScale, learningRate, momentum, nesterov, decay)
        }
      case .adam(let beta1, let beta2, let epsilon, _), .adamW(let beta1, let beta2, let epsilon, _):
        let (coupled, decoupled) = rule.couplesDecay ? (decay, 0) : (0, decay)
        let correction1 = correction(beta1)
        let correction2 = correction(beta2)
        inParts(buffer.count) { i, count in
          table.pointee.adam(
            count, w + i, g + i, slots[0] + i, slots[1] + i, gradientScale, learningRate, beta1, beta2, epsilon,
            correction1, correction2, coupled, decoupled)
        }
      }
    }
  }

  /// 1 / (1 - beta^n): the mean of n values that began at zero, made whole.
  private func correction(_ beta: Float) -> Float {
    Float(1 / (1 - pow(Double(beta), Double(updateCount))))
  }

  // Parts begin at multiples of 1024 values, so that a kernel's vectors and tail fall on the same values however many
  // threads there are.
  private func inParts(_ count: Int, _ body: (_ first: Int, _ count: Int) -> Void) {
    parallelRanges(count, grain: 1 << 14, multiple: 1024) { body($0.lowerBound, $0.count) }
  }
}

extension UpdateRule {
  fileprivate var couplesDecay: Bool {
    if case .adamW = self { false } else { true }
  }
}

extension Optimizer {
  /// What the optimiser remembers, as named tensors `slot/path`, in the order of their names; the rest is
  /// ``updateCount``.
  public var state: [(name: String, tensor: Tensor)] {
    memory.sorted { $0.key < $1.key }.map { (name: $0.key, tensor: $0.value) }
  }

  /// Goes on from a state that an optimiser of the same rule had for the same parameters.
  ///
  /// Throws, and changes nothing, when a tensor belongs to no parameter or slot, is missing beside its twin, or has the
  /// wrong shape; `place` names where the state came from.
  public mutating func restore(
    _ state: [(name: String, tensor: Tensor)], updateCount: Int, for parameters: [NamedParameter],
    at place: String? = nil
  ) throws(UnrollError) {
    var shapes: [String: Shape] = [:]
    for named in parameters {
      for slot in rule.slots { shapes["\(slot)/\(named.path)"] = named.parameter.shape }
    }
    var restored: [String: Tensor] = [:]
    for (name, tensor) in state {
      guard let shape = shapes[name] else {
        throw UnrollError(
          .invalidData, "the optimiser's tensor \(name) belongs to no parameter of the model under this optimiser",
          at: place, hint: "resume with the optimiser and the model that the training began with")
      }
      guard tensor.shape == shape else {
        throw UnrollError(
          .invalidData, "the optimiser's tensor \(name) has shape \(tensor.shape), its parameter \(shape)", at: place)
      }
      restored[name] = tensor
    }
    for named in parameters {
      let present = rule.slots.filter { restored["\($0)/\(named.path)"] != nil }
      guard present.isEmpty || present == rule.slots else {
        throw UnrollError(
          .invalidData, "the optimiser's tensors for \(named.path) are incomplete: \(present) of \(rule.slots)",
          at: place)
      }
    }
    guard updateCount >= 0, updateCount > 0 || restored.isEmpty else {
      throw UnrollError(.invalidData, "an optimiser that remembers something made \(updateCount) updates", at: place)
    }
    memory = restored
    self.updateCount = updateCount
  }
}
