import ArgumentParser
import Unroll

/// How a model is trained, as flags that all kinds of models have.
struct TrainingOptions: ParsableArguments {
  @Option(parsing: .unconditional, help: "Examples, or rows of text, that an update learns from.") var batch: Int?
  @Option(parsing: .unconditional, help: "Times to go through the data.") var epochs: Int?
  @Option(parsing: .unconditional, help: "The full learning rate.") var learningRate: Float?
  @Option(help: "How the learning rate changes.") var schedule: ScheduleName?
  @Option(help: "How gradients move the weights.") var optimizer: OptimizerName?
  @Option(parsing: .unconditional, help: "Largest global norm of a gradient; 0: no limit.") var clip: Float?
  @Option(parsing: .unconditional, help: "How strongly matrices are pulled to zero.") var weightDecay: Float?
  @Option(
    help: ArgumentHelp(
      "Weight decay of some parameters, for example `embedding=0` or `*.bias=0.1`; may be given again.",
      valueName: "path=decay"))
  var weightDecayOf: [DecayOfGroup] = []
  @Option(parsing: .unconditional, help: "Stop after so many epochs that did not improve.") var patience: Int?
  @Option(parsing: .unconditional, help: "Updates between checkpoints; each epoch ends with one anyway.")
  var checkpointEvery: Int?
  @Option(parsing: .unconditional, help: "Decides initial weights, order and dropout.") var seed: UInt64?

  @OptionGroup var watch: WatchOptions

  enum ScheduleName: String, ExpressibleByArgument, CaseIterable { case constant, cosine }
  enum OptimizerName: String, ExpressibleByArgument, CaseIterable { case sgd, adam, adamw }

  /// The flags that cannot change in the middle of a training, and whether each was given.
  var given: [(String, Bool)] {
    [
      ("--batch", batch != nil), ("--learning-rate", learningRate != nil), ("--schedule", schedule != nil),
      ("--optimizer", optimizer != nil), ("--clip", clip != nil), ("--weight-decay", weightDecay != nil),
      ("--weight-decay-of", !weightDecayOf.isEmpty), ("--patience", patience != nil),
      ("--checkpoint-every", checkpointEvery != nil), ("--seed", seed != nil),
    ] + watch.given
  }

  /// Throws when one of these flags was given.
  static func refuse(_ flags: [(String, Bool)]) throws(UnrollError) {
    guard let flag = flags.first(where: \.1)?.0 else { return }
    throw UnrollError(
      .usage, "\(flag) cannot change in the middle of a training", hint: "leave it out, or start anew without --resume")
  }

  /// Writes the flags that were given into settings; batch and seed are the model's own.
  func apply(to settings: inout TrainingSettings) throws(UnrollError) {
    try watch.apply(to: &settings)
    if let epochs { settings.epochs = epochs }
    if let learningRate { settings.learningRate = learningRate }
    if let clip { settings.clipping = clip == 0 ? .none : .norm(clip) }
    if let patience { settings.earlyStopping = EarlyStopping(patience: patience) }
    if let checkpointEvery { settings.checkpointInterval = checkpointEvery }
    switch schedule {
    case .constant: settings.schedule = .constant
    case .cosine: settings.schedule = .cosine(warmUp: 100, final: 0.01)
    case nil: break
    }
    switch optimizer {
    case .sgd: settings.rule = .sgd(momentum: 0.9)
    case .adam: settings.rule = .adam()
    case .adamw: settings.rule = .adamW()
    case nil: break
    }
    if let weightDecay { settings.rule.weightDecay = WeightDecay(weightDecay) }
    if !weightDecayOf.isEmpty { settings.groups = weightDecayOf.map(\.group) }
  }
}

/// A group of parameters with a weight decay of its own: `embedding=0`.
struct DecayOfGroup: ExpressibleByArgument {
  let group: ParameterGroup

  init?(argument: String) {
    let parts = argument.split(separator: "=", omittingEmptySubsequences: false)
    guard parts.count == 2, !parts[0].isEmpty, let decay = Float(parts[1]) else { return nil }
    group = ParameterGroup(String(parts[0]), weightDecay: decay)
  }
}
