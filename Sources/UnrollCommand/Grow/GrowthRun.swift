import Foundation
import Unroll

/// A ladder as the command line shows it: each rung, its training, the table, the kept model's test.
struct GrowthRun<Configuration: GrowingConfiguration> {
  let paradigm, folder: String
  let json: Bool
  let unit: String
  /// What epochs are judged by; nil: the loss, in nats.
  let judgedBy: String?
  let watches: Bool

  /// Says how far growing may go.
  func introduce(most sizes: String) { note("growing up to \(sizes)") }

  /// Climbs, and measures the kept model by what `test` gives. Returns what was measured; nil when the climb was
  /// interrupted.
  func run(
    _ climb: (StopRequest, (GrowthEvent) -> Void) throws -> Ladder<Configuration>?, test: () throws -> (any ModelScore)?
  ) throws -> [Measure]? {
    let stop = StopRequest()
    let interruption = Interruption(requesting: stop)
    defer { interruption.end() }
    var progress = progressLine
    let ladder = try climb(stop) { event in
      switch event {
      case .begins(let beginning):
        progress = progressLine
        show(beginning)
      case .training(let event): progress.show(event)
      case .rung(let rung): if json { try? Console.json(RungLine(event: "rung", rung: rung)) }
      case .compares(let finale):
        note(
          "the validation data cannot tell \(finale.contenders.count) trainings apart: each is made without one of "
            + "\(finale.folds) parts of all data after the other")
      case .fold(let contender, let number):
        progress = progressLine
        show(contender, number)
      case .contender(let contender): show(contender)
      case .refit(let contender):
        progress = progressLine
        showRefit(contender)
      }
    }
    guard let ladder, let kept = ladder.kept else {
      note("to go on: unroll grow \(paradigm) --out \(folder) --resume")
      return nil
    }
    try show(ladder, kept)
    if let refit = ladder.finale?.refit {
      note("the model has the sizes of rung \(refit.rung), trained on all data, those for validation too")
    }
    var measures = [Measure(part: "validation", name: measure, value: ladder.rungs[kept].validation)]
    if let score = try test() {
      measures += score.measures.map { Measure(part: "test", name: $0.name, value: $0.value) }
      if json { try Console.json(ModelScoreLine(part: "test", score: score)) } else { note("test: \(score.text)") }
    }
    note("the model is in \(folder); to see how it was trained: unroll report \(folder)")
    return measures
  }

  private var measure: String { judgedBy ?? LanguageModel.Score.judgedBy }

  private var progressLine: ProgressLine {
    ProgressLine(json: json, unit: unit, judgedBy: judgedBy ?? "validation", watches: watches)
  }

  private func show(_ beginning: Rung.Beginning) {
    if json {
      try? Console.json(RungLine(event: "rungBegins", beginning: beginning))
      return
    }
    let parent = beginning.parent.map { "rung \($0)" } ?? ""
    let origin =
      switch beginning.step {
      case .start: "begun"
      case .full: "the sizes that are trained without growing, begun afresh"
      case .narrow: "half the units of \(parent), begun afresh"
      case .regularize, .afresh: "the sizes of \(parent), begun afresh"
      case .prolong: "the sizes of \(parent), begun afresh, for up to \(beginning.mostEpochs ?? 0) epochs"
      case .gate, .widen, .deepen:
        beginning.isGrown
          ? String(format: "grown from \(parent), the loss changed by %.1g", beginning.drift ?? 0)
          : "begun afresh, as \(parent)'s function cannot be kept"
      }
    note(
      "rung \(beginning.number), \(beginning.step.rawValue): \(beginning.sizes), \(beginning.parameters) parameters, "
        + "learning rate \(String(format: "%.2g", beginning.learningRate)); \(origin)")
  }

  private func show(_ contender: Contender, _ number: Int) {
    if json {
      try? Console.json(ContenderLine(event: "fold", contender, fold: number))
    } else {
      note("cross-validation of rung \(contender.rung): \(contender.epochs) epochs without part \(number)")
    }
  }

  private func show(_ contender: Contender) {
    if json { try? Console.json(ContenderLine(event: "contender", contender)) }
  }

  private func showRefit(_ contender: Contender) {
    if json {
      try? Console.json(ContenderLine(event: "refit", contender))
    } else {
      note("the sizes of rung \(contender.rung) on all data, for \(contender.epochs) epochs")
    }
  }

  private func show(_ ladder: Ladder<Configuration>, _ kept: Int) throws {
    guard json else { return try Console.write(ladder.table(judgedBy: measure) + "\n") }
    try Console.json(
      LadderLine(
        kept: ladder.rungs[kept].beginning.number, rungs: ladder.rungs.map { RungLine(event: nil, rung: $0) },
        contenders: ladder.finale?.contenders.map { ContenderLine(event: nil, $0) }, refit: ladder.finale?.refit))
  }

  private func note(_ text: String) {
    if !json { Console.note(text) }
  }
}

/// A ladder as a line of JSON.
private struct LadderLine: Encodable {
  let event = "ladder"
  let kept: Int
  let rungs: [RungLine]
  let contenders: [ContenderLine]?
  let refit: Finale.Refit?

  private enum CodingKeys: CodingKey { case event, kept, rungs, contenders, refit }
}

/// A contender as a line of JSON.
private struct ContenderLine: Encodable {
  let event: String?
  let rung, epochs: Int
  /// The part that is held out, from 1.
  let fold: Int?
  /// What it is judged by, over all parts.
  let heldOut, standardError: Double?

  init(event: String?, _ contender: Contender, fold: Int? = nil) {
    (self.event, self.fold, rung, epochs) = (event, fold, contender.rung, contender.epochs)
    let isJudged = fold == nil && !contender.folds.isEmpty
    heldOut = isJudged ? contender.judgement.mean : nil
    standardError = isJudged ? contender.judgement.standardError : nil
  }
}

/// A rung as a line of JSON, flat.
private struct RungLine: Encodable {
  let event: String?
  let beginning: Rung.Beginning
  let rung: Rung?

  init(event: String?, rung: Rung) { (self.event, beginning, self.rung) = (event, rung.beginning, rung) }

  init(event: String, beginning: Rung.Beginning) { (self.event, self.beginning, rung) = (event, beginning, nil) }

  private enum Key: CodingKey {
    case event, epochs, bestEpoch, trainingLoss, validation, standardError, seconds
  }

  func encode(to encoder: any Swift.Encoder) throws {
    try beginning.encode(to: encoder)
    var container = encoder.container(keyedBy: Key.self)
    try container.encodeIfPresent(event, forKey: .event)
    guard let rung else { return }
    try container.encode(rung.epochs, forKey: .epochs)
    try container.encode(rung.bestEpoch, forKey: .bestEpoch)
    try container.encode(rung.trainingLoss, forKey: .trainingLoss)
    try container.encode(rung.validation, forKey: .validation)
    try container.encodeIfPresent(rung.judgement.standardError, forKey: .standardError)
    try container.encode(rung.seconds, forKey: .seconds)
  }
}
