import Interchange

/// How a ``Trainer`` trains.
///
///     var settings = TrainingSettings(epochs: 20, learningRate: 0.002)
///     settings.clipping = .norm(1)
///     settings.earlyStopping = EarlyStopping(patience: 3)
public struct TrainingSettings: Hashable, Sendable, Codable {
  /// Number of times to go through the data; 10 by default.
  public var epochs: Int
  /// The full learning rate, which the schedule goes down from; 0.002 by default.
  public var learningRate: Float
  /// The optimiser's rule; Adam by default.
  public var rule: UpdateRule
  /// How the learning rate changes; not at all by default.
  public var schedule: Schedule
  /// How gradients are kept small; to a global norm of 5 by default.
  public var clipping: Clipping
  /// When to stop before the last epoch; never by default.
  public var earlyStopping: EarlyStopping?
  /// How weights are averaged; not at all by default.
  public var averaging: Averaging?
  /// Number of updates between checkpoints within an epoch; none by default. Every epoch ends with one anyway.
  public var checkpointInterval: Int?
  /// Parameters that are trained in a way of their own; nil: none.
  public var groups: [ParameterGroup]?
  /// Updates from one ``WatchReport`` to the next; nil, the default: nobody watches.
  public var watchInterval: Int?
  /// Factor of the penalty that keeps gradients from vanishing and exploding on their way back through time
  /// (`valueAndGradient(of:preservingGradients:_:)`, Pascanu et al. 2013); nil, the default: none. An update
  /// takes about three times as long with it.
  public var gradientPreservation: Float?

  /// Creates settings.
  public init(
    epochs: Int = 10, learningRate: Float = 0.002, rule: UpdateRule = .adam(), schedule: Schedule = .constant,
    clipping: Clipping = .norm(5), earlyStopping: EarlyStopping? = nil, averaging: Averaging? = nil,
    checkpointInterval: Int? = nil, groups: [ParameterGroup]? = nil, watchInterval: Int? = nil,
    gradientPreservation: Float? = nil
  ) {
    self.epochs = epochs
    self.learningRate = learningRate
    self.rule = rule
    self.schedule = schedule
    self.clipping = clipping
    self.earlyStopping = earlyStopping
    self.averaging = averaging
    self.checkpointInterval = checkpointInterval
    self.groups = groups
    self.watchInterval = watchInterval
    self.gradientPreservation = gradientPreservation
  }

  /// Number of updates in a row without a finite loss and gradient after which a training ends. One or two can come of
  /// data that are rare; between three nothing changed but the data, so that it is the weights that are beyond help.
  public static let mostSkippedUpdates = 3

  /// The most epochs of a training.
  public static let mostEpochs = 1 << 31

  /// Throws a usage error that names the setting when one is outside its range.
  public func validate() throws(UnrollError) {
    try require(
      epochs >= 0 && epochs <= Self.mostEpochs, "a training takes 0 to \(Self.mostEpochs) epochs, not \(epochs)",
      hint: "change --epochs")
    try require(
      learningRate > 0 && learningRate.isFinite, "a learning rate is above 0, not \(learningRate)",
      hint: "change --learning-rate")
    try rule.validate()
    for group in groups ?? [] { try group.validate() }
    try schedule.validate()
    try clipping.validate()
    try averaging?.validate(for: rule)
    if let earlyStopping {
      try require(
        earlyStopping.patience > 0, "a patience is 1 or more epochs, not \(earlyStopping.patience)",
        hint: "change --patience")
      try require(
        earlyStopping.minimumImprovement >= 0,
        "a minimum improvement is 0 or more nats, not \(earlyStopping.minimumImprovement)")
    }
    if let gradientPreservation {
      try require(
        gradientPreservation > 0 && gradientPreservation.isFinite,
        "the factor of the penalty that preserves gradients is above 0, not \(gradientPreservation)",
        hint: "change --preserve-gradients")
    }
    if let watchInterval {
      try require(
        watchInterval > 0, "gradients are watched every 1 or more updates, not \(watchInterval)",
        hint: "change --watch-every")
    }
    if let checkpointInterval {
      try require(
        checkpointInterval > 0, "checkpoints come every 1 or more updates, not \(checkpointInterval)",
        hint: "change --checkpoint-every")
    }
  }
}

/// Stops a training that no longer improves.
///
/// Judged after each epoch by the validation loss, or by the training loss when there is no validation data.
public struct EarlyStopping: Hashable, Sendable, Codable {
  /// Number of epochs in a row without improvement after which training stops.
  public var patience: Int
  /// By how much, in nats, a loss must fall below the last one that counted to count itself.
  public var minimumImprovement: Double

  /// Creates a rule.
  public init(patience: Int, minimumImprovement: Double = 0) {
    self.patience = patience
    self.minimumImprovement = minimumImprovement
  }
}

extension TrainingSettings {
  /// Changes what may change in the middle of a training: the number of epochs, and the patience, 0 for none; nil
  /// leaves it.
  package mutating func extend(epochs: Int?, patience: Int?) {
    if let epochs { self.epochs = epochs }
    switch patience {
    case nil: break
    case 0: earlyStopping = nil
    case let patience?: earlyStopping = EarlyStopping(patience: patience)
    }
  }
}

extension EarlyStopping {
  /// What suits a training of which nothing is known: 5 epochs; half of all epochs, if these are more, where the
  /// learning rate falls, as small rates improve late what long stood still; and so many more as NT-ASGD waits.
  ///
  ///     settings.earlyStopping = .usual(for: settings)
  public static func usual(for settings: TrainingSettings) -> EarlyStopping {
    var patience = settings.schedule == .constant ? 5 : max(5, settings.epochs / 2)
    if case .triggered(let epochs) = settings.averaging { patience += min(epochs, Averaging.longest) + 1 }
    return EarlyStopping(patience: patience)
  }
}
