import Corpora
import Interchange
import Training

/// A model in a folder that is opened by its paradigm's name; see ``StoredModels``.
public protocol StoredModel: Sendable {
  /// What measuring gives.
  associatedtype Score: ModelScore
  /// The word in `config.json` and after `unroll train`: `classify`.
  static var paradigm: String { get }
  /// Opens a model folder. Throws when something is missing, damaged, too new, or does not fit together.
  static func load(from folder: String) throws(UnrollError) -> Self
  /// Writes the model to a folder, to be opened again. Throws when the folder holds a model already, or a file cannot
  /// be written.
  func save(to folder: String) throws(UnrollError)
  /// Measures the model on a file of the form that it was trained on.
  func evaluate(_ path: String, _ bad: inout BadLines) throws(UnrollError) -> Score
  /// What is wrong with the data that the model was trained on; empty when they were not in files. `files` are those
  /// that are no longer where they were.
  func dataDiagnoses(
    files: (data: String?, validation: String?, test: String?), _ bad: inout BadLines
  ) throws(UnrollError) -> [Diagnosis]
}

/// A model that answers lines of text, one each.
public protocol LineModel: StoredModel {
  /// An answer for each line, in order; an empty line has one too.
  func predict(lines: [String]) throws(UnrollError) -> [any Prediction]
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
  func predict(contentsOf path: String, _ bad: inout BadLines) throws(UnrollError) -> [any Prediction]
}

/// What a model answers.
public protocol Prediction: Sendable, Encodable {
  /// For people, on one line.
  var text: String { get }
}

/// All kinds of models, which are opened by what their folder says.
///
///     if let model = try StoredModels.open("reviews") as? any LineModel {
///       print(try model.predict(lines: ["what a film"])[0].text)
///     }
public enum StoredModels {
  /// All kinds.
  public static let all: [any StoredModel.Type] = [
    Recognizer.self, Describer.self, Classifier.self, Tagger.self, Translator.self, LanguageModel.self, Forecaster.self,
  ]

  /// Opens the model in a folder. Throws when the folder holds none, a damaged one, or one of a paradigm that is not in
  /// ``all``.
  public static func open(_ folder: String) throws(UnrollError) -> any StoredModel {
    let paradigm = try ModelFolder.paradigm(of: folder)
    guard let kind = all.first(where: { $0.paradigm == paradigm }) else {
      throw UnrollError(
        .unsupportedVersion, "nothing is known of the paradigm `\(paradigm)`", at: folder + "/config.json",
        hint: "open it with the newer program that wrote it")
    }
    return try kind.load(from: folder)
  }

  /// What epochs of a paradigm's trainings are judged by, where that is another measure than the training loss:
  /// `error rate` of `classify`; nil: the same.
  public static func measure(ofEpochsOf paradigm: String) -> String? {
    func name<Model: StoredModel>(_ kind: Model.Type) -> String? {
      Model.Score.judgesByLoss ? nil : Model.Score.judgedBy
    }
    return all.first { $0.paradigm == paradigm }.flatMap { name($0) }
  }
}
