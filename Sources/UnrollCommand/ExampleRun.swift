import ArgumentParser
import Foundation
import Unroll

/// The files of a training of examples, as flags.
struct DataOptions: ParsableArguments {
  @Option(help: "The examples to train on.") var data: String?
  @Option(help: "Examples that judge each epoch; by default a tenth of --data.") var validation: String?
  @Option(help: "Examples that measure the best model; by default another tenth of --data.") var test: String?
  @Option(help: "The model folder to make.") var out: String
  @Flag(help: "Go on with the training in --out from its newest checkpoint, with its own settings.") var resume = false
  @Flag(help: "Leave out, and count, what cannot be read; by default the first such line ends the run.")
  var skipBadLines = false
}

/// `unroll train X` of a kind of model that reads examples from files.
///
///     struct TrainClassifyCommand: ExampleCommand {
///       typealias Model = Classifier
///       @OptionGroup(title: "Data") var data: DataOptions
///       @OptionGroup(title: "Training") var training: TrainingOptions
///       @OptionGroup var common: CommonOptions
///       …
///     }
protocol ExampleCommand: ParsableCommand {
  associatedtype Model: FileModel
  var data: DataOptions { get }
  var training: TrainingOptions { get }
  var common: CommonOptions { get }
  /// The flags of its own, which cannot change in the middle of a training, and whether each was given.
  var given: [(String, Bool)] { get }
  /// The defaults with the flags of its own; those of ``training`` are put in afterwards.
  func configuration() throws -> ModelConfiguration<Model.Shape>
}

extension ExampleCommand {
  func run() throws {
    common.apply()
    if let repetition = try training.repetition(in: data.out, resuming: data.resume, json: common.json) {
      return try repetition.run { seed, folder in
        try run(seed: seed, in: folder, training.tensorboard?.inside(folder))
      }
    }
    _ = try run(seed: training.seed, in: data.out, training.tensorboard)
  }

  private func run(seed: UInt64?, in folder: String, _ tensorboard: TensorBoardFolder?) throws -> [Measure]? {
    var bad = BadLines(skips: data.skipBadLines)
    let training = try data.resume ? resumed(&bad) : new(seed, folder, &bad)
    return try ExampleRun(
      training: training, folder: folder, json: common.json, skipped: bad.skipped,
      watches: self.training.watch.watch, tensorboard: tensorboard
    ).run()
  }

  private func new(_ seed: UInt64?, _ folder: String, _ bad: inout BadLines) throws -> ExampleTraining<Model> {
    let files = try files()
    return try ExampleTraining<Model>(configured(seed: seed), on: files, savingTo: folder, &bad)
  }

  /// The files to train on, judge by and measure with. Throws when there are none.
  func files() throws(UnrollError) -> TextFiles {
    guard let path = data.data, !path.isEmpty else {
      throw UnrollError(.usage, "there are no data to train on", hint: "name a file: --data FILE")
    }
    return TextFiles(path: path, validation: data.validation, test: data.test)
  }

  /// The defaults with all flags that were given.
  func configured(seed: UInt64?) throws -> ModelConfiguration<Model.Shape> {
    var configuration = try configuration()
    if let batch = training.batch { configuration.batch = batch }
    if let seed { configuration.seed = seed }
    configuration.longestMemory = training.chrono?.steps
    try training.applyInitializer(to: &configuration.shape)
    try training.apply(to: &configuration.settings)
    return configuration
  }

  private func resumed(_ bad: inout BadLines) throws -> ExampleTraining<Model> {
    try TrainingOptions.refuse(given + training.given)
    return try ExampleTraining<Model>(
      resuming: data.out, files: (data.data, data.validation, data.test), epochs: training.epochs,
      patience: training.patience, &bad)
  }
}

/// A training on examples as the command line shows it: what is trained, its progress, the result, what to do next.
struct ExampleRun<Model: FileModel> {
  let training: ExampleTraining<Model>
  let folder: String
  let json: Bool
  let skipped: [UnrollError]
  /// Whether the gradients are shown.
  let watches: Bool
  let tensorboard: TensorBoardFolder?

  /// Returns what was measured; nil when the training was interrupted.
  func run() throws -> [Measure]? {
    let stop = StopRequest()
    let interruption = Interruption(requesting: stop)
    defer { interruption.end() }
    note(training.model.summary + (training.model.configuration.data.map { "; \($0.path)" } ?? ""))
    try SkippedLines(skipped).show(json: json)
    var progress = ProgressLine(json: json, unit: Model.units, judgedBy: Model.Score.judgedBy, watches: watches)
    let log = try tensorboard?.log(of: folder, training.model.configuration)
    let summary = try training.run(stop: stop) {
      progress.show($0)
      log?.record($0)
    }
    log?.showFailure()
    if summary.reason == .interrupted {
      note("to go on: unroll train \(Model.paradigm) --out \(folder) --resume")
      return nil
    }
    var measures: [Measure] = []
    if let loss = summary.bestValidationLoss {
      measures.append(Measure(part: "validation", name: Model.Score.judgedBy, value: loss))
    }
    if !training.test.isEmpty {
      let line = ModelScoreLine(part: "test", score: training.model.score(of: training.test))
      measures += line.score.measures.map { Measure(part: "test", name: $0.name, value: $0.value) }
      if json { try Console.json(line) } else { note("test: \(line.score.text)") }
    }
    note("to use it: unroll predict \(folder) --data FILE; unroll evaluate \(folder) --data FILE")
    return measures
  }

  private func note(_ text: String) {
    if !json { Console.note(text) }
  }
}

/// Lines that were left out, as they are told.
struct SkippedLines: Encodable {
  let event = "skipped"
  let lines: Int
  private let first: UnrollError?

  init(_ errors: [UnrollError]) {
    lines = errors.count
    first = errors.first
  }

  private enum CodingKeys: CodingKey { case event, lines }

  /// Says how many they are, and what is wrong with the first; nothing when there are none.
  func show(json: Bool) throws {
    guard let first else { return }
    if json { return try Console.json(self) }
    Console.note("skipped \(lines) bad lines, the first at \(first.place ?? "?"): \(first.message)")
  }
}

/// What a model measured, as it is printed: the fields of its score beside the event's.
struct ModelScoreLine: Encodable {
  let part: String
  let score: any ModelScore

  private enum Key: CodingKey { case event, part }

  func encode(to encoder: any Swift.Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode("score", forKey: .event)
    try container.encode(part, forKey: .part)
    try score.encode(to: encoder)
  }
}
