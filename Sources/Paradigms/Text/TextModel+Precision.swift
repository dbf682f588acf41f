import Interchange
import Tensors
import Training

extension TextModel {
  /// Writes a model folder for inference in fewer bits: `config.json` (version 2 or above), `vocabulary.json` and
  /// `weights.safetensors`, whose matrices are rounded.
  ///
  ///     try TextModel(contentsOf: "poems").write(to: "poems-int8", as: .int8)
  ///     let small = try TextModel(contentsOf: "poems-int8")
  ///
  /// Recurrent layers of the small model then multiply in that precision. Traps when `precision` is `.float32`. Throws
  /// when this model is rounded already, a weight is not finite, the folder holds a model, or it cannot be written.
  public func write(to folder: String, as precision: Precision) throws(UnrollError) {
    demand(precision != .float32, "TextModel: a model in float32 is the one that training wrote")
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
    configuration.precision = precision
    configuration.version = configuration.neededVersion
    try CheckpointStore.makeFolder(folder)
    try vocabulary.write(to: folder + "/vocabulary.json")
    try weights.write(to: folder + "/weights.safetensors")
    // Last: a folder with a config.json is a model.
    try StrictJSON.write(configuration, to: folder + "/config.json")
  }
}
