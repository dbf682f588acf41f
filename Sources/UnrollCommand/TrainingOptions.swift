import ArgumentParser
import Unroll

/// How a model is trained, as flags that all kinds of models have.
struct TrainingOptions: ParsableArguments {
  @Option(parsing: .unconditional, help: "Examples, or rows of text, that an update learns from.") var batch: Int?
  @Option(parsing: .unconditional, help: "Times to go through the data.") var epochs: Int?
  @Option(parsing: .unconditional, help: "The full learning rate.") var learningRate: Float?
  @Option(help: "How the learning rate changes.") var schedule: ScheduleName?
  @Option(help: "How gradients move the weights.") var optimizer: OptimizerName?
  @Option(parsing: .unconditional, help: "Momentum of `--optimizer sgd`. (default: 0.9)") var momentum: Float?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      Largest global norm of a gradient; or value=LIMIT of each value, or adaptive=RATIO of each unit's norm to that \
      of its weights; 0: no limit.
      """, valueName: "norm"))
  var clip: ClippingChoice?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      """
      Factor of a penalty on steps that shrink or stretch the gradients that flow back through them (Pascanu et al. \
      2013); 1 is a good beginning.
      """, valueName: "factor"))
  var preserveGradients: Float?
  @Option(parsing: .unconditional, help: "How strongly matrices are pulled to zero.") var weightDecay: Float?
  @Option(
    help: ArgumentHelp(
      "Weight decay of some parameters, for example `embedding=0` or `*.bias=0.1`; may be given again.",
      valueName: "path=decay"))
  var weightDecayOf: [DecayOfGroup] = []
  @Option(
    help: ArgumentHelp(
      """
      Judge and keep averaged weights: ema[=DECAY], over all updates with more weight on the last ones (0.999); \
      nt-asgd[=EPOCHS], of SGD, from when so many epochs did not improve (5).
      """, valueName: "kind"))
  var average: AveragingChoice?
  @Option(
    parsing: .unconditional,
    help: """
      Stop after so many epochs that did not improve; 0: never. (default: 5; half of --epochs, if these are more, \
      where the learning rate falls)
      """)
  var patience: Int?
  @Option(parsing: .unconditional, help: "Updates between checkpoints; each epoch ends with one anyway.")
  var checkpointEvery: Int?
  @Option(
    help: ArgumentHelp(
      """
      How recurrent weights begin: orthogonal[=GAIN], identity[=SCALE] (for rectified units) or glorot. \
      (default: orthogonal=1)
      """, valueName: "kind"))
  var recurrentInitializer: InitializerChoice?
  @Option(
    defaultAsFlag: MemoryChoice(steps: 0),
    help: ArgumentHelp(
      """
      Begin gates so that memories last from 1 to so many time steps (Tallec & Ollivier 2018); by itself: to --length \
      of texts, to the longest example.
      """, valueName: "steps"))
  var chrono: MemoryChoice?
  @Option(parsing: .unconditional, help: "Decides initial weights, order and dropout.") var seed: UInt64?
  @Option(
    name: .customLong("repeat"), parsing: .unconditional,
    help: ArgumentHelp(
      "Train with so many seeds, from --seed on, in OUT/seed-1, …; tell means and deviations.", valueName: "seeds"))
  var repetitions: Int?
  @Option(
    defaultAsFlag: TensorBoardFolder.inModel,
    help: ArgumentHelp("Write losses, gradient norms and learning rates for TensorBoard.", valueName: "dir"))
  var tensorboard: TensorBoardFolder?

  @OptionGroup var watch: WatchOptions

  enum ScheduleName: String, ExpressibleByArgument, CaseIterable { case constant, cosine }
  enum OptimizerName: String, ExpressibleByArgument, CaseIterable { case sgd, adam, adamw }

  /// The flags that cannot change in the middle of a training, and whether each was given.
  var given: [(String, Bool)] {
    [
      ("--batch", batch != nil), ("--learning-rate", learningRate != nil), ("--schedule", schedule != nil),
      ("--optimizer", optimizer != nil), ("--momentum", momentum != nil), ("--clip", clip != nil),
      ("--preserve-gradients", preserveGradients != nil),
      ("--average", average != nil), ("--weight-decay", weightDecay != nil),
      ("--recurrent-initializer", recurrentInitializer != nil), ("--chrono", chrono != nil),
      ("--weight-decay-of", !weightDecayOf.isEmpty),
      ("--checkpoint-every", checkpointEvery != nil), ("--seed", seed != nil),
    ] + watch.given
  }

  /// Throws when one of these flags was given.
  static func refuse(_ flags: [(String, Bool)]) throws(UnrollError) {
    guard let flag = flags.first(where: \.1)?.0 else { return }
    throw UnrollError(
      .usage, "\(flag) cannot change in the middle of a training", hint: "leave it out, or start anew without --resume")
  }

  /// What `--repeat` asks for; nil: one training. Throws when it cannot be.
  func repetition(in folder: String, resuming: Bool, json: Bool) throws(UnrollError) -> Repetition? {
    guard let repetitions else { return nil }
    guard !resuming else {
      throw UnrollError(
        .usage, "--repeat begins trainings, and --resume goes on with one",
        hint: "go on with each by itself: --out \(folder)/seed-1 --resume")
    }
    return try Repetition(repetitions, from: seed ?? 1, in: folder, json: json)
  }

  /// Writes the flags that were given into settings; batch and seed are the model's own. Without `--patience` the usual
  /// one holds. Throws when flags do not go together.
  func apply(to settings: inout TrainingSettings) throws(UnrollError) {
    try watch.apply(to: &settings)
    if let learningRate { settings.learningRate = learningRate }
    if let clip { settings.clipping = clip.clipping }
    if let preserveGradients { settings.gradientPreservation = preserveGradients }
    if let average { settings.averaging = average.averaging }
    if let checkpointEvery { settings.checkpointInterval = checkpointEvery }
    switch schedule {
    case .constant: settings.schedule = .constant
    case .cosine: settings.schedule = .cosine(warmUp: 100, final: 0.01)
    case nil: break
    }
    switch optimizer {
    case .sgd: settings.rule = .sgd(momentum: momentum ?? 0.9)
    case .adam: settings.rule = .adam()
    case .adamw: settings.rule = .adamW()
    case nil: break
    }
    guard momentum == nil || optimizer == .sgd else {
      throw UnrollError(.usage, "--momentum is for SGD", hint: "add --optimizer sgd, or leave it out")
    }
    if let epochs { settings.epochs = epochs }
    settings.earlyStopping = .usual(for: settings)
    settings.extend(epochs: nil, patience: patience)
    if let weightDecay { settings.rule.weightDecay = WeightDecay(weightDecay) }
    if !weightDecayOf.isEmpty { settings.groups = weightDecayOf.map(\.group) }
  }

  /// Writes how recurrent weights begin into a shape. Throws when its network has none.
  func applyInitializer<Shape: ModelShape>(to shape: inout Shape) throws(UnrollError) {
    guard let recurrentInitializer else { return }
    guard var recurrent = shape as? any RecurrentShape else {
      throw UnrollError(
        .usage, "--recurrent-initializer is for recurrent layers, and this network has none", hint: "leave it out")
    }
    recurrent.recurrentInitializer = recurrentInitializer.initializer
    if let own = recurrent as? Shape { shape = own }
  }
}
