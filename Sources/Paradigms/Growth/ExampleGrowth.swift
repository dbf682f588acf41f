import Corpora
import Interchange
import Networks
import Tensors
import Training

/// Growing a model of examples from a tiny one: each rung of a ``Ladder`` is trained to its plateau, then grows, until
/// that no longer pays; the smallest model that is as good as the best, within a standard error, is kept.
///
///     var bad = BadLines(skips: false)
///     let growth = try ExampleGrowth<Classifier>(on: TextFiles(path: "reviews.tsv"), savingTo: "reviews", &bad)
///     let ladder = try growth.run()
///     let classifier = try Classifier.load(from: "reviews")
///
/// The folder is the kept model's, and holds `ladder.json` and the rungs' folders `rung-1`, `rung-2`, … as well.
public struct ExampleGrowth<Model: FileModel> where Model.Shape: GrowingShape {
  /// Sizes and settings of a ladder's models.
  public typealias Configuration = ModelConfiguration<Model.Shape>
  /// The ladder as it was when this was made.
  public let ladder: Ladder<Configuration>
  /// What measures the kept model.
  public let test: [Model.Example]
  private let subject: ExampleSubject<Model>
  private let folder: String

  /// A new ladder.
  ///
  /// - Parameters:
  ///   - configuration: The model that would be trained without growing: none becomes larger, and all are trained by
  ///     its settings, but for the learning rate.
  ///   - choices: What decides where the ladder ends.
  ///   - files: The data; validation data are held out of the first file where they have none of their own.
  ///   - folder: The folder to make.
  ///   - bad: What becomes of bad lines.
  /// - Throws: when a number cannot be, a file cannot be read, nothing is left to judge by, or the folder holds a model
  ///   or a ladder already.
  public init(
    _ configuration: Configuration = Model.configuration(Model.Shape()),
    choices: GrowthChoices = .init(), on files: TextFiles, savingTo folder: String,
    _ bad: inout BadLines
  ) throws(UnrollError) {
    try configuration.validate()
    try configuration.validateForGrowing(choices)
    try LadderFile.demandRoom(in: folder)
    let parts = try TrainingParts<Model>(files, configuration.shape, &bad)
    (subject, test) = try Self.subject(configuration.fitted(to: parts), parts, &bad)
    // The model's own: it may have learnt sizes from the data.
    ladder = Ladder(paradigm: Model.paradigm, limit: subject.largest.configuration, choices: choices)
    self.folder = folder
  }

  /// Goes on with the ladder in a folder.
  ///
  /// - Parameters:
  ///   - folder: The folder.
  ///   - moved: The files, when they are no longer where they were: those that have moved.
  ///   - bad: What becomes of bad lines; as when the ladder began.
  /// - Throws: when the folder holds no such ladder, or the data are not those that it began with.
  public init(
    resuming folder: String, files moved: (data: String?, validation: String?, test: String?) = (nil, nil, nil),
    _ bad: inout BadLines
  ) throws(UnrollError) {
    let ladder = try LadderFile.read(Configuration.self, of: Model.paradigm, in: folder)
    try ladder.limit.validate(at: folder + "/" + LadderFile.name)
    let known = ladder.limit.data ?? DataSource(path: "", checksum: "")
    let files = known.files.replaced(by: moved)
    let parts = try TrainingParts<Model>(files, ladder.limit.shape, &bad)
    guard parts.source?.checksum == known.checksum else {
      throw UnrollError(
        .invalidData, "these are not the data that the ladder began with", at: files.path,
        hint: "give those: --data FILE; or start anew in another folder: --out")
    }
    self.ladder = ladder
    (subject, test) = try Self.subject(ladder.limit, parts, &bad)
    self.folder = folder
  }

  private static func subject(
    _ configuration: Configuration, _ parts: TrainingParts<Model>, _ bad: inout BadLines
  ) throws(UnrollError) -> (ExampleSubject<Model>, [Model.Example]) {
    let largest = try Model(configuration, learningFrom: parts.training)
    let examples = try parts.examples(of: largest, &bad)
    guard examples.validation.count >= 2 else {
      throw UnrollError(
        .invalidData,
        "growing asks which model is better, and there are \(examples.validation.count) examples to judge by",
        at: configuration.data?.path, hint: "give more data, or some to judge by: --validation FILE")
    }
    return (
      ExampleSubject(largest: largest, training: examples.training, validation: examples.validation), examples.test
    )
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
  ) throws -> Ladder<Configuration>? {
    var climb = Climb(subject: subject, folder: folder, ladder: ladder)
    return try climb.run(stop: stop, report) ? climb.ladder : nil
  }
}

