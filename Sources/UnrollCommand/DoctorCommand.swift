import ArgumentParser
import Unroll

/// `unroll doctor`.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Say what goes wrong in a training, how that shows, and what helps.",
    discussion: """
      Reads what the training wrote into its folder, and its data where they still are, to look for copies between
      what is trained on and what judges, and for classes that hide others.

        unroll doctor poems
        unroll doctor reviews --data moved/reviews.tsv
        unroll doctor poems --json

      Exit code 0 when nothing is wrong, 3 when something is.
      """)

  @Argument(help: "The model folder.") var folder: String
  @Option(help: "The file that was trained on, when it has moved.") var data: String?
  @Option(help: "The file that judged the epochs, when it has moved.") var validation: String?
  @Option(help: "The file that measured the model, when it has moved.") var test: String?
  @Flag(help: "Judge the training alone, not its data.") var withoutData = false
  @Flag(help: "Leave out, and count, lines of the data that cannot be read.") var skipBadLines = false
  @OptionGroup var common: CommonOptions

  func run() throws {
    common.apply()
    let record = try TrainingRecord(of: folder)
    let model = try StoredModels.open(folder)
    let doctor = Doctor(
      history: record.epochs, watched: record.watched, skipped: record.skipped,
      window: (model as? LanguageModel)?.configuration.length,
      judgedBy: StoredModels.measure(ofEpochsOf: type(of: model).paradigm))
    var found = doctor.diagnoses()
    if !withoutData { found += try dataDiagnoses(of: model) }
    if common.json {
      for diagnosis in found { try Console.json(DiagnosisLine(diagnosis)) }
    } else {
      try Console.write(text(of: found, record))
    }
    if !found.isEmpty { throw ExitCode(3) }
  }

  private func dataDiagnoses(of model: any StoredModel) throws -> [Diagnosis] {
    var bad = BadLines(skips: skipBadLines)
    let found = try model.dataDiagnoses(files: (data, validation, test), &bad)
    try SkippedLines(bad.skipped).show(json: common.json)
    return found
  }

  private func text(of found: [Diagnosis], _ record: TrainingRecord) -> String {
    let seen = "\(record.epochs.count) epochs, \(record.watched.count) watched updates"
    guard !found.isEmpty else {
      return "nothing is wrong (\(seen))\n"
        + (record.watched.isEmpty ? "gradients were not watched: train with --watch-every 100\n" : "")
    }
    let entries = found.map { diagnosis in
      "\(diagnosis.title)\n  \(diagnosis.evidence)\n"
        + diagnosis.advice.map { "  - \($0)\n" }.joined()
        + "  more: the guide's page `TheDoctor`, \(diagnosis.kind.rawValue)\n"
    }
    return "\(found.count) of \(Diagnosis.Kind.allCases.count) things that can go wrong (\(seen)):\n\n"
      + entries.joined(separator: "\n")
  }

  private struct DiagnosisLine: Encodable {
    var event = "diagnosis"
    let kind: String
    let place: String?
    let evidence: String
    let advice: [String]

    init(_ diagnosis: Diagnosis) {
      (kind, place) = (diagnosis.kind.rawValue, diagnosis.place)
      (evidence, advice) = (diagnosis.evidence, diagnosis.advice)
    }
  }
}
