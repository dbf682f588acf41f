import Tensors

/// Part of a network that has parameters: a layer, a cell, a whole model. A struct of values; identity lives in its
/// parameters.
///
///     struct Classifier: Module {
///       var encoder: Recurrent<GRU>
///       var readout: Linear
///     }
///     Classifier(…).parameters.map(\.path)  // ["encoder.cell.update.weight", …, "readout.bias"]
///
/// Parameters are found by reflection, in the order of their declaration, through nested modules, arrays, optionals and
/// tuples; nothing has to be registered.
public protocol Module: Sendable {}

/// A parameter with the path that leads to it: `encoder.0.forward.forget.weight`.
public struct NamedParameter: Sendable {
  /// Property names and positions, joined by full stops.
  public let path: String
  /// The parameter.
  public let parameter: Parameter
}

extension Module {
  /// All parameters with their paths. One that is used in several places (tied) is listed once, under its first path.
  public var parameters: [NamedParameter] {
    var found: [NamedParameter] = []
    var seen: Set<ObjectIdentifier> = []
    collectParameters(of: self, path: "", &found, &seen)
    return found
  }

  /// Number of learnt values; tied ones count once.
  public var parameterCount: Int {
    parameters.filter(\.parameter.isLearnt).reduce(0) { $0 + $1.parameter.shape.count }
  }
}

private func collectParameters(
  of value: Any, path: String, _ found: inout [NamedParameter], _ seen: inout Set<ObjectIdentifier>
) {
  if let parameter = value as? Parameter {
    let isNew = seen.insert(ObjectIdentifier(parameter)).inserted
    if isNew { found.append(NamedParameter(path: path, parameter: parameter)) }
    return
  }
  // Identity lives in parameters alone: other objects (caches) hold none.
  if value is Tensor || type(of: value) is AnyClass { return }
  let mirror = Mirror(reflecting: value)
  let isTransparent = mirror.displayStyle == .optional
  for (position, child) in mirror.children.enumerated() {
    let name = isTransparent ? nil : child.label ?? "\(position)"
    let inner = [path.isEmpty ? nil : path, name].compactMap { $0 }.joined(separator: ".")
    collectParameters(of: child.value, path: inner, &found, &seen)
  }
}
