import Foundation
import Interchange
import Networks
import Tensors
import Training

/// What growing asks of a kind of model.
protocol GrowthSubject {
  associatedtype Configuration: GrowingConfiguration
  associatedtype Model
  /// The word in `config.json`.
  static var paradigm: String { get }
  /// A model with the values that a training begins with.
  func model(_ configuration: Configuration) throws -> Model
  /// The model in a folder.
  func load(_ folder: String) throws -> Model
  /// Its network.
  func network(of model: Model) -> any Module
  /// The mean loss on some training examples without the noise of training, in nats.
  func loss(of model: Model) throws -> Double
  /// A range test of the model.
  func range(of model: Model) throws -> LearningRateRange
  /// How well it does on what is held out from a share, part by part.
  func judge(_ model: Model, on share: DataShare) throws -> Judgement
  /// The parts that all data can be cut in, so many at most; below 2: none.
  func folds(atMost most: Int) -> Int
  /// Trains a model in a new folder; nil: goes on with the training that is in it.
  func train(
    _ model: Model?, on share: DataShare, in folder: String, stop: StopRequest, _ report: (TrainingEvent) -> Void
  ) throws -> TrainingSummary
}

/// Trains the rungs of a ladder, each in a folder of its own, and makes the kept one the model of the folder above.
///
/// After each thing that is done `ladder.json` says so, and rungs are ordinary trainings: a climb that was interrupted
/// or killed goes on as if nothing had happened.
struct Climb<Subject: GrowthSubject> {
  let subject: Subject
  let folder: String
  var ladder: Ladder<Subject.Configuration>

  /// By how much a growth that keeps the function may change a loss of 1 nat.
  private static var tolerance: Double { 1e-4 }

  /// Climbs to the end. Returns false when it was interrupted.
  mutating func run(stop: StopRequest, _ report: (GrowthEvent) -> Void) throws -> Bool {
    try CheckpointStore.makeFolder(folder)
    while !ladder.isComplete {
      guard let (beginning, model) = try prepare() else {
        ladder.isComplete = true
        try save()
        break
      }
      report(.begins(beginning))
      let own = rungFolder(beginning.number)
      let summary = try subject.train(model, on: .training, in: own, stop: stop) { report(.training($0)) }
      guard summary.reason != .interrupted else { return false }
      let rung = try measured(beginning, summary)
      ladder.rungs.append(rung)
      ladder.running = nil
      try save()
      report(.rung(rung))
    }
    guard try end(stop: stop, report) else { return false }
    try keep()
    return true
  }

  func rungFolder(_ number: Int) -> String { "\(folder)/rung-\(number)" }
  var refitFolder: String { folder + "/refit" }

  func save() throws { try StrictJSON.write(ladder, to: folder + "/\(LadderFile.name)") }

  // MARK: One rung

  /// The rung to train next, with its model; without one when its training has begun. Nil: there is none.
  private mutating func prepare() throws -> (Rung.Beginning, Subject.Model?)? {
    if let running = ladder.running, try CheckpointStore(folder: rungFolder(running.number)).hasTraining {
      return (running, nil)
    }
    ladder.running = nil
    ladder.shapes = Array(ladder.shapes.prefix(ladder.rungs.count))
    let most = try subject.network(of: subject.model(ladder.limit)).parameterCount
    let next = try ladder.next { try subject.network(of: subject.model(ladder.limit.sized($0))).parameterCount <= most }
    guard let next else { return nil }
    let (beginning, model) = try begin(next)
    ladder.running = beginning
    ladder.shapes.append(next.shape)
    try save()
    // A folder of a training that was killed before its first checkpoint would be in the way.
    try? FileManager.default.removeItem(atPath: rungFolder(beginning.number))
    return (beginning, model)
  }

  /// For people: the dropout, where it is not the limit's.
  private func dropout(of shape: Subject.Configuration.Shape) -> String {
    shape.dropout == ladder.limit.growing.dropout ? "" : String(format: ", dropout %.2g", shape.dropout)
  }

  private func begin(_ next: Ladder<Subject.Configuration>.Growing) throws -> (Rung.Beginning, Subject.Model) {
    let grown = try next.parent.flatMap { try grow(from: $0, by: next) }
    let rate = try rate(of: next)
    // The configuration is the model's own, so that the rate needs a model of its own.
    let ready = try subject.model(ladder.limit.sized(next.shape, learningRate: rate, epochs: next.epochs))
    let network = subject.network(of: ready)
    if let grown {
      for (to, from) in zip(network.parameters, subject.network(of: grown.model).parameters) {
        to.parameter.value = from.parameter.value
      }
    }
    let beginning = Rung.Beginning(
      number: ladder.rungs.count + 1, parent: next.parent.map { ladder.rungs[$0].beginning.number }, step: next.step,
      sizes: next.shape.sizes + dropout(of: next.shape), parameters: network.parameterCount, isGrown: grown != nil,
      drift: grown?.drift, learningRate: rate, mostEpochs: next.epochs)
    return (beginning, ready)
  }

