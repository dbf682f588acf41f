import ArgumentParser
import Unroll

/// `unroll grow`.
struct GrowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "grow", abstract: "Find the smallest model that does: begin with a tiny one, and let it grow.",
    discussion: """
        unroll grow text --data poems.txt --out poems
        unroll grow classify --data reviews.tsv --out reviews
        unroll grow classify --data reviews.tsv --out reviews --resume

      Each rung is trained to its plateau, at a learning rate that a range test finds. Then plain cells get gates, \
      layers get more units, networks more layers, and keep what they have learnt, up to the size that `unroll train` \
      gives such a model; at last the best sizes are tried without what was learnt before, and with more dropout, then \
      what `unroll train` gives, then the sizes to keep for four times as many epochs. \
      The smallest rung within a standard error of the best is kept; where the validation data cannot tell rungs \
      apart, cross-validation on all data does. The kept sizes, trained on all data but the test's, become the model \
      in --out; the rungs stay in --out/rung-1, ….
      """,
    subcommands: [
      GrowTextCommand.self, GrowExamplesCommand<TrainClassifyCommand>.self,
      GrowExamplesCommand<TrainRecognizeCommand>.self, GrowExamplesCommand<TrainTagCommand>.self,
      GrowExamplesCommand<TrainTranslateCommand>.self, GrowExamplesCommand<TrainDescribeCommand>.self,
      GrowExamplesCommand<TrainForecastCommand>.self,
    ])
}

/// What decides where a ladder ends, as flags.
struct GrowthOptions: ParsableArguments {
  @Option(parsing: .unconditional, help: "The most rungs to train. (default: 16)") var rungs: Int?
  @Option(
    parsing: .unconditional,
    help: """
      Parts of training and validation data together: each is held out in turn from rungs that the validation data \
      cannot tell apart, and what is kept is trained on all. 0: validation data stay apart, and choose alone. \
      (default: 5)
      """)
  var folds: Int?

  /// Throws when a flag of the training is given that a ladder has no use for, or that cannot change in its middle.
  func refuse(_ given: [(String, Bool)], _ training: TrainingOptions, resuming: Bool) throws(UnrollError) {
    guard training.tensorboard == nil else {
      throw UnrollError(
        .usage, "--tensorboard is for one training", hint: "leave it out; each rung has its history.jsonl")
    }
    guard resuming else { return }
    let own = [
      ("--rungs", rungs != nil), ("--folds", folds != nil), ("--epochs", training.epochs != nil),
      ("--patience", training.patience != nil),
    ]
    try TrainingOptions.refuse(given + training.given + own)
  }

  /// The choices that flags make; `cell` is the one that was asked for.
  func choices(cell: CellKind?, learningRate: Float?) -> GrowthChoices {
    var choices = GrowthChoices()
    if let rungs { choices.mostRungs = rungs }
    if let folds { choices.folds = folds }
    (choices.cell, choices.learningRate) = (cell, learningRate)
    return choices
  }
}

/// `unroll grow X` of a kind of model that reads examples: the flags of `unroll train X`, whose sizes are the largest.
struct GrowExamplesCommand<Train: ExampleCommand>: ParsableCommand where Train.Model.Shape: GrowingShape {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: Train.Model.paradigm, abstract: "Grow what `unroll train \(Train.Model.paradigm)` trains.",
      discussion: """
        The flags are those of `unroll train \(Train.Model.paradigm)`; sizes are the largest ones, and a cell or a \
        learning rate that is given is that of all rungs.
        """)
  }

  @OptionGroup var train: Train
  @OptionGroup(title: "Growth") var growth: GrowthOptions

  func run() throws {
    train.common.apply()
    try growth.refuse(train.given, train.training, resuming: train.data.resume)
    let repetition = try train.training.repetition(
      in: train.data.out, resuming: train.data.resume, json: train.common.json)
    if let repetition { return try repetition.run { try run(seed: $0, in: $1) } }
    _ = try run(seed: train.training.seed, in: train.data.out)
  }

  private func run(seed: UInt64?, in folder: String) throws -> [Measure]? {
    typealias Model = Train.Model
    var bad = BadLines(skips: train.data.skipBadLines)
    let climb = try train.data.resume ? resumed(&bad) : new(seed, folder, &bad)
    try SkippedLines(bad.skipped).show(json: train.common.json)
    let run = GrowthRun<ModelConfiguration<Model.Shape>>(
      paradigm: Model.paradigm, folder: folder, json: train.common.json, unit: Model.units,
      judgedBy: Model.Score.judgedBy, watches: train.training.watch.watch)
    run.introduce(most: climb.ladder.limit.shape.sizes)
    return try run.run {
      try climb.run(stop: $0, $1)
    } test: {
      climb.test.isEmpty ? nil : try Model.load(from: folder).score(of: climb.test)
    }
  }

  private func new(_ seed: UInt64?, _ folder: String, _ bad: inout BadLines) throws -> ExampleGrowth<Train.Model> {
    var configuration = try train.configured(seed: seed)
    let training = train.training
    if training.schedule == nil { configuration.settings.anneal(epochs: training.epochs, patience: training.patience) }
    let isCellGiven = train.given.contains { $0.0 == "--cell" && $0.1 }
    return try ExampleGrowth<Train.Model>(
      configuration,
      choices: growth.choices(
        cell: isCellGiven ? configuration.shape.growingCell : nil, learningRate: train.training.learningRate),
      on: train.files(), savingTo: folder, &bad)
  }

  private func resumed(_ bad: inout BadLines) throws -> ExampleGrowth<Train.Model> {
    let data = train.data
    return try ExampleGrowth<Train.Model>(
      resuming: data.out, files: (data.data, data.validation, data.test), &bad)
  }
}

/// `unroll grow text`.
struct GrowTextCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "text", abstract: "Grow what `unroll train text` trains.",
    discussion: """
      The flags are those of `unroll train text`; sizes are the largest ones, and a cell or a learning rate that is \
      given is that of all rungs.
      """)

  @OptionGroup var train: TrainTextCommand
  @OptionGroup(title: "Growth") var growth: GrowthOptions

  func run() throws {
    train.common.apply()
    try growth.refuse(train.given, train.training, resuming: train.resume)
    let repetition = try train.training.repetition(in: train.out, resuming: train.resume, json: train.common.json)
    if let repetition { return try repetition.run { try run(seed: $0, in: $1) } }
    _ = try run(seed: train.training.seed, in: train.out)
  }

  private func run(seed: UInt64?, in folder: String) throws -> [Measure]? {
    let climb = try train.resume ? resumed() : new(seed, folder)
    let run = GrowthRun<TextConfiguration>(
      paradigm: "text", folder: folder, json: train.common.json, unit: climb.corpus.vocabulary.unit.rawValue,
      judgedBy: nil, watches: train.training.watch.watch)
    run.introduce(most: climb.ladder.limit.network.sizes)
    return try run.run {
      try climb.run(stop: $0, $1)
    } test: {
      try LanguageModel.load(from: folder).evaluate(climb.corpus.test, source: "the test part")
    }
  }

  private func new(_ seed: UInt64?, _ folder: String) throws -> TextGrowth {
    let corpus = try train.corpus()
    return try TextGrowth(
      train.configured(for: corpus, seed: seed),
      choices: growth.choices(
        cell: train.network.cell, learningRate: train.training.learningRate),
      on: corpus, savingTo: folder)
  }

  private func resumed() throws -> TextGrowth {
    try TextGrowth(resuming: train.out, data: (train.text.data, train.text.validation, train.text.test))
  }
}
