import Corpora
import Interchange
import Tensors
import Training

extension ExampleTraining where Model: FileModel {
  /// A new training on files, whose learning rate rises over a tenth of all updates at most. Without a file for
  /// validation, or for the test, a part of the first file is held out for it: see
  /// ``FileModel/split(_:_:validation:test:)``.
  ///
  ///     var bad = BadLines(skips: true)
  ///     let training = try ExampleTraining<Classifier>(
  ///       Classifier.configuration(), on: TextFiles(path: "reviews.tsv"), savingTo: "reviews", &bad)
  ///     try training.run(stop: stop)
  ///
  /// Throws as ``init(_:on:validation:savingTo:)``, and what reading the files throws.
  public init(
    _ configuration: ModelConfiguration<Model.Shape>, on files: TextFiles, savingTo folder: String?,
    _ bad: inout BadLines
  ) throws(UnrollError) {
    try configuration.validate()
    try self.init(configuration, TrainingParts(files, configuration.shape, &bad), folder, &bad)
  }

  /// A new training on samples, of which a part is held out for validation, or for the test, when there is none: see
  /// ``FileModel/split(_:_:validation:test:)``. Throws when the model cannot read one.
  public init(
    _ configuration: ModelConfiguration<Model.Shape>, on samples: [Model.Sample], validation: [Model.Sample]? = nil,
    test: [Model.Sample]? = nil, savingTo folder: String?
  ) throws(UnrollError) {
    try configuration.validate()
    var bad = BadLines(skips: false)
    try self.init(
      configuration, TrainingParts(samples, validation: validation, test: test, configuration.shape), folder, &bad)
  }

  private init(
    _ configuration: ModelConfiguration<Model.Shape>, _ parts: TrainingParts<Model>, _ folder: String?,
    _ bad: inout BadLines
  ) throws(UnrollError) {
    let configuration = try configuration.fitted(to: parts)
    let model = try Model(configuration, learningFrom: parts.training)
    let examples = try parts.examples(of: model, &bad)
    try self.init(model, on: examples.training, validation: examples.validation, savingTo: folder)
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
      let files = known.files.replaced(by: moved)
      let parts = try TrainingParts<Model>(files, model.configuration.shape, &found)
      let examples = try parts.examples(of: model, &found)
      test = examples.test
      return (examples.training, examples.validation, parts.source)
    }
    bad = found
    self.test = test
  }
}

/// The samples of a training: to train on, to judge by, to measure with.
struct TrainingParts<Model: FileModel> {
  let training, validation, test: [Model.Sample]
  /// The files that they stand in.
  var source: DataSource?

  init(_ samples: [Model.Sample], validation: [Model.Sample]?, test: [Model.Sample]?, _ shape: Model.Shape) {
    let parts = Model.split(samples, shape, validation: validation == nil, test: test == nil)
    training = parts.training
    self.validation = validation ?? parts.validation
    self.test = test ?? parts.test
  }

  init(_ files: TextFiles, _ shape: Model.Shape, _ bad: inout BadLines) throws(UnrollError) {
    var checksums: [String] = []
    func read(_ path: String?) throws(UnrollError) -> [Model.Sample]? {
      guard let path else { return nil }
      let (samples, checksum) = try Model.samples(in: path, as: shape, &bad)
      checksums.append(checksum)
      return samples
    }
    let (samples, validation, test) = (try read(files.path) ?? [], try read(files.validation), try read(files.test))
    self.init(samples, validation: validation, test: test, shape)
    let all = checksums.joined(separator: " ")
    source = DataSource(
      path: files.path, validation: files.validation, test: files.test,
      checksum: checksums.count == 1 ? all : Array(all.utf8).withUnsafeBytes { Checksum($0).description })
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

extension ModelConfiguration {
  /// The same for these data: it names them, and the learning rate rises over a tenth of all updates at most. Throws
  /// when there is nothing to train on.
  func fitted<Model: FileModel>(to parts: TrainingParts<Model>) throws(UnrollError) -> Self {
    guard !parts.training.isEmpty else {
      throw UnrollError(.invalidData, "there are no examples to train on", at: parts.source?.path)
    }
    var own = self
    own.data = parts.source
    let batches = (parts.training.count + batch - 1) / batch
    own.settings.schedule = settings.schedule.warmingUp(atMost: batches * settings.epochs / 10)
    return own
  }
}
