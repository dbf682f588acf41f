import Corpora
import Interchange
import Networks
import Tensors
import Training

/// Growing a language model from a tiny one, as ``ExampleGrowth`` grows models of examples.
///
///     let corpus = try TextCorpus(contentsOf: "poems.txt")
///     let growth = try TextGrowth(TextConfiguration(for: corpus), on: corpus, savingTo: "poems")
///     let ladder = try growth.run()
///     let model = try LanguageModel.load(from: "poems")
///
/// The folder is the kept model's, and holds `ladder.json` and the rungs' folders `rung-1`, `rung-2`, … as well.
public struct TextGrowth {
  /// The ladder as it was when this was made.
  public let ladder: Ladder<TextConfiguration>
  /// The text.
  public let corpus: TextCorpus
  private let folder: String

  /// A new ladder.
  ///
  /// - Parameters:
  ///   - configuration: The model that would be trained without growing: none becomes larger, and all are trained by
  ///     its settings, but for the learning rate.
  ///   - choices: What decides where the ladder ends.
  ///   - corpus: The text.
  ///   - folder: The folder to make.
  /// - Throws: when a number cannot be, the text is too short for it, or the folder holds a model or a ladder already.
  public init(
    _ configuration: TextConfiguration, choices: GrowthChoices = .init(), on corpus: TextCorpus,
    savingTo folder: String
  ) throws(UnrollError) {
    var configuration = configuration
    configuration.version = configuration.neededVersion
    try configuration.validate()
    try configuration.checkMemory()
    try configuration.validateForGrowing(choices)
    try LadderFile.demandRoom(in: folder)
    ladder = Ladder(paradigm: "text", limit: configuration, choices: choices)
    self.corpus = corpus
    self.folder = folder
  }

  /// Goes on with the ladder in a folder.
  ///
  /// - Parameters:
  ///   - folder: The folder.
  ///   - moved: The text's files, when they are no longer where they were: those that have moved.
  /// - Throws: when the folder holds no such ladder, or the text is not the one that it began with.
  public init(
    resuming folder: String, data moved: (data: String?, validation: String?, test: String?) = (nil, nil, nil)
  ) throws(UnrollError) {
    ladder = try LadderFile.read(TextConfiguration.self, of: "text", in: folder)
    try ladder.limit.validate(at: folder + "/" + LadderFile.name)
    // A rung knows the vocabulary.
    let vocabulary = try LanguageModel.readDescription(of: folder + "/rung-1").1
    let known = ladder.limit.data
    let files = known.files.replaced(by: moved)
    corpus = try TextCorpus(contentsOf: files, as: .vocabulary(vocabulary))
    guard TextConfiguration.Source(of: corpus).checksum == known.checksum else {
      throw UnrollError(
        .invalidData, "this is not the text that the ladder began with", at: files.path,
        hint: "give that text: --data FILE; or start anew in another folder: --out")
    }
    self.folder = folder
  }

  /// Climbs. Afterwards the folder holds the kept model.
  ///
  /// - Parameters:
  ///   - stop: What to look at after each update for the wish to stop.
  ///   - report: Called with every event.
  /// - Returns: The whole ladder; nil when it was interrupted.
  @discardableResult
  public func run(
    stop: StopRequest = StopRequest(), _ report: (GrowthEvent) -> Void = { _ in }
  ) throws -> Ladder<TextConfiguration>? {
    var climb = Climb(subject: TextSubject(corpus: corpus, configuration: ladder.limit), folder: folder, ladder: ladder)
    return try climb.run(stop: stop, report) ? climb.ladder : nil
  }
}

/// Language models on a ladder.
private struct TextSubject: GrowthSubject {
  static var paradigm: String { "text" }
  let corpus: TextCorpus
  /// The largest.
  let configuration: TextConfiguration

  /// The most parts of the validation text, and rows that it is read in.
  private static let (parts, rows) = (50, 16)
  /// Tokens that tell whether a grown model computes what it did.
  private static let sample = 4096

  func model(_ configuration: TextConfiguration) -> LanguageModel {
    LanguageModel(
      configuration: configuration, vocabulary: corpus.vocabulary, network: LanguageModel.newNetwork(configuration))
  }

  func load(_ folder: String) throws -> LanguageModel { try LanguageModel.load(from: folder) }
  func network(of model: LanguageModel) -> any Module { model.network }

  func loss(of model: LanguageModel) throws -> Double {
    try model.network.meanLoss(
      of: corpus.training.part(0..<min(corpus.training.count, Self.sample)), source: "the training part")
  }

  func range(of model: LanguageModel) throws -> LearningRateRange {
    let training = try TextTraining(model, on: corpus, savingTo: nil)
    return try LearningRateRange(of: training.objective, settings: model.configuration.settings)
  }

  /// The text of a share, and what is held out from it.
  private func text(_ share: DataShare) -> (rest: TextCorpus, heldOut: Tokens) {
    switch share {
    case .training: (corpus, corpus.validation)
    case .allBut(let fold, let count): corpus.fold(fold, of: count)
    case .all: (corpus.joined, Tokens([]))
    }
  }

  /// A text whose rest would be too short for a window is not cut.
  func folds(atMost most: Int) -> Int {
    let count = corpus.training.count + corpus.validation.count
    guard most >= 2, count / most >= 2 else { return 0 }
    let rest = min(corpus.training.count, count - (count + most - 1) / most)
    let streams = try? TokenStreams(
      training: corpus.training.part(0..<rest), batch: configuration.batch, length: configuration.length,
      step: configuration.step, unit: corpus.vocabulary.unit, source: corpus.source)
    return streams == nil ? 0 : most
  }

  func judge(_ model: LanguageModel, on share: DataShare) throws -> Judgement {
    let heldOut = text(share).heldOut
    let length = max(16, heldOut.count / Self.rows / Self.parts)
    let losses = try model.network.losses(
      of: heldOut, batch: Self.rows, length: length, source: "the validation part")
    return Judgement(values: losses.map { $0.sum / Double($0.count) }, weights: losses.map { Double($0.count) })
  }

  func train(
    _ model: LanguageModel?, on share: DataShare, in folder: String, stop: StopRequest,
    _ report: (TrainingEvent) -> Void
  ) throws -> TrainingSummary {
    let own = text(share).rest
    let run =
      try model.map { try TextTraining($0, on: own, savingTo: folder) } ?? TextTraining(resuming: folder, on: own)
    return try run.run(stop: stop, report)
  }
}
