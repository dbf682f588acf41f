import Interchange

/// The kinds of models that are opened by what their folder says.
///
///     if let model = try StoredModels.open("reviews") as? any LineModel {
///       print(try model.answers(to: ["what a film"])[0].text)
///     }
public enum StoredModels {
  /// All kinds, beside the language model, which is opened as a ``TextModel``.
  public static let all: [any StoredModel.Type] = [
    Classifier.self, Recognizer.self, Tagger.self, Translator.self, Forecaster.self, Describer.self,
  ]

  /// Opens the model in a folder; nil when it is of a paradigm that is not in ``all``. Throws when the folder holds
  /// none, or a damaged one.
  public static func open(_ folder: String) throws(UnrollError) -> (any StoredModel)? {
    let paradigm = try ModelFolder.paradigm(of: folder)
    guard let kind = all.first(where: { $0.paradigm == paradigm }) else { return nil }
    return try kind.init(contentsOf: folder)
  }
}
