import Foundation
import Interchange
import Networks
import Tensors
import Training

/// Training of a model of examples in a folder, new or resumed.
///
///     let training = try ExampleTraining(classifier, on: examples, validation: others, savingTo: "reviews")
///     try training.run { event in … }
public struct ExampleTraining<Model: ExampleModel> {
  /// What is trained.
  public let model: Model
  /// What measures the trained model; empty unless the training was made from files.
  public internal(set) var test: [Model.Example] = []
  private let folder: String?
  private let isResumed: Bool
  private let objective: ExampleObjective<Model>

  /// A new training. The folder gets `config.json` and the model's tables when it runs; nil keeps nothing.
  ///
  /// Throws when a number cannot be, there are no examples, or the folder holds a model already.
  public init(
    _ model: Model, on examples: [Model.Example], validation: [Model.Example], savingTo folder: String?
  ) throws(UnrollError) {
    try model.configuration.validate()
    if let folder, try CheckpointStore(folder: folder).isTaken {
      throw UnrollError(
        .usage, "the folder holds a model already", at: folder,
        hint: "go on with it: --resume; or choose another folder: --out")
    }
    try self.init(model, examples, validation, folder, isResumed: false)
  }

  /// Goes on with the training in a folder, from its newest checkpoint; or begins it again when it was killed before it
  /// had one.
  ///
  /// - Parameters:
  ///   - folder: The model folder.
  ///   - epochs: A new number of epochs, when there shall be more.
  ///   - patience: A new patience (``EarlyStopping``), when a training that stopped shall go on; 0: none.
  ///   - fresh: A model of the same configuration with the values that a training begins with.
  ///   - load: Reads the examples as the model does, and what their file is known by.
  /// - Throws: when the folder is no model's, or the data are not those that the training began with.
  public init(
    resuming folder: String, epochs: Int? = nil, patience: Int? = nil, fresh: (Model) -> Model,
    load: (Model) throws -> (training: [Model.Example], validation: [Model.Example], source: DataSource?)
  ) throws {
    var configuration = try ModelFolder.configuration(Model.Shape.self, of: Model.paradigm, in: folder)
    configuration.settings.extend(epochs: epochs, patience: patience)
    try configuration.validate()
    let hasBegun = try CheckpointStore(folder: folder).hasTraining
    let empty = try Model(configuration, tablesIn: folder)
    let data = try load(empty)
    guard data.source?.checksum == configuration.data?.checksum else {
      throw UnrollError(
        .invalidData, "these are not the data that the training began with", at: data.source?.path,
        hint: "give those: --data FILE; or start anew in another folder: --out")
    }
    try self.init(
      hasBegun ? empty : fresh(empty), data.training, data.validation, folder, isResumed: hasBegun)
  }

  private init(
    _ model: Model, _ training: [Model.Example], _ validation: [Model.Example], _ folder: String?, isResumed: Bool
  ) throws(UnrollError) {
    guard !training.isEmpty else {
      throw UnrollError(.invalidData, "there are no examples to train on", at: model.configuration.data?.path)
    }
    try model.configuration.settings.demandMembers(among: model.network.parameters)
    if let steps = model.configuration.longestMemory, !isResumed {
      let longest = steps > 0 ? steps : max(2, training.map(model.length).max() ?? 2)
      try model.network.beginMemories(longest: longest, seed: model.configuration.seed)
    }
    self.model = model
    self.folder = folder
    self.isResumed = isResumed
    objective = ExampleObjective(model, training: training, validation: validation)
  }

  /// Trains. Afterwards the model has the best weights when there is a folder, else the last ones.
  ///
  /// - Parameters:
  ///   - stop: What to look at after each update for the wish to stop.
  ///   - report: Called with every event.
  @discardableResult
  public func run(stop: StopRequest = StopRequest(), _ report: (TrainingEvent) -> Void = { _ in }) throws
    -> TrainingSummary
  {
    if let folder {
      try CheckpointStore(folder: folder).prepare()
      // The tables first: a folder with a config.json is a model.
      if !isResumed { try model.writeTables(to: folder) }
      try StrictJSON.write(model.configuration, to: folder + "/config.json")
    }
    var trainer = try Trainer(objective, settings: model.configuration.settings, folder: folder, stop: stop)
    let summary = try trainer.run(resuming: isResumed, report)
    if let folder, summary.bestEpoch != nil {
      try Weights.load(into: model.network, from: folder + "/weights.safetensors")
    }
    return summary
  }
}

extension Module {
  /// Begins the gates over memories for so many time steps. Throws when no cell has any.
  func beginMemories(longest steps: Int, seed: UInt64) throws(UnrollError) {
    var random = RandomSource(seed: seed, stream: 2)
    guard initializeChrono(longest: steps, using: &random) > 0 else {
      throw UnrollError(
        .usage, "no recurrent layer has gates over a memory, which --chrono is for",
        hint: "choose a --cell that has: lstm, gru; or leave --chrono out")
    }
  }
}
