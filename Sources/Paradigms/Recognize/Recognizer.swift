import Corpora
import Foundation
import Interchange
import Networks
import Recurrence
import Tensors
import Training

/// Says to which class some numbers belong, a picture's or a table's line: one to one, by feedforward layers.
///
///     let files = TextFiles(path: "train-images-idx3-ubyte.gz", test: "t10k-images-idx3-ubyte.gz")
///     let (recognizer, score) = try Recognizer.train(on: files, savingTo: "digits")
///
/// Its folder holds, beside what every model of examples has, `inputs.json` and `labels.json`.
public struct Recognizer: FileModel, LineModel {
  /// Numbers as they stand in the file, and the number of their label.
  public struct Example: Hashable, Sendable {
    /// As in the file.
    public let values: [Float]
    /// Number in the table of labels.
    public let label: Int32
  }

  /// What is taken off each number, and what it is divided by then.
  struct Scale: Codable, Hashable {
    var version = 1
    var means, deviations: [Float]
  }

  /// `recognize`.
  public static let paradigm = "recognize"
  /// `examples`.
  public static let units = "examples"

  /// Sizes, and how it was trained.
  public let configuration: ModelConfiguration<RecognizerShape>
  /// The network.
  public let network: RecognizerNetwork
  /// The labels.
  public let labels: TokenTable
  private let scale: Scale

  /// The default configuration of a training.
  public static func configuration(_ shape: RecognizerShape = RecognizerShape()) -> ModelConfiguration<RecognizerShape>
  {
    let settings = TrainingSettings(epochs: 20, learningRate: 0.001, schedule: .cosine(warmUp: 100, final: 0.01))
    return ModelConfiguration(paradigm: paradigm, shape: shape, batch: 128, settings: settings)
  }

  private init(_ configuration: ModelConfiguration<RecognizerShape>, labels: TokenTable, scale: Scale) {
    self.configuration = configuration
    self.labels = labels
    self.scale = scale
    var random = RandomSource(seed: configuration.seed)
    network = RecognizerNetwork(
      configuration.shape, inputs: scale.means.count, labels: labels.count, using: &random)
  }

  /// A new model of the labels of some examples, which reads numbers as these are spread: bytes of pictures as 0 to 1,
  /// others by the mean and the deviation of their column.
  public init(
    _ configuration: ModelConfiguration<RecognizerShape>, learningFrom samples: [LabelledNumbers]
  ) throws(UnrollError) {
    let labels = Set(samples.map(\.label))
    guard labels.count >= 2, let size = samples.first?.values.count, size > 0 else {
      throw UnrollError(
        .invalidData, "all examples have the label `\(labels.first?.prefix(40) ?? "")`: there is nothing to learn",
        at: configuration.data?.path, hint: "name the label's column: --label-column")
    }
    try configuration.shape.requireMemory(
      forValues: configuration.shape.parameterCount(inputs: size, labels: labels.count), at: nil)
    self.init(
      configuration,
      labels: TokenTable(labels.sorted { $0.unicodeScalars.lexicographicallyPrecedes($1.unicodeScalars) }),
      scale: Scale(of: samples, size: size))
  }

  // MARK: Folders

  /// A model whose network has no trained values yet, with the tables in its folder.
  public init(_ configuration: ModelConfiguration<RecognizerShape>, tablesIn folder: String) throws(UnrollError) {
    let labels = try TokenTable(contentsOf: folder + "/labels.json", kind: "labels")
    let path = folder + "/inputs.json"
    let scale = try StrictJSON.read(Scale.self, from: path)
    guard scale.version == 1 else {
      throw UnrollError(.unsupportedVersion, "the inputs have version \(scale.version)", at: path)
    }
    guard labels.count >= 2, !scale.means.isEmpty, scale.means.count == scale.deviations.count,
      scale.deviations.allSatisfy({ $0 > 0 })
    else {
      throw UnrollError(
        .invalidData, "labels and inputs are no model's", at: path, hint: "put back the files that training wrote")
    }
    try configuration.shape.requireMemory(
      forValues: configuration.shape.parameterCount(inputs: scale.means.count, labels: labels.count),
      at: folder + "/config.json")
    self.init(configuration, labels: labels, scale: scale)
  }

  /// Writes `inputs.json` and `labels.json`.
  public func writeTables(to folder: String) throws(UnrollError) {
    try StrictJSON.write(scale, to: folder + "/inputs.json")
    try labels.write(to: folder + "/labels.json", kind: "labels")
  }

  /// The same tables with another configuration of the same data, and the values that a training begins with.
  public func renewed(as configuration: ModelConfiguration<RecognizerShape>) -> Recognizer {
    Recognizer(configuration, labels: labels, scale: scale)
  }

  /// Sizes on a line.
  public var summary: String {
    let layers = ([scale.means.count] + configuration.shape.hidden + [labels.count]).map(String.init)
    return "feedforward layers of \(layers.joined(separator: " → ")), \(network.parameterCount) parameters"
  }

