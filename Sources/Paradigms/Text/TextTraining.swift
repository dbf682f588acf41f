import Corpora
import Foundation
import Interchange
import Networks
import Tensors
import Training

/// Training of a language model in a folder, new or resumed.
///
///     var configuration = TextConfiguration(for: corpus)
///     configuration.network.hidden = 256
///     let training = try TextTraining(configuration, on: corpus, savingTo: "poems")
///     try training.run { event in … }
public struct TextTraining {
  /// What is trained.
  public let model: LanguageModel
  /// The text.
  public let corpus: TextCorpus
  /// Tokens that an epoch reads.
  public let tokensPerEpoch: Int
  private let folder: String?
  private let isResumed: Bool
  let objective: TextObjective

  /// A new training. The folder gets `config.json` and `vocabulary.json` when it runs; nil keeps nothing.
  ///
  /// Throws when a number cannot be, the text is too short for it, or the folder holds a model already.
  public init(_ configuration: TextConfiguration, on corpus: TextCorpus, savingTo folder: String?) throws(UnrollError) {
    var configuration = configuration
    configuration.version = configuration.neededVersion
    try configuration.validate()
    try configuration.checkMemory()
    try self.init(
      LanguageModel(
        configuration: configuration, vocabulary: corpus.vocabulary, network: LanguageModel.newNetwork(configuration)),
      on: corpus, savingTo: folder)
  }

  /// A new training that begins with a model's weights. Throws as ``init(_:on:savingTo:)-(TextConfiguration,_,_)``.
  public init(_ model: LanguageModel, on corpus: TextCorpus, savingTo folder: String?) throws(UnrollError) {
    try model.configuration.validate()
    try model.configuration.checkMemory()
    if let folder, try CheckpointStore(folder: folder).isTaken {
      throw UnrollError(
        .usage, "the folder holds a model already", at: folder,
        hint: "go on with it: --resume; or choose another folder: --out")
    }
    try self.init(model, corpus: corpus, folder: folder, isResumed: false)
  }

  /// Goes on with the training in a folder, from its newest checkpoint; or begins it again when it was killed before it
  /// had one.
  ///
  /// - Parameters:
  ///   - folder: The model folder.
  ///   - data: The text's files, when they are no longer where they were: those that have moved.
  ///   - epochs: A new number of epochs, when there shall be more.
  ///   - patience: A new patience (``EarlyStopping``), when a training that stopped shall go on; 0: none.
  /// - Throws: when the folder is no model's, or the text is not the one that the training began with.
  public init(
    resuming folder: String, data moved: (data: String?, validation: String?, test: String?) = (nil, nil, nil),
    epochs: Int? = nil, patience: Int? = nil
  ) throws(UnrollError) {
    let (configuration, vocabulary) = try LanguageModel.readDescription(of: folder)
    let known = configuration.data
    guard known.test != nil || (moved.validation == nil && moved.test == nil) else {
      throw UnrollError(
        .usage, "the training began with one text, which is cut in parts", at: folder,
        hint: "leave --validation and --test out")
    }
    let files = known.files.replaced(by: moved)
    let corpus = try TextCorpus(contentsOf: files, as: .vocabulary(vocabulary))
    guard TextConfiguration.Source(of: corpus).checksum == configuration.data.checksum else {
      throw UnrollError(
        .invalidData, "this is not the text that the training began with", at: files.path,
        hint: "give that text: --data FILE; or start anew in another folder: --out")
    }
    try self.init(resuming: folder, on: corpus, epochs: epochs, patience: patience)
  }

  /// Goes on with the training in a folder on the text that it is known to have begun with.
  init(
    resuming folder: String, on corpus: TextCorpus, epochs: Int? = nil, patience: Int? = nil
  ) throws(UnrollError) {
    var (configuration, vocabulary) = try LanguageModel.readDescription(of: folder)
    configuration.settings.extend(epochs: epochs, patience: patience)
    try configuration.validate()
    try configuration.checkMemory(at: folder + "/config.json")
    let hasBegun = try CheckpointStore(folder: folder).hasTraining
    let network = hasBegun ? LanguageModel.emptyNetwork(configuration) : LanguageModel.newNetwork(configuration)
    try self.init(
      LanguageModel(configuration: configuration, vocabulary: vocabulary, network: network), corpus: corpus,
      folder: folder, isResumed: hasBegun)
  }

  private init(_ model: LanguageModel, corpus: TextCorpus, folder: String?, isResumed: Bool) throws(UnrollError) {
    let configuration = model.configuration
    if let precision = configuration.precision {
      throw UnrollError(
        .usage, "the model was rounded to \(precision) for inference, and cannot be trained", at: folder,
        hint: "train in the folder that it was made from")
    }
    try configuration.settings.demandMembers(among: model.network.parameters)
    if let steps = configuration.longestMemory, !isResumed {
      let longest = steps > 0 ? steps : max(2, configuration.length)
      try model.network.beginMemories(longest: longest, seed: configuration.seed)
    }
    let streams = try corpus.trainingStreams(
      batch: configuration.batch, length: configuration.length, step: configuration.step)
    self.model = model
    self.corpus = corpus
    self.folder = folder
    self.isResumed = isResumed
    tokensPerEpoch = streams.targetCount
    objective = TextObjective(
      model.network, streams: streams, validation: corpus.validation.isEmpty ? nil : corpus.validation,
      sampling: configuration.sampledSoftmax.map {
        SampledSoftmax(counts: corpus.training.counts(of: configuration.tokens), samples: $0)
      }, seed: configuration.seed)
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
    if let folder { try prepare(folder) }
    var trainer = try Trainer(objective, settings: model.configuration.settings, folder: folder, stop: stop)
    let summary = try trainer.run(resuming: isResumed, report)
    if let folder, summary.bestEpoch != nil {
      try Weights.load(into: model.network, from: folder + "/weights.safetensors")
    }
    return summary
  }

  private func prepare(_ folder: String) throws(UnrollError) {
    try CheckpointStore(folder: folder).prepare()
    // The vocabulary first: a folder with a config.json is a model.
    if !isResumed { try model.vocabulary.write(to: folder + "/vocabulary.json") }
    try StrictJSON.write(model.configuration, to: folder + "/config.json")
  }
}
