import Corpora
import Foundation
import Interchange
import Networks
import Recurrence
import Tensors
import Training

/// Says to which class a text belongs: many to one.
///
///     let (classifier, score) = try Classifier.train(on: TextFiles(path: "reviews.tsv"), savingTo: "reviews")
///     classifier.predict(["a stirring , funny film"])[0].label   // "positive"
///
/// Its folder holds, beside what every model of examples has, `tokens.json` and `labels.json`.
public struct Classifier: FileModel, LineModel {
  /// A text's tokens and the number of its label.
  public struct Example: Hashable, Sendable {
    /// Numbers in the table of tokens; one at least.
    public let tokens: [Int32]
    /// Number in the table of labels.
    public let label: Int32
  }

  /// `classify`.
  public static let paradigm = "classify"
  /// `texts`.
  public static let units = "texts"
  /// What stands for tokens that are not known, and for a text without any; its number is 0.
  public static let unknown = "<unk>"
  /// Texts of a batch when measuring.
  private static let batch = 128

  /// Sizes, and how it was trained.
  public let configuration: ModelConfiguration<ClassifierShape>
  /// The network.
  public let network: ClassifierNetwork
  /// The words or characters that it knows.
  public let tokens: TokenTable
  /// The labels.
  public let labels: TokenTable

  /// The default configuration of a training.
  public static func configuration(_ shape: ClassifierShape = ClassifierShape()) -> ModelConfiguration<ClassifierShape>
  {
    var settings = TrainingSettings(epochs: 20, learningRate: 0.001)
    settings.earlyStopping = EarlyStopping(patience: 5)
    return ModelConfiguration(paradigm: paradigm, shape: shape, batch: 32, settings: settings)
  }

  private init(_ configuration: ModelConfiguration<ClassifierShape>, tokens: TokenTable, labels: TokenTable) {
    self.configuration = configuration
    self.tokens = tokens
    self.labels = labels
    var random = RandomSource(seed: configuration.seed)
    network = ClassifierNetwork(
      configuration.shape, tokens: tokens.count, labels: labels.count, using: &random)
  }

  /// A new model of the tokens and labels in some texts. Throws when these have fewer than two labels.
  public init(
    _ configuration: ModelConfiguration<ClassifierShape>, learningFrom samples: [LabelledText]
  ) throws(UnrollError) {
    let shape = configuration.shape
    let labels = Set(samples.map(\.label))
    guard labels.count >= 2 else {
      throw UnrollError(
        .invalidData, "all texts have the label `\(labels.first?.prefix(40) ?? "")`: there is nothing to learn",
        at: configuration.data?.path, hint: "name the label's column: --label-column")
    }
    let tokens = TokenTable(
      counting: samples.lazy.flatMap { shape.pieces(of: $0.text) }, specials: [Self.unknown],
      atLeast: shape.minimumCount)
    try shape.requireMemory(
      forValues: shape.parameterCount(tokens: tokens.count, labels: labels.count), at: nil)
    self.init(
      configuration, tokens: tokens,
      labels: TokenTable(labels.sorted { $0.unicodeScalars.lexicographicallyPrecedes($1.unicodeScalars) }))
  }

  // MARK: Folders

  /// A model whose network has no trained values yet, with the tables in its folder.
  public init(_ configuration: ModelConfiguration<ClassifierShape>, tablesIn folder: String) throws(UnrollError) {
    let tokens = try TokenTable(contentsOf: folder + "/tokens.json", kind: "tokens")
    let labels = try TokenTable(contentsOf: folder + "/labels.json", kind: "labels")
    guard tokens[Self.unknown] == 0 else {
      throw UnrollError(
        .invalidData, "the first token should be \(Self.unknown)", at: folder + "/tokens.json",
        hint: "put back the file that training wrote; the weights fit no other")
    }
    guard labels.count >= 2 else {
      throw UnrollError(.invalidData, "there are fewer than two labels", at: folder + "/labels.json")
    }
    try configuration.shape.requireMemory(
      forValues: configuration.shape.parameterCount(tokens: tokens.count, labels: labels.count),
      at: folder + "/config.json")
    self.init(configuration, tokens: tokens, labels: labels)
  }

  /// Writes `tokens.json` and `labels.json`.
  public func writeTables(to folder: String) throws(UnrollError) {
    try tokens.write(to: folder + "/tokens.json", kind: "tokens")
    try labels.write(to: folder + "/labels.json", kind: "labels")
  }

