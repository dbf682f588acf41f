import Training

/// A rung that the validation data cannot tell from the best: what it is trained for on all data but a part, and how
/// well it does on that part, part after part.
public struct Contender: Hashable, Sendable, Codable {
  /// The number of the rung, whose sizes and learning rate it has.
  public let rung: Int
  /// The epochs that it is trained for, from new values: all of them, as no data say when to stop.
  public let epochs: Int
  /// How it does on each part that is held out.
  public internal(set) var folds: [Judgement] = []

  /// How it does on all parts, each by a training that has not seen it.
  public var judgement: Judgement {
    Judgement(values: folds.flatMap(\.values), weights: folds.flatMap(\.weights))
  }
}

/// How a ladder ends, as the validation data are used up once it is climbed: where they cannot tell rungs apart,
/// cross-validation on all data, training and validation, compares these; what is kept is then trained on all of them.
///
/// All data judge then, in place of a tenth or a twentieth of them, so that standard errors are a third or a quarter
/// (Hastie, Tibshirani & Friedman 2009, 7.10).
public struct Finale: Hashable, Sendable, Codable {
  /// A training on all data.
  public struct Refit: Hashable, Sendable, Codable {
    /// The number of the rung, whose sizes and learning rate it has.
    public let rung: Int
    /// The epochs that it was trained for.
    public let epochs: Int
    /// The last epoch's mean training loss, in nats, with the noise of training.
    public let trainingLoss: Double
    /// Seconds in updates.
    public let seconds: Double
  }

  /// The parts that all data are cut in.
  public let folds: Int
  /// What is compared, the best on validation data first; one alone is not compared.
  public internal(set) var contenders: [Contender]
  /// What became the model; nil until it is trained, or when a rung stays as it was trained.
  public internal(set) var refit: Refit?

  init(folds: Int, contenders: [Contender]) { (self.folds, self.contenders) = (folds, contenders) }

  /// The next training: a contender's place, and the part that is held out from it, from 0.
  var next: (place: Int, fold: Int)? {
    guard contenders.count > 1, let place = contenders.firstIndex(where: { $0.folds.count < folds }) else { return nil }
    return (place, contenders[place].folds.count)
  }

  /// The place of the best contender by cross-validation; nil until it is made.
  public var best: Int? {
    guard contenders.count > 1, next == nil else { return nil }
    return contenders.indices.min { contenders[$0].judgement.mean < contenders[$1].judgement.mean }
  }

  /// The smallest contender that is no more than a standard error behind the best, of several of that size the best;
  /// nil until all are compared.
  func chosen(among rungs: [Rung]) -> Contender? {
    guard let best = best.map({ contenders[$0].judgement }) else { return nil }
    func order(_ contender: Contender) -> (Int, Double) {
      (rungs[contender.rung - 1].beginning.parameters, contender.judgement.mean)
    }
    return contenders.filter { $0.judgement.isAsGood(as: best) }.min { order($0) < order($1) }
  }

  /// Whether its numbers can be those of so many rungs.
  func fits(_ rungs: Int) -> Bool {
    folds >= 2 && !contenders.isEmpty
      && contenders.allSatisfy { contender in
        (1...rungs).contains(contender.rung) && contender.epochs > 0 && contender.folds.count <= folds
          && zip(contender.folds, contenders[0].folds).allSatisfy { $0.values.count == $1.weights.count }
      } && refit.map { (1...rungs).contains($0.rung) } ?? true
  }
}

extension Ladder {
  /// The rungs that the validation data cannot tell from the best, those that would be trained alike once.
  ///
  /// A rate that falls falls to the end. One that was given four times as many epochs may by then have learnt too much
  /// by heart, so that it is tried with the usual ones too. Any other rate stops where the validation data said.
  package func contenders() -> [Contender] {
    var found: [(place: Int, epochs: Int)] = []
    for place in asGoodAsBest.sorted(by: { rungs[$0].validation < rungs[$1].validation }) {
      let epochs =
        limit.settings.schedule.endsWithTheTraining
        ? [limit.settings.epochs, mostEpochs(of: place)] : [rungs[place].bestEpoch]
      for epochs in Set(epochs).sorted() {
        let isKnown = found.contains {
          shapes[$0.place] == shapes[place] && $0.epochs == epochs
            && rungs[$0.place].beginning.learningRate == rungs[place].beginning.learningRate
        }
        if !isKnown { found.append((place, epochs)) }
      }
    }
    return found.map { Contender(rung: rungs[$0.place].beginning.number, epochs: $0.epochs) }
  }
}