extension GrowingConfiguration {
  /// Throws when a model of these settings cannot grow.
  func validateForGrowing(_ choices: GrowthChoices) throws(UnrollError) {
    guard (1...100).contains(choices.mostRungs) else {
      throw UnrollError(.usage, "rungs is \(choices.mostRungs), and must be in 1...100", hint: "change --rungs")
    }
    guard choices.folds.map({ $0 == 0 || (2...100).contains($0) }) ?? true else {
      throw UnrollError(
        .usage, "folds is \(choices.folds ?? 0), and must be 0 or in 2...100", hint: "change --folds")
    }
    guard longestMemory == nil else {
      throw UnrollError(
        .usage, "memories begin with a training's first gates, and what grows brings its own",
        hint: "leave --chrono out")
    }
    guard settings.epochs > 0 else {
      throw UnrollError(.usage, "a rung is trained for an epoch at least", hint: "change --epochs")
    }
  }
}

/// Models of examples on a ladder.
private struct ExampleSubject<Model: FileModel>: GrowthSubject where Model.Shape: GrowingShape {
  typealias Configuration = ModelConfiguration<Model.Shape>
  static var paradigm: String { Model.paradigm }
  /// Has the tables of all.
  let largest: Model
  let training, validation: [Model.Example]

  /// The most parts that validation examples are dealt to.
  private static var parts: Int { 50 }
  /// The fewest examples of a part that is held out.
  private static var fewestOfAFold: Int { 10 }
  /// Training examples that tell whether a grown model computes what it did.
  private static var sample: Int { 64 }

  func model(_ configuration: Configuration) -> Model { largest.renewed(as: configuration) }
  func load(_ folder: String) throws -> Model { try Model.load(from: folder) }
  func network(of model: Model) -> any Module { model.network }

  func loss(of model: Model) -> Double {
    var evaluation = Evaluation.inference
    let (sum, units) = model.loss(of: Array(training.prefix(Self.sample)), in: &evaluation)
    return Double(sum.scalar) / Double(max(1, units))
  }

  func range(of model: Model) throws -> LearningRateRange {
    try LearningRateRange(
      of: ExampleObjective(model, training: training, validation: []), settings: model.configuration.settings)
  }

  /// What a share holds: to train on, and to judge by.
  private func examples(_ share: DataShare) -> (rest: [Model.Example], heldOut: [Model.Example]) {
    switch share {
    case .training: (training, validation)
    case .allBut(let fold, let count): Model.fold(fold, of: count, training + validation, largest.configuration.shape)
    case .all: (training + validation, [])
    }
  }

  /// So many that each holds enough to judge by, and leaves enough to train on, which windows of a short series do not.
  func folds(atMost most: Int) -> Int {
    let all = training.count + validation.count
    let count = min(most, all / Self.fewestOfAFold)
    guard count >= 2 else { return 0 }
    let leavesEnough = (0..<count).allSatisfy { examples(.allBut(fold: $0, of: count)).rest.count >= all / 3 }
    return leavesEnough ? count : 0
  }

  func judge(_ model: Model, on share: DataShare) -> Judgement {
    let heldOut = examples(share).heldOut
    let count = min(Self.parts, heldOut.count)
    let scores = (0..<count).map { part in
      model.judge(stride(from: part, to: heldOut.count, by: count).map { heldOut[$0] })
    }
    return Judgement(values: scores.map(\.judged), weights: scores.map { Double($0.judgedUnits) })
  }

  func train(
    _ model: Model?, on share: DataShare, in folder: String, stop: StopRequest, _ report: (TrainingEvent) -> Void
  ) throws -> TrainingSummary {
    let (own, judging) = examples(share)
    // What is held out by cross-validation must not choose an epoch.
    let validation = if case .training = share { judging } else { [Model.Example]() }
    let run =
      try model.map { try ExampleTraining($0, on: own, validation: validation, savingTo: folder) }
      ?? ExampleTraining(resuming: folder, fresh: { $0.renewed() }) { _ in
        (own, validation, largest.configuration.data)
      }
    return try run.run(stop: stop, report)
  }
}
