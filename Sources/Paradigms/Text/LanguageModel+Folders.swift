import Interchange
import Tensors
import Training

extension LanguageModel {
  /// Writes the model to a folder, to be opened again. Throws as ``save(to:as:)``.
  ///
  ///     try model.save(to: "poems")
  public func save(to folder: String) throws(UnrollError) { try save(to: folder, as: .float32) }

  /// Writes the model to a folder, to be opened again: `config.json`, `vocabulary.json` and `weights.safetensors`.
  ///
  ///     try model.save(to: "poems-int8", as: .int8)
  ///     let small = try LanguageModel.load(from: "poems-int8")
  ///
  /// In fewer bits than `.float32` the matrices are rounded, for inference: recurrent layers of the small model
  /// multiply in that precision. Throws when this model is rounded already, a weight that is to be rounded is not
  /// finite, the folder holds a model, or it cannot be written.
  public func save(to folder: String, as precision: Precision) throws(UnrollError) {
    if let own = configuration.precision {
      throw UnrollError(
        .usage, "the model is rounded to \(own) already", hint: "give the folder that training wrote")
    }
    guard try !CheckpointStore(folder: folder).isTaken else {
      throw UnrollError(
        .usage, "the folder holds a model already", at: folder, hint: "choose another folder: --out")
    }
    let weights = try SafeTensors(
      weights: network.parameters.map { ($0.path, $0.parameter.value) }, as: precision)
    var configuration = configuration
    configuration.precision = precision == .float32 ? nil : precision
    configuration.version = configuration.neededVersion
    try CheckpointStore.makeFolder(folder)
    try vocabulary.write(to: folder + "/vocabulary.json")
    try weights.write(to: folder + "/weights.safetensors")
    // Last: a folder with a config.json is a model.
    try StrictJSON.write(configuration, to: folder + "/config.json")
  }
}
