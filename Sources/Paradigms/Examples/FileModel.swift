import Corpora
import Foundation
import Interchange
import Networks
import Tensors
import Training

/// A model in a folder that is opened by its paradigm's name; see ``StoredModels``.
public protocol StoredModel: Sendable {
  /// The word in `config.json` and after `unroll train`: `classify`.
  static var paradigm: String { get }
  /// Opens a model folder. Throws when something is missing, damaged, too new, or does not fit together.
  init(contentsOf folder: String) throws(UnrollError)
  /// Measures the model on a file of the form that it was trained on.
  func measure(_ path: String, _ bad: inout BadLines) throws(UnrollError) -> any ModelScore
}

/// A model that answers lines of text, one each.
public protocol LineModel: StoredModel {
  /// An answer for each line, in order; an empty line has one too.
  func answers(to lines: [String]) throws(UnrollError) -> [any Prediction]
}

/// A model that looks for its answers, one piece after the other.
public protocol SearchingModel: StoredModel {
  /// How they are looked for.
  var search: BeamSearch { get set }
}

/// A searching model that looks at what it read while it writes.
public protocol AttendingModel: SearchingModel {
  /// Whether its answers say where it looked (``SearchedPrediction/attention``), which takes a little longer.
  var showsAttention: Bool { get set }
}

/// An answer that was looked for.
public protocol SearchedPrediction: Prediction {
  /// All answers that were found, best first, one at least.
  var ranked: [(score: Double, text: String)] { get }
  /// Where the model looked while it wrote the best; nil unless it was asked for.
  var attention: AttentionTable? { get }
  /// The best so many of them.
  func best(_ count: Int) -> Self
}

/// A model that answers a whole file: a table, pictures.
public protocol ReadingModel: StoredModel {
  /// Its answers, in the file's order.
  func predictions(for path: String, _ bad: inout BadLines) throws(UnrollError) -> [any Prediction]
}

/// What a model answers.
public protocol Prediction: Sendable, Encodable {
  /// For people, on one line.
  var text: String { get }
}

/// A model of examples that reads its own files. What it has, its training from files has: see
/// ``ExampleTraining/init(_:files:folder:_:)``.
public protocol FileModel: ExampleModel, StoredModel {
  /// One example as it stands in a file.
  associatedtype Sample: Sendable
  /// What speed counts: `texts`.
  static var units: String { get }
  /// Reads a file. What the shape says of the file's form (columns, say) decides how; it may be asked before there
  /// are tables.
  static func samples(
    in path: String, as shape: Shape, _ bad: inout BadLines
  ) throws(UnrollError) -> (samples: [Sample], checksum: String)
  /// What of a file's samples is trained on, and what is held out for the parts that have no file of their own: none
  /// for a part that is not asked for. By default a tenth for each, mixed.
  static func split(
    _ samples: [Sample], _ shape: Shape, validation: Bool, test: Bool
  ) -> (training: [Sample], validation: [Sample], test: [Sample])
  /// A new model with the values that a training begins with; its tables are those of the samples to train on.
  init(_ configuration: ModelConfiguration<Shape>, learningFrom samples: [Sample]) throws(UnrollError)
  /// A sample as the model reads it. Throws when it cannot be: a label that is not known.
  func example(of sample: Sample) throws(UnrollError) -> Example
  /// The same tables, with the values that a training begins with.
  func renewed() -> Self
  /// What it is, on a line: `2 × lstm of 64, 12345 parameters, 18 labels`.
  var summary: String { get }
}

extension FileModel {
  /// A tenth for each part, mixed, and the same in every training: what was held out must not be trained on later.
  public static func split(
    _ samples: [Sample], _ shape: Shape, validation: Bool, test: Bool
  ) -> (training: [Sample], validation: [Sample], test: [Sample]) {
    var random = RandomSource(seed: 0)
    let order = random.permutation(samples.count)
    let share = samples.count / 10
    let (forTest, forValidation) = (test ? share : 0, validation ? share : 0)
    func taken(_ places: ArraySlice<Int>) -> [Sample] { places.sorted().map { samples[$0] } }
    return (
      taken(order[(forTest + forValidation)...]), taken(order[forTest..<forTest + forValidation]),
      taken(order[..<forTest])
    )
  }

  /// Samples as the model reads them; what it cannot read is a bad line.
  func examples(of samples: [Sample], _ bad: inout BadLines) throws(UnrollError) -> [Example] {
    var examples: [Example] = []
    examples.reserveCapacity(samples.count)
    for sample in samples {
      do throws(UnrollError) {
        examples.append(try example(of: sample))
      } catch {
        try bad.found(error)
      }
    }
    return examples
  }

