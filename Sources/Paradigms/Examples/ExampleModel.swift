import Corpora
import Foundation
import Interchange
import Networks
import Tensors
import Training

/// A ready model of one paradigm that learns from examples, each by itself: pictures, texts with a label, sentences
/// with tags, pairs of sentences.
///
/// Its folder holds `config.json` (``ModelConfiguration``), the tables that it reads with (words, labels),
/// `weights.safetensors` (the best weights so far), `history.jsonl` and `checkpoints/`.
public protocol ExampleModel: Sendable {
  /// One thing to learn from.
  associatedtype Example: Sendable
  /// The network's sizes, and how data are read.
  associatedtype Shape: ModelShape
  /// The network's type.
  associatedtype Network: Module
  /// What measuring gives.
  associatedtype Score: ModelScore
  /// The word in `config.json` and after `unroll train`: `classify`.
  static var paradigm: String { get }
  /// Sizes, and how it was trained.
  var configuration: ModelConfiguration<Shape> { get }
  /// The network.
  var network: Network { get }
  /// A model whose network has no values yet, with the tables in its folder.
  init(_ configuration: ModelConfiguration<Shape>, tablesIn folder: String) throws(UnrollError)
  /// Writes the tables that it reads with.
  func writeTables(to folder: String) throws(UnrollError)
  /// What batches are made by: time steps of an example.
  func length(of example: Example) -> Int
  /// The summed loss of some examples in nats, and the number of units (sentences, words) that it is a sum over.
  func loss(of examples: [Example], in evaluation: inout Evaluation) -> (sum: Tensor, units: Int)
  /// Measures the model.
  func score(of examples: [Example]) -> Score
  /// Measures the model to judge an epoch; as ``score(of:)`` unless that takes long.
  func judge(_ examples: [Example]) -> Score
}

extension ExampleModel {
  /// As ``score(of:)``.
  public func judge(_ examples: [Example]) -> Score { score(of: examples) }
}

/// What a model measures.
public protocol ModelScore: Sendable, Encodable {
  /// What epochs are judged by; lower is better.
  var judged: Double { get }
  /// The number of examples, words or others that ``judged`` is a measure of.
  var judgedUnits: Int { get }
  /// What ``judged`` is: `error rate`.
  static var judgedBy: String { get }
  /// Whether that is the training loss; by default it is not.
  static var judgesByLoss: Bool { get }
  /// Its numbers, by the names that they have in JSON: what trainings with several seeds are compared by.
  var measures: [(name: String, value: Double)] { get }
  /// For people, on one line or several.
  var text: String { get }
}

extension ModelScore {
  /// Not the training loss.
  public static var judgesByLoss: Bool { false }
}

/// Sizes of a network.
public protocol ModelShape: Hashable, Sendable, Codable {
  /// The default sizes.
  init()
  /// Throws when a number is outside its range, before anything of that size is built. `place` is a file, or nil for
  /// flags.
  func validate(at place: String?) throws(UnrollError)
}

/// Sizes of a network with recurrent layers.
public protocol RecurrentShape: ModelShape {
  /// How the recurrent layers' weights for the state begin; nil: orthogonal.
  var recurrentInitializer: Initializer? { get set }
}

extension RecurrentShape {
  /// How the recurrent layers begin.
  var initialization: CellInitialization {
    recurrentInitializer.map { CellInitialization(recurrent: $0) } ?? CellInitialization()
  }
}

extension ModelShape {
  /// Throws unless a number is in a range; `name` is the flag that sets it.
  func require(_ name: String, _ value: Int, _ range: ClosedRange<Int>, at place: String?) throws(UnrollError) {
    guard !range.contains(value) else { return }
    throw UnrollError(
      place == nil ? .usage : .invalidData,
      "\(name) is \(value), and must be in \(range.lowerBound)...\(range.upperBound)", at: place,
      hint: mend(name, at: place))
  }

  /// Throws when so many learnt values, with their gradients and two numbers of the optimiser each, cannot fit into
  /// the machine's memory: the sizes may come from a damaged file.
  func requireMemory(forValues count: Int, at place: String?) throws(UnrollError) {
    let (bytes, available) = (16 * Double(count), Double(ProcessInfo.processInfo.physicalMemory))
    guard bytes > available else { return }
    func gibibytes(_ bytes: Double) -> String { String(format: "%.1f GiB", bytes / Double(1 << 30)) }
    throw UnrollError(
      place == nil ? .usage : .invalidData,
      "a network of \(count) values takes at least \(gibibytes(bytes)) of memory, and this machine has "
        + gibibytes(available), at: place, hint: "make --hidden, --layers or --embedding smaller")
  }