  /// The same tokens and labels with another configuration of the same data, and the values that a training begins
  /// with.
  public func renewed(as configuration: ModelConfiguration<ClassifierShape>) -> Classifier {
    Classifier(configuration, tokens: tokens, labels: labels)
  }

  /// Sizes on a line.
  public var summary: String {
    let shape = configuration.shape
    return
      "\(shape.layers) × \(shape.isBidirectional ? "bidirectional " : "")\(shape.cell.rawValue) of \(shape.hidden), "
      + "\(network.parameterCount) parameters; \(tokens.count) \(shape.unit), \(labels.count) labels"
  }

  // MARK: Examples

  /// The text and its label.
  public static func content(of sample: LabelledText) -> (input: AnyHashable, label: String?)? {
    (sample.text, sample.label)
  }

  /// Reads texts with labels: see ``LabelledTexts``.
  public static func samples(
    in path: String, as shape: ClassifierShape, _ bad: inout BadLines
  ) throws(UnrollError) -> (samples: [LabelledText], checksum: String) {
    try LabelledTexts.read(path, shape.columns, &bad)
  }

  /// A text as the model reads it. Throws when it does not know the label.
  public func example(of sample: LabelledText) throws(UnrollError) -> Example {
    guard let label = labels[sample.label] else {
      let known = labels.entries.prefix(20).map { String($0.prefix(40)) }.joined(separator: ", ")
      throw UnrollError(
        .invalidData, "the model knows no label `\(sample.label.prefix(40))`",
        at: sample.place.isEmpty ? nil : sample.place,
        hint: "it knows \(known)\(labels.count > 20 ? ", …" : ""); leave such lines out: --skip-bad-lines")
    }
    return Example(tokens: encode(sample.text), label: label)
  }

  /// The numbers of a text's tokens; that of `<unk>` for a text without any.
  public func encode(_ text: String) -> [Int32] {
    let numbers = configuration.shape.pieces(of: text).map { tokens[$0, default: 0] }
    return numbers.isEmpty ? [0] : numbers
  }

  /// Number of tokens.
  public func length(of example: Example) -> Int { example.tokens.count }

  /// The summed loss of some texts in nats, and their number.
  public func loss(of examples: [Example], in evaluation: inout Evaluation) -> (sum: Tensor, units: Int) {
    let batch = TokenBatch(examples.map(\.tokens))
    return (network.loss(of: examples.map(\.label), for: batch, in: &evaluation), examples.count)
  }

  // MARK: Use

  /// The probabilities of all labels for each text, in the order of ``labels``.
  private func probabilities(of texts: [[Int32]]) -> [[Float]] {
    var rows = [[Float]](repeating: [], count: texts.count)
    for batch in LengthBatches.sorted(texts.map(\.count), batch: Self.batch) {
      let values = softmax(network(TokenBatch(batch.map { texts[$0] }))).values
      for (row, text) in batch.enumerated() {
        rows[text] = Array(values[row * labels.count..<(row + 1) * labels.count])
      }
    }
    return rows
  }

  /// Measures the model on examples: accuracy, F1, confusion, loss.
  public func score(of examples: [Example]) -> ClassifierScore {
    var score = ClassifierScoreCount(labels: labels.entries)
    for (example, row) in zip(examples, probabilities(of: examples.map(\.tokens))) {
      score.count(row, truth: Int(example.label))
    }
    return score.score
  }

  /// The label of each text, with the probabilities of all labels.
  public func predict(_ texts: [String]) -> [ClassPrediction] {
    probabilities(of: texts.map(encode)).map { ClassPrediction(labels: labels.entries, probabilities: $0) }
  }

  /// The label of each line.
  public func predict(lines: [String]) -> [any Prediction] { predict(lines) }
}

extension ClassifierShape {
  /// The tokens of a text; a byte is written as its number.
  func pieces(of text: String) -> [String] {
    let text = lowercases ? text.lowercased() : text
    return switch unit {
    case .characters: text.unicodeScalars.map { String($0) }
    case .graphemes: text.map { String($0) }
    case .bytes: text.utf8.map { String($0) }
    case .words, .subwords: text.split(whereSeparator: \.isWhitespace).map(String.init)
    }
  }
}