  /// The examples in a file. Throws when there are none.
  public func examples(in path: String, _ bad: inout BadLines) throws(UnrollError) -> [Example] {
    let samples = try Self.samples(in: path, as: configuration.shape, &bad).samples
    let examples = try examples(of: samples, &bad)
    guard !examples.isEmpty else { throw UnrollError(.invalidData, "there are no examples in the file", at: path) }
    return examples
  }

  /// Measures the model on a file.
  public func measure(_ path: String, _ bad: inout BadLines) throws(UnrollError) -> any ModelScore {
    score(try examples(in: path, &bad))
  }
}

extension ExampleTraining where Model: FileModel {
  /// A new training on files, whose learning rate rises over a tenth of all updates at most. Without a file for
  /// validation, or for the test, a part of the first file is held out for it: see
  /// ``FileModel/split(_:_:validation:test:)``.
  ///
  ///     var bad = BadLines(skips: false)
  ///     let training = try ExampleTraining<Classifier>(
  ///       configuration, files: TextFiles(path: "reviews.tsv"), folder: "reviews", &bad)
  ///
  /// Throws as ``init(_:training:validation:folder:)``, and what reading the files throws.
  public init(
    _ configuration: ModelConfiguration<Model.Shape>, files: TextFiles, folder: String?, _ bad: inout BadLines
  ) throws(UnrollError) {
    try configuration.validate()
    let parts = try FileParts<Model>(files, configuration.shape, &bad)
    var configuration = configuration
    configuration.data = parts.source
    guard !parts.training.isEmpty else {
      throw UnrollError(.invalidData, "there are no examples to train on", at: files.path)
    }
    let batches = (parts.training.count + configuration.batch - 1) / configuration.batch
    configuration.settings.schedule = configuration.settings.schedule.warmingUp(
      atMost: batches * configuration.settings.epochs / 10)
    let model = try Model(configuration, learningFrom: parts.training)
    let examples = try parts.examples(of: model, &bad)
    try self.init(model, training: examples.training, validation: examples.validation, folder: folder)
    test = examples.test
  }

  /// Goes on with the training in a folder.
  ///
  /// - Parameters:
  ///   - folder: The model folder.
  ///   - moved: The files, when they are no longer where they were: those that have moved.
  ///   - epochs: A new number of epochs, when there shall be more.
  ///   - patience: A new patience (``EarlyStopping``), when a training that stopped shall go on; 0: none.
  ///   - bad: What becomes of bad lines; as when the training began.
  /// - Throws: when the folder is no model's, or the data are not those that the training began with.
  public init(
    resuming folder: String, files moved: (data: String?, validation: String?, test: String?) = (nil, nil, nil),
    epochs: Int? = nil, patience: Int? = nil, _ bad: inout BadLines
  ) throws {
    var found = bad
    var test: [Model.Example] = []
    try self.init(resuming: folder, epochs: epochs, patience: patience, fresh: { $0.renewed() }) { model in
      guard let known = model.configuration.data else {
        throw UnrollError(
          .invalidData, "config.json does not say what the model was trained on", at: folder,
          hint: "start anew in another folder: --out")
      }
      let files = TextFiles(
        path: moved.data ?? known.path, validation: moved.validation ?? known.validation, test: moved.test ?? known.test
      )
      let parts = try FileParts<Model>(files, model.configuration.shape, &found)
      let examples = try parts.examples(of: model, &found)
      test = examples.test
      return (examples.training, examples.validation, parts.source)
    }
    bad = found
    self.test = test
  }
}

/// The samples of a training's files: to train on, to judge by, to measure with.
private struct FileParts<Model: FileModel> {
  var training, validation, test: [Model.Sample]
  let source: DataSource

  init(_ files: TextFiles, _ shape: Model.Shape, _ bad: inout BadLines) throws(UnrollError) {
    var checksums: [String] = []
    func read(_ path: String?) throws(UnrollError) -> [Model.Sample]? {
      guard let path else { return nil }
      let (samples, checksum) = try Model.samples(in: path, as: shape, &bad)
      checksums.append(checksum)
      return samples
    }
    training = try read(files.path) ?? []
    let (validation, test) = (try read(files.validation), try read(files.test))
    let all = checksums.joined(separator: " ")
    source = DataSource(
      path: files.path, validation: files.validation, test: files.test,
      checksum: checksums.count == 1 ? all : Array(all.utf8).withUnsafeBytes { Checksum($0).description })
    let parts = Model.split(training, shape, validation: validation == nil, test: test == nil)
    training = parts.training
    self.validation = validation ?? parts.validation
    self.test = test ?? parts.test
  }

  func examples(of model: Model, _ bad: inout BadLines) throws(UnrollError) -> (
    training: [Model.Example], validation: [Model.Example], test: [Model.Example]
  ) {
    (
      try model.examples(of: training, &bad), try model.examples(of: validation, &bad),
      try model.examples(of: test, &bad)
    )
  }
}
