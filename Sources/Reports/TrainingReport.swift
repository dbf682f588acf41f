import Foundation
import Interchange
import Paradigms
import Training

/// A page about a training, made from what it left in its model folder.
///
///     let report = try TrainingReport(of: "poems")
///     try report.write(to: "poems/report.html")
///
/// The page stands alone: it loads nothing, runs no script, and is light or dark as the reader's system is. It shows
/// what the model is, the loss and the other curves, what a `Doctor` finds, the ladder of a model that grew, and what a
/// language model writes; of a training that was watched (`watchInterval` of its settings) also how gradients flow back
/// through time, its gates, units and parameters, and its network coloured by gradients.
public struct TrainingReport: Sendable {
  /// The folder, as it was given.
  package let folder: String
  package let configuration: JSONValue
  package let history: [EpochReport]
  package let watched: [WatchReport]
  package let skipped: [SkippedUpdate]
  package let model: ModelPortrait
  /// Where it trained; nil of a folder that does not say.
  package let machine: Machine?
  /// What it grew over; nil of a model that did not grow.
  package let ladder: LadderRecord?
  /// What made the page, and when.
  package let program, date: String

  /// Reads a model folder. Throws when it holds no model, or something in it is damaged; a training that was stopped
  /// before its first epoch, or was not watched, has a shorter page.
  ///
  /// - Parameters:
  ///   - folder: The model folder.
  ///   - program: The name and version of what makes the report, for the page.
  public init(of folder: String, program: String = "") throws(UnrollError) {
    // First: it says best what is wrong with a folder that holds no model.
    _ = try ModelFolder.paradigm(of: folder)
    self.init(
      folder: folder, configuration: try StrictJSON.read(JSONValue.self, from: folder + "/config.json"),
      history: try JSONLines(folder + "/history.jsonl").read(EpochReport.self),
      watched: try JSONLines(folder + "/watch.jsonl").read(WatchReport.self),
      skipped: try JSONLines(folder + "/skipped.jsonl").read(SkippedUpdate.self),
      model: try ModelPortrait.open(folder), machine: try Self.machine(of: folder),
      ladder: try LadderRecord(in: folder), program: program, date: Date().formatted(.iso8601))
  }

  /// A report of these parts.
  package init(
    folder: String, configuration: JSONValue, history: [EpochReport], watched: [WatchReport],
    skipped: [SkippedUpdate] = [], model: ModelPortrait, machine: Machine?, ladder: LadderRecord? = nil,
    program: String,
    date: String
  ) {
    self.folder = folder
    self.configuration = configuration
    self.history = history
    self.watched = watched
    self.skipped = skipped
    self.model = model
    self.machine = machine
    self.ladder = ladder
    (self.program, self.date) = (program, date)
  }

  /// A model that was saved without being trained there has no such file.
  private static func machine(of folder: String) throws(UnrollError) -> Machine? {
    let path = CheckpointStore(folder: folder).machine
    return FileManager.default.fileExists(atPath: path) ? try StrictJSON.read(Machine.self, from: path) : nil
  }

  /// Writes the page to a file, whole or not at all. Throws when it cannot be written.
  public func write(to path: String) throws(UnrollError) { try AtomicFile.write(Data(html.utf8), to: path) }

  /// The page: an HTML document that is well-formed XML too.
  public var html: String {
    let sections = [
      diagnosesSection, curvesSection, ladderSection, flowSection, networkSection, gatesSection, parametersSection,
      samplesSection,
      settingsSection, machineSection,
    ]
    return Page(
      title: name, lead: lead, sections: sections.compactMap { $0 },
      foot: Markup(
        "Made \(date)\(program.isEmpty ? "" : " by \(program)") from \(folder). "
          + "Norms are Euclidean, of the gradient of the mean loss before clipping; losses are in nats.")
    ).document
  }

  // MARK: What all sections ask for

  /// The folder's own name.
  private var name: String { folder.split(separator: "/").last.map(String.init) ?? folder }

  var paradigm: String { configuration["paradigm"]?.text ?? "unknown" }

  /// Time steps that gradients go back through, where sequences go on before them: only texts are cut.
  var window: Int? { paradigm == "text" ? configuration["length"]?.whole : nil }

  /// What epochs are judged by: `loss`, or a measure of the paradigm's.
  var measure: String { StoredModels.measure(ofEpochsOf: paradigm) ?? "loss" }

  /// The epoch whose weights were kept: the one with the lowest validation loss, or the last.
  var best: EpochReport? {
    history.filter { $0.validationLoss?.isFinite == true }
      .min { ($0.validationLoss ?? .infinity) < ($1.validationLoss ?? .infinity) } ?? history.last
  }

  /// The first, the middle and the last watched update, as far as they differ.
  var moments: [WatchReport] {
    guard let first = watched.first, let last = watched.last else { return [] }
    switch watched.count {
    case 1: return [last]
    case 2: return [first, last]
    default: return [first, watched[watched.count / 2], last]
    }
  }

  /// What is said where a training was not watched.
  static let howToWatch =
    "This training was not watched. With --watch-every 100 a training also keeps how gradients flow back through "
    + "time, what its gates and units do, and how far updates move its parameters; this page then shows them."
}