  // MARK: Examples

  /// The numbers and their label.
  public static func content(of sample: LabelledNumbers) -> (input: AnyHashable, label: String?)? {
    (sample.values, sample.label)
  }

  /// Reads numbers with labels: see ``LabelledNumbers``.
  public static func samples(
    in path: String, as shape: RecognizerShape, _ bad: inout BadLines
  ) throws(UnrollError) -> (samples: [LabelledNumbers], checksum: String) {
    try LabelledNumbers.read(path, labelColumn: shape.labelColumn, hasHeader: shape.hasHeader, &bad)
  }

  /// Numbers as the model reads them. Throws when they are too few or too many, or it does not know the label.
  public func example(of sample: LabelledNumbers) throws(UnrollError) -> Example {
    let place = sample.place.isEmpty ? nil : sample.place
    guard sample.values.count == scale.means.count else {
      throw UnrollError(
        .invalidData, "there are \(sample.values.count) numbers, and the model reads \(scale.means.count)", at: place,
        hint: "give examples of the form that it was trained on")
    }
    guard let label = labels[sample.label] else {
      let known = labels.entries.prefix(20).map { String($0.prefix(40)) }.joined(separator: ", ")
      throw UnrollError(
        .invalidData, "the model knows no label `\(sample.label.prefix(40))`", at: place,
        hint: "it knows \(known)\(labels.count > 20 ? ", …" : "")")
    }
    return Example(values: sample.values, label: label)
  }

  /// 1: an example is one step.
  public func length(of example: Example) -> Int { 1 }

  private func rows(_ examples: some Collection<[Float]>) -> Tensor {
    let size = scale.means.count
    var values: [Float] = []
    values.reserveCapacity(examples.count * size)
    for example in examples {
      for i in 0..<size { values.append((example[i] - scale.means[i]) / scale.deviations[i]) }
    }
    return Tensor(shape: [examples.count, size], values: values)
  }

  /// The summed loss of some examples in nats, and their number.
  public func loss(of examples: [Example], in evaluation: inout Evaluation) -> (sum: Tensor, units: Int) {
    let features = network.features(of: rows(examples.map(\.values)), in: &evaluation)
    return (network.readout.crossEntropy(features, examples.map(\.label)).sum(), examples.count)
  }

  // MARK: Use

  private func probabilities(of examples: [[Float]]) -> [[Float]] {
    stride(from: 0, to: examples.count, by: 512).flatMap { first -> [[Float]] in
      let own = examples[first..<min(examples.count, first + 512)]
      let values = softmax(network(rows(own))).values
      return own.indices.map { Array(values[($0 - first) * labels.count..<($0 - first + 1) * labels.count]) }
    }
  }

  /// Measures the model on examples: accuracy, F1, confusion, loss.
  public func score(of examples: [Example]) -> ClassifierScore {
    var score = ClassifierScoreCount(labels: labels.entries)
    for (example, row) in zip(examples, probabilities(of: examples.map(\.values))) {
      score.count(row, truth: Int(example.label))
    }
    return score.score
  }

  /// The label of each example, with the probabilities of all labels. Traps when one has too few or too many numbers.
  public func predict(_ examples: [[Float]]) -> [ClassPrediction] {
    for example in examples {
      demand(
        example.count == scale.means.count, "Recognizer: \(example.count) numbers, the model reads \(scale.means.count)"
      )
    }
    return probabilities(of: examples).map { ClassPrediction(labels: labels.entries, probabilities: $0) }
  }

  /// The label of each line of numbers between commas. Throws when a line is none, or has too few or too many.
  public func predict(lines: [String]) throws(UnrollError) -> [any Prediction] {
    var examples: [[Float]] = []
    for line in lines {
      let values = line.split(separator: ",").compactMap { Float($0.trimmingCharacters(in: .whitespaces)) }
      guard values.count == scale.means.count, values.allSatisfy(\.isFinite) else {
        throw UnrollError(
          .invalidData, "the line `\(line.prefix(40))` does not hold \(scale.means.count) numbers",
          hint: "give the numbers without a label, between commas")
      }
      examples.append(values)
    }
    return predict(examples)
  }
}

extension Recognizer.Scale {
  /// Bytes are read as 0 to 1, other numbers by their column's mean and deviation.
  init(of samples: [LabelledNumbers], size: Int) {
    let isBytes = samples.allSatisfy { $0.values.allSatisfy { $0 >= 0 && $0 <= 255 && $0 == $0.rounded() } }
    guard !isBytes || !samples.contains(where: { $0.values.contains { $0 > 100 } }) else {
      self.init(means: [Float](repeating: 0, count: size), deviations: [Float](repeating: 255, count: size))
      return
    }
    var spread = Spread(columns: size)
    for sample in samples where sample.values.count == size { spread.add(sample.values) }
    self.init(means: spread.means, deviations: spread.deviations)
  }
}