  /// Throws when noise and normalisation inside the layers cannot be for a cell.
  func require(_ regularization: Regularization?, for cell: CellKind, at place: String?) throws(UnrollError) {
    guard let fault = regularization?.fault(parts: cell.stateParts) else { return }
    throw UnrollError(
      place == nil ? .usage : .invalidData, fault.message, at: place, hint: mend(fault.rate, at: place))
  }

  private func mend(_ flag: String, at place: String?) -> String {
    place == nil ? "change --\(flag)" : "the file is damaged, or was edited: mend the number"
  }

  /// Throws unless a rate is at least 0 and below 1.
  func requireRate(_ name: String, _ value: Float, at place: String?) throws(UnrollError) {
    guard !(value >= 0 && value < 1) else { return }
    throw UnrollError(
      place == nil ? .usage : .invalidData, "\(name) is \(value), and must be at least 0 and below 1", at: place,
      hint: mend(name, at: place))
  }
}

/// What `config.json` says of a model of examples.
public struct ModelConfiguration<Shape: ModelShape>: Hashable, Sendable, Codable {
  /// The newest version of the folder's form.
  public static var newestVersion: Int { 2 }
  /// Version of the folder's form: 2 with layers that are added to what they read, else 1.
  public var version = 1
  /// The kind of model.
  public var paradigm: String
  /// Sizes of the network, and how data are read.
  public var shape: Shape
  /// Examples of a batch.
  public var batch: Int
  /// Decides initial weights, masks and order.
  public var seed: UInt64 = 1
  /// For how many time steps the gates of the recurrent layers begin to keep a memory at the longest
  /// (`Module.initializeChrono`); 0: for those of the longest example; nil: as the cell begins by itself.
  public var longestMemory: Int?
  /// The optimiser and its schedule.
  public var settings: TrainingSettings
  /// The data that it was trained on; nil: not from a file.
  public var data: DataSource?

  /// A configuration.
  public init(paradigm: String, shape: Shape, batch: Int, settings: TrainingSettings, data: DataSource? = nil) {
    self.paradigm = paradigm
    self.shape = shape
    self.batch = batch
    self.settings = settings
    self.data = data
  }

  /// Throws when a number is outside its range. `place` is a file, or nil for flags.
  public func validate(at place: String? = nil) throws(UnrollError) {
    try shape.validate(at: place)
    try shape.require("batch", batch, 1...1_000_000, at: place)
    if let longestMemory, longestMemory != 0 {
      try shape.require("chrono", longestMemory, 2...10_000_000, at: place)
    }
    do {
      try settings.validate()
    } catch {
      throw UnrollError(
        place == nil ? .usage : .invalidData, error.message, at: place, hint: place == nil ? error.hint : nil)
    }
  }
}

/// The files of a training, and what they are known by.
public struct DataSource: Hashable, Sendable, Codable {
  /// The path as it was given.
  public var path: String
  /// The paths of the held-out files; nil: they are parts of the one file.
  public var validation, test: String?
  /// Checksum of their content.
  public var checksum: String

  /// A source.
  public init(path: String, validation: String? = nil, test: String? = nil, checksum: String) {
    (self.path, self.validation, self.test) = (path, validation, test)
    self.checksum = checksum
  }

  /// The same as files.
  public var files: TextFiles { TextFiles(path: path, validation: validation, test: test) }
}

extension ExampleModel {
  /// Opens a model folder.
  ///
  ///     let classifier = try Classifier.load(from: "reviews")
  ///
  /// Throws when something is missing, damaged, too new, or does not fit together.
  public static func load(from folder: String) throws(UnrollError) -> Self {
    let configuration = try ModelFolder.configuration(Shape.self, of: paradigm, in: folder)
    let weights = try SafeTensors.read(from: folder + "/weights.safetensors")
    let model = try Self(configuration, tablesIn: folder)
    try Weights.assign(weights.tensors, to: model.network, at: folder + "/weights.safetensors")
    return model
  }

  /// Writes the model to a folder, to be opened again: `config.json`, the tables, and the weights as they are.
  ///
  ///     try classifier.save(to: "reviews")
  ///
  /// Throws when the folder holds a model already, or a file cannot be written.
  public func save(to folder: String) throws(UnrollError) {
    guard try !CheckpointStore(folder: folder).isTaken else {
      throw UnrollError(.usage, "the folder holds a model already", at: folder, hint: "choose another folder")
    }
    try CheckpointStore.makeFolder(folder)
    // The tables and weights first: a folder with a config.json is a model.
    try writeTables(to: folder)
    try Weights.save(network, to: folder + "/weights.safetensors")
    try StrictJSON.write(configuration, to: folder + "/config.json")
  }
}
