import Corpora
import Interchange
import Tensors
import Training

/// A model of examples that reads its own files. What it has, its training from files has: see
/// ``train(_:on:savingTo:_:)``.
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
  /// Examples without one of `count` parts of about the same size, and that part; `number` is counted from 0. By
  /// default all are mixed.
  static func fold(
    _ number: Int, of count: Int, _ examples: [Example], _ shape: Shape
  ) -> (rest: [Example], heldOut: [Example])
  /// What is read of a sample, and its class, nil where there are none; nil: samples cannot be told apart.
  static func content(of sample: Sample) -> (input: AnyHashable, label: String?)?
  /// A new model with the values that a training begins with; its tables are those of the samples to train on.
  init(_ configuration: ModelConfiguration<Shape>, learningFrom samples: [Sample]) throws(UnrollError)
  /// The default configuration of a training.
  static func configuration(_ shape: Shape) -> ModelConfiguration<Shape>
  /// A sample as the model reads it. Throws when it cannot be: a label that is not known.
  func example(of sample: Sample) throws(UnrollError) -> Example
  /// The same tables with another configuration of the same data, and the values that a training begins with.
  func renewed(as configuration: ModelConfiguration<Shape>) -> Self
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

  /// Mixed, and the same for all models.
  public static func fold(
    _ number: Int, of count: Int, _ examples: [Example], _ shape: Shape
  ) -> (rest: [Example], heldOut: [Example]) {
    var random = RandomSource(seed: 0)
    let order = random.permutation(examples.count)
    let range = examples.count * number / count..<examples.count * (number + 1) / count
    func taken(_ places: some Sequence<Int>) -> [Example] { places.sorted().map { examples[$0] } }
    return (taken(order[..<range.lowerBound] + order[range.upperBound...]), taken(order[range]))
  }

  /// The same tables, with the values that a training begins with.
  public func renewed() -> Self { renewed(as: configuration) }

  /// Samples cannot be told apart.
  public static func content(of sample: Sample) -> (input: AnyHashable, label: String?)? { nil }

  /// What is wrong with the data that the model was trained on; empty when they were not in files.
  ///
  /// - Parameter moved: The files, when they are no longer where they were: those that have moved.
  /// - Throws: what reading them throws.
  public func dataDiagnoses(
    files moved: (data: String?, validation: String?, test: String?) = (nil, nil, nil), _ bad: inout BadLines
  ) throws(UnrollError) -> [Diagnosis] {
    guard let known = configuration.data else { return [] }
    let files = known.files.replaced(by: moved)
    let parts = try TrainingParts<Self>(files, configuration.shape, &bad)
    func contents(_ samples: [Sample]) -> [(input: AnyHashable, label: String?)] {
      samples.compactMap { Self.content(of: $0) }
    }
    return DataDoctor.diagnoses(
      training: contents(parts.training), heldOut: contents(parts.validation + parts.test), content: { $0 })
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

  // MARK: Training

  /// Trains a new model on files. Without a file for validation, or for the test, a part of the first file is held out
  /// for it: see ``FileModel/split(_:_:validation:test:)``.
  ///
  ///     let (tagger, score) = try Tagger.train(on: TextFiles(path: "en-train.conllu"), savingTo: "tagger")
  ///
  /// - Parameters:
  ///   - configuration: Sizes and settings; the learning rate rises over a tenth of all updates at most.
  ///   - files: The files; their first bad line is thrown. ``ExampleTraining`` can leave bad lines out, be interrupted
  ///     and be resumed.
  ///   - folder: The model folder to make; nil: nothing is kept.
  ///   - report: Called with every event.
  /// - Returns: the model, with the weights of the best epoch when there is a folder, else of the last; and how it does
  ///   on the part for the test, nil when that is empty.
  /// - Throws: when a number cannot be, a file cannot be read, or the folder holds a model already.
  @discardableResult
  public static func train(
    _ configuration: ModelConfiguration<Shape> = configuration(Shape()), on files: TextFiles,
    savingTo folder: String? = nil, _ report: (TrainingEvent) -> Void = { _ in }
  ) throws -> (model: Self, score: Score?) {
    var bad = BadLines(skips: false)
    return try trained(ExampleTraining<Self>(configuration, on: files, savingTo: folder, &bad), report)
  }

  /// Trains a new model on samples, as ``train(_:on:savingTo:_:)`` does on those in files.
  ///
  ///     let texts = [LabelledText(text: "a stirring , funny film", label: "positive"), …]
  ///     let (classifier, score) = try Classifier.train(on: texts)
  ///
  /// - Parameters:
  ///   - configuration: Sizes and settings.
  ///   - samples: What is trained on.
  ///   - validation: What judges each epoch; nil: a part of `samples`. Empty: nothing does.
  ///   - test: What measures the best model; nil: a part of `samples`.
  ///   - folder: The model folder to make; nil: nothing is kept.
  ///   - report: Called with every event.
  @discardableResult
  public static func train(
    _ configuration: ModelConfiguration<Shape> = configuration(Shape()), on samples: [Sample],
    validation: [Sample]? = nil, test: [Sample]? = nil, savingTo folder: String? = nil,
    _ report: (TrainingEvent) -> Void = { _ in }
  ) throws -> (model: Self, score: Score?) {
    try trained(
      ExampleTraining<Self>(configuration, on: samples, validation: validation, test: test, savingTo: folder), report)
  }

  private static func trained(
    _ training: ExampleTraining<Self>, _ report: (TrainingEvent) -> Void
  ) throws -> (model: Self, score: Score?) {
    try training.run(report)
    return (training.model, training.test.isEmpty ? nil : training.model.score(of: training.test))
  }

  // MARK: Measuring

  /// Measures the model on samples. Throws when it cannot read one: a label that it does not know.
  public func evaluate(_ samples: [Sample]) throws(UnrollError) -> Score {
    var bad = BadLines(skips: false)
    return score(of: try examples(of: samples, &bad))
  }

  /// Measures the model on a file of the form that it was trained on. Throws when there are no examples in it.
  public func evaluate(_ path: String, _ bad: inout BadLines) throws(UnrollError) -> Score {
    let samples = try Self.samples(in: path, as: configuration.shape, &bad).samples
    let examples = try examples(of: samples, &bad)
    guard !examples.isEmpty else { throw UnrollError(.invalidData, "there are no examples in the file", at: path) }
    return score(of: examples)
  }

  /// Measures the model on a file, whose first bad line is thrown.
  ///
  ///     print(try Tagger.load(from: "tagger").evaluate("en-test.conllu").text)
  public func evaluate(_ path: String) throws(UnrollError) -> Score {
    var bad = BadLines(skips: false)
    return try evaluate(path, &bad)
  }
}
