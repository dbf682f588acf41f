import Interchange
import Networks
import Tensors

/// Weights of a network in a safetensors file, one tensor for each parameter, named by its path.
///
///     try Weights.save(model, to: "model/weights.safetensors")
///     try Weights.load(into: model, from: "model/weights.safetensors")
///
/// A parameter that is used in several places (tied) is stored once, under its first path.
public enum Weights {
  /// Writes all parameters, atomically: the file is the old or the new one, never half of it.
  public static func save(_ module: some Module, to path: String) throws(UnrollError) {
    try SafeTensors(tensors: named(module)).write(to: path)
  }

  /// Sets all parameters from a file. Throws, and changes none, when the file cannot be read, a parameter's tensor is
  /// missing or has another shape, or the file has a tensor that no parameter wants.
  public static func load(into module: some Module, from path: String) throws(UnrollError) {
    try assign(SafeTensors.read(from: path).tensors, to: module, at: path)
  }

  /// All parameters as named tensors.
  static func named(_ module: some Module) -> [(name: String, tensor: Tensor)] {
    module.parameters.map { ($0.path, $0.parameter.value) }
  }

  /// Sets all parameters after checking all; `file` is for messages.
  package static func assign(
    _ tensors: [(name: String, tensor: Tensor)], to module: some Module, at file: String
  ) throws(UnrollError) {
    let parameters = module.parameters
    let byName = Dictionary(tensors.map { ($0.name, $0.tensor) }, uniquingKeysWith: { first, _ in first })
    for named in parameters {
      guard let tensor = byName[named.path] else {
        throw misfit("the model's tensor \(named.path) of shape \(named.parameter.shape) is not in the file", at: file)
      }
      guard tensor.shape == named.parameter.shape else {
        throw misfit(
          "tensor \(named.path) has shape \(tensor.shape) in the file and \(named.parameter.shape) in the model",
          at: file)
      }
    }
    let wanted = Set(parameters.map(\.path))
    if let extra = tensors.first(where: { !wanted.contains($0.name) }) {
      throw misfit("the file's tensor \(extra.name) of shape \(extra.tensor.shape) is not in the model", at: file)
    }
    for named in parameters {
      if let tensor = byName[named.path] { named.parameter.value = tensor }
    }
  }

  private static func misfit(_ message: String, at file: String) -> UnrollError {
    UnrollError(
      .invalidData, message, at: file, hint: "use the file with the config.json that it was trained with")
  }
}
