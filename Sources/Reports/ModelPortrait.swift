import Foundation
import Interchange
import Networks
import Paradigms
import Recurrence
import Tensors

/// What a model says of itself when it is opened: sizes, layers, what it writes.
package struct ModelPortrait: Sendable {
  /// What it is, on a line; nil when its weights are not there yet.
  package var summary: String?
  package var parameterCount: Int?
  /// Its layers as boxes, for pictures; empty for models that are not drawn.
  package var layers: [Diagram.Layer] = []
  /// Those that walk through time together.
  package var walks: [DrawnWalk] = []
  /// Texts that it wrote.
  package var samples: [String] = []

  package init(
    summary: String? = nil, parameterCount: Int? = nil, layers: [Diagram.Layer] = [], walks: [DrawnWalk] = [],
    samples: [String] = []
  ) {
    self.summary = summary
    self.parameterCount = parameterCount
    self.layers = layers
    self.walks = walks
    self.samples = samples
  }

  /// Opens the model in a folder. One that was stopped before its first epoch has no weights, and says nothing.
  static func open(_ folder: String) throws(UnrollError) -> ModelPortrait {
    guard FileManager.default.fileExists(atPath: folder + "/weights.safetensors") else { return ModelPortrait() }
    let stored = try StoredModels.open(folder)
    if let model = stored as? LanguageModel { return try ModelPortrait(model) }
    guard let model = stored as? any FileModel else { return ModelPortrait() }
    let drawn = stored as? any DrawnModel
    return ModelPortrait(
      summary: model.summary, parameterCount: Self.parameterCount(of: model.network),
      layers: drawn?.drawnLayers ?? [], walks: drawn?.drawnWalks ?? [])
  }

  private static func parameterCount(of network: any Module) -> Int { network.parameterCount }

  private init(_ model: LanguageModel) throws(UnrollError) {
    let unit = model.vocabulary.unit
    var samples: [String] = []
    for seed in 1...3 as ClosedRange<UInt64> {
      var text = ""
      let length = unit == .characters ? 320 : 70
      try model.generate(after: "", length: length, sampler: Sampler(temperature: 0.8, seed: seed)) { piece in
        text += piece
        return true
      }
      samples.append(text)
    }
    self.init(
      summary: "a \(unit.singular) language model of \(Figures.whole(model.vocabulary.count)) \(unit)",
      parameterCount: model.network.parameterCount, layers: model.drawnLayers, walks: model.drawnWalks,
      samples: samples)
  }
}