  /// The learning rate of the next rung. What comes from new values only to be compared is trained as what it is
  /// compared with.
  private func rate(of next: Ladder<Subject.Configuration>.Growing) throws -> Float {
    if let given = ladder.choices.learningRate { return given }
    switch next.step {
    case .full: return ladder.limit.settings.learningRate
    case .narrow, .prolong:
      if let parent = next.parent { return ladder.rungs[parent].beginning.learningRate }
    case .start, .gate, .widen, .deepen, .afresh, .regularize: break
    }
    // Of new values: what has learnt is at the bottom of a valley, where every step is one up.
    return try subject.range(of: subject.model(ladder.limit.sized(next.shape))).chosen
  }

  /// A model of the new sizes that computes what a rung does; nil when there is none.
  private func grow(
    from place: Int, by next: Ladder<Subject.Configuration>.Growing
  ) throws -> (model: Subject.Model, drift: Double)? {
    guard !next.step.isAfresh else { return nil }
    let old = try subject.load(rungFolder(ladder.rungs[place].beginning.number))
    let (shape, model) = (ladder.shapes[place], try subject.model(ladder.limit.sized(next.shape)))
    let (small, large) = (subject.network(of: old), subject.network(of: model))
    let before = try subject.loss(of: old)
    // Gates keep most: more than a new network has.
    let worst = next.step == .gate ? try max(subject.loss(of: model), before) : before
    let isDone =
      switch next.step {
      case .gate: Growth.gate(small, into: large)
      case .deepen: Growth.deepen(small, into: large)
      case .widen:
        try axes(of: shape).map { axes in
          Growth.widen(small, into: large, along: axes, from: shape.widths, to: next.shape.widths)
        } ?? false
      case .start, .regularize, .afresh, .full, .narrow, .prolong: false
      }
    guard isDone else { return nil }
    let after = try subject.loss(of: model)
    // What cannot be kept shows here, whatever the cell.
    let keeps =
      next.step == .gate ? after < worst : abs(after - before) <= Self.tolerance * max(1, abs(before))
    return keeps ? (model, after - before) : nil
  }

  private func axes(of shape: Subject.Configuration.Shape) throws -> UnitAxes? {
    try UnitAxes(of: shape.widths.count, orders: shape.blockOrders) { widths in
      var small = shape
      small.widths = widths
      return subject.network(of: try subject.model(ladder.limit.sized(small)))
    }
  }

  private func measured(_ beginning: Rung.Beginning, _ summary: TrainingSummary) throws -> Rung {
    let own = rungFolder(beginning.number)
    let history = try JSONLines(own + "/history.jsonl").read(EpochReport.self)
    guard let bestEpoch = summary.bestEpoch, let best = history.last(where: { $0.epoch == bestEpoch }) else {
      throw noEpoch(in: own)
    }
    let judgement = try subject.judge(subject.load(own), on: .training)
    return Rung(
      beginning: beginning, epochs: history.count, bestEpoch: bestEpoch, trainingLoss: best.trainingLoss,
      validation: best.validationLoss ?? judgement.mean, judgement: judgement,
      seconds: history.reduce(0) { $0 + $1.seconds })
  }

  func noEpoch(in own: String) -> UnrollError {
    UnrollError(
      .invalidData, "the training has no complete epoch", at: own, hint: "begin anew in another folder: --out")
  }

  // MARK: The kept model

  /// Copies what was trained on all data, or the kept rung, into the folder, `config.json` last: a folder with one is a
  /// model.
  private func keep() throws {
    guard let kept = ladder.kept else { return }
    let own = ladder.finale?.refit == nil ? rungFolder(ladder.rungs[kept].beginning.number) : refitFolder
    let names = try FileManager.default.contentsOfDirectory(atPath: own).filter { name in
      var isFolder: ObjCBool = false
      _ = FileManager.default.fileExists(atPath: own + "/" + name, isDirectory: &isFolder)
      return name != "config.json" && !name.hasPrefix(".") && !isFolder.boolValue
    }
    for name in names.sorted() + ["config.json"] {
      try AtomicFile.write(FileAccess.read(from: own + "/" + name, limit: .max), to: folder + "/" + name)
    }
  }
}
