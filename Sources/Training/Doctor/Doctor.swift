import Foundation

/// Looks at what a training has left behind and says what goes wrong in it.
///
///     let doctor = Doctor(history: epochs, watched: reports, window: 64)
///     doctor.diagnoses().map(\.kind)   // [.overfitting]
///
/// Everything is judged by the later half of the training, as beginnings are wild. A healthy training has no diagnosis;
/// the thresholds stand beside the rules, and each has an experiment in the guide that crosses it.
public struct Doctor: Sendable {
  /// The epochs.
  public let history: [EpochReport]
  /// The watched updates; without them only the losses can be judged.
  public let watched: [WatchReport]
  /// The updates that were not made.
  public let skipped: [SkippedUpdate]
  /// Time steps that gradients go back through, where the data go on before them; nil: sequences are whole.
  public let window: Int?
  /// What epochs are judged by, where that is another measure than the training loss: `error rate`; nil: the same.
  public let judgedBy: String?

  /// A doctor for a training.
  public init(
    history: [EpochReport], watched: [WatchReport] = [], skipped: [SkippedUpdate] = [], window: Int? = nil,
    judgedBy: String? = nil
  ) {
    self.history = history
    self.watched = watched
    self.skipped = skipped
    self.window = window
    self.judgedBy = judgedBy
  }

  /// What is wrong, in the order of ``Diagnosis/Kind``; empty for a healthy training.
  public func diagnoses() -> [Diagnosis] {
    vanishing() + exploding() + notFinite() + saturated() + dead() + overfitting() + underfitting()
      + learningRateTooHigh() + learningRateTooLow() + shortWindow() + constantClipping()
  }

  private var late: ArraySlice<WatchReport> { watched.suffix((watched.count + 1) / 2) }

  /// Every layer that was watched, with what was seen of it late.
  private var layers: [(name: String, seen: [LayerWatch])] {
    (watched.last?.layers.map(\.name) ?? []).map { name in
      (name, late.compactMap { report in report.layers.first { $0.name == name } })
    }
  }

  // MARK: Gradients over time

  /// Steps after which a hundredth of a gradient is left, by the layer's median exponent; nil where it does not fade.
  private func horizon(_ exponent: Double) -> Double? { exponent < 0 ? log(0.01) / exponent : nil }

  private func vanishing() -> [Diagnosis] {
    layers.compactMap { name, seen in
      // A horizon of a fifth of the way: four fifths of the steps teach nothing to the first ones.
      guard let exponent = median(seen.compactMap(\.lyapunovExponent)), let steps = median(seen.map(\.meanSteps)),
        steps >= 20, let horizon = horizon(exponent), horizon < steps / 5
      else { return nil }
      return Diagnosis(
        .vanishingGradients, at: name,
        evidence: "on its way back a gradient is multiplied with \(number(exp(exponent))) at each step; after "
          + "\(number(horizon)) of \(number(steps)) steps a hundredth of it is left",
        advice: [
          "use a gated cell: --cell lstm or --cell gru", "begin with gates that remember: --chrono",
          "begin with orthogonal recurrent weights: --recurrent-initializer orthogonal",
          "shorten the way: read in both directions, pool over time, or add attention",
        ])
    }
  }

  private func exploding() -> [Diagnosis] {
    let growing = layers.compactMap { name, seen -> Diagnosis? in
      guard let exponent = median(seen.compactMap(\.lyapunovExponent)), let steps = median(seen.map(\.meanSteps)),
        exponent * steps > log(1000)
      else { return nil }
      return Diagnosis(
        .explodingGradients, at: name,
        evidence: "on its way back a gradient is multiplied with \(number(exp(exponent))) at each step, "
          + "\(number(exp(exponent * steps)))-fold over \(number(steps)) steps",
        advice: explosionAdvice)
    }
    let norms = watched.map(\.gradientNorm)
    guard growing.isEmpty, let usual = median(norms), let largest = norms.max(), norms.count >= 5,
      largest > 100 * usual
    else { return growing }
    return [
      Diagnosis(
        .explodingGradients,
        evidence: "a gradient's norm reached \(number(largest)), \(number(largest / usual)) times the usual "
          + "\(number(usual))", advice: explosionAdvice)
    ]
  }

  private var explosionAdvice: [String] {
    [
      "clip the gradient's norm: --clip 1", "lower --learning-rate", "use a gated cell: --cell lstm or --cell gru",
      "begin with smaller recurrent weights: --recurrent-initializer orthogonal=0.9",
    ]
  }

  private func notFinite() -> [Diagnosis] {
    guard let first = skipped.first else { return [] }
    let count = skipped.count == 1 ? "one update was" : "\(skipped.count) updates were"
    return [
      Diagnosis(
        .notFinite, at: first.fault.flatMap { $0.layer.isEmpty ? nil : $0.layer },
        evidence: "\(count) not made; in update \(first.updatesDone), the first, \(first.reason)"
          + (first.fault.map { ": \($0)" } ?? ""),
        advice: [
          "lower --learning-rate", "clip the gradient's norm: --clip 1",
          "look at the data of that update, if it says that it was given the number",
        ])
    ]
  }

  private func shortWindow() -> [Diagnosis] {
    guard let window else { return [] }
    return layers.compactMap { name, seen in
      guard let exponent = median(seen.compactMap(\.lyapunovExponent)), exponent <= 0.02,
        exp(exponent * Double(window)) > 0.25
      else { return nil }
      return Diagnosis(
        .shortWindow, at: name,
        evidence: "gradients go back \(window) steps (k2), and \(percent(exp(exponent * Double(window)))) of one would "
          + "be left there",
        advice: ["lengthen the window: --length \(4 * window)", "keep --step as it is for as many updates"])
    }
  }

  // MARK: Units and gates

  private func saturated() -> [Diagnosis] {
    layers.compactMap { name, seen in
      let gates = (seen.last?.gates ?? []).compactMap { gate -> String? in
        let own = seen.compactMap { layer in layer.gates.first { $0.name == gate.name } }
        // A relu is at its end half of the time; that is not an end where nothing changes any more for all inputs.
        guard gate.function != "relu", let low = median(own.map(\.saturatedLow)),
          let high = median(own.map(\.saturatedHigh)), low + high > 0.9
        else { return nil }
        return "\(percent(low)) of \(gate.name)'s values at the lower end of its \(gate.function), \(percent(high)) at "
          + "the upper"
      }
      guard !gates.isEmpty else { return nil }
      return Diagnosis(
        .saturatedGates, at: name, evidence: gates.joined(separator: "; ") + ": the derivative is nearly 0 there",
        advice: [
          "scale the inputs to a deviation of about 1", "lower --learning-rate", "normalise inside: --layer-norm",
          "decay the weights: --weight-decay 0.01",
        ])
    }
  }

  private func dead() -> [Diagnosis] {
    layers.compactMap { name, seen in
      guard let share = median(seen.map(\.deadUnits)), share > 0.2 else { return nil }
      return Diagnosis(
        .deadUnits, at: name, evidence: "\(percent(share)) of its units give the same for everything they read",
        advice: [
          "lower --learning-rate", "make --hidden smaller: the units are not needed",
          "use tanh or a gated cell in place of relu",
        ])
    }
  }

  // MARK: Losses

  private var validated: [(epoch: Int, training: Double, validation: Double)] {
    history.compactMap { epoch in epoch.validationLoss.map { (epoch.epoch, epoch.trainingLoss, $0) } }
  }

  private func overfitting() -> [Diagnosis] {
    let epochs = validated
    guard let best = epochs.min(by: { $0.validation < $1.validation }), let last = epochs.last,
      last.epoch >= best.epoch + 2, last.training < best.training, last.validation > best.validation * 1.02
    else { return [] }
    // Another measure cannot be held against the training loss, and moves in coarser steps: a few of the examples that
    // judge, by chance. Learning by heart shows in the training loss.
    let isApart =
      judgedBy == nil
      ? last.validation > last.training * 1.1
      : last.validation > best.validation * 1.05 && last.training < best.training * 0.9
    guard isApart else { return [] }
    return [
      Diagnosis(
        .overfitting,
        evidence: "since epoch \(best.epoch) the training loss fell from \(number(best.training)) to "
          + "\(number(last.training)), and the \(judgedBy ?? "loss") on held-out data rose from "
          + "\(number(best.validation)) to \(number(last.validation))",
        advice: [
          "stop early: --patience 3 (the weights of epoch \(best.epoch) are kept)",
          "use a smaller model: fewer --hidden, fewer --layers",
          "drop out: --dropout 0.3, --state-dropout 0.2", "decay the weights: --optimizer adamw --weight-decay 0.01",
          "find more data",
        ])
    ]
  }

  private func underfitting() -> [Diagnosis] {
    guard let first = history.first, let last = history.last, history.count >= 4,
      let before = history.dropLast(history.count / 4).last
    else { return [] }
    // Nearly all of the first epoch's loss is still there, it has stopped falling, and new data are no harder.
    let stands = before.trainingLoss - last.trainingLoss < 0.01 * before.trainingLoss
    let isHigh = last.trainingLoss > 0.9 * first.trainingLoss
    let hasNoGap = judgedBy != nil || (last.validationLoss.map { $0 < 1.1 * last.trainingLoss } ?? true)
    guard stands, isHigh, hasNoGap, learningRateTooLow().isEmpty, learningRateTooHigh().isEmpty else { return [] }
    return [
      Diagnosis(
        .underfitting,
        evidence: "the training loss was \(number(first.trainingLoss)) in the first epoch, and stands at "
          + "\(number(last.trainingLoss))"
          + (last.validationLoss.map { "; \(judgedBy ?? "loss") on held-out data: \(number($0))" } ?? ""),
        advice: [
          "use a larger model: --hidden, --layers", "lower dropout and weight decay",
          "look at the data: can a person "
            + "tell the answer from the input?",
        ])
    ]
  }

  // MARK: Learning rate

  /// The median over matrices of how far an update moves them, as a share of their norms.
  private func ratio(_ report: WatchReport) -> Double? {
    median(
      report.parameters.filter { $0.path.hasSuffix("weight") || $0.path.hasSuffix("table") }.map(\.updateRatio))
  }

  private func learningRateTooHigh() -> [Diagnosis] {
    let losses = history.map(\.trainingLoss)
    // Both of the last two epochs, as the losses of few updates are noisy.
    let rose = losses.count >= 3 && losses.suffix(2).allSatisfy { $0 > 1.25 * (losses.min() ?? 0) }
    // The first update is the largest with Adam, whose means begin with it.
    let largest = watched.dropFirst().compactMap(ratio).max() ?? 0
    guard rose || largest > 0.05 else { return [] }
    let evidence =
      rose
      ? "the training loss was \(number(losses.min() ?? 0)) once, and is \(number(losses.last ?? 0))"
      : "an update moved the matrices by \(percent(largest)) of their norms; a tenth of a per cent is usual"
    return [
      Diagnosis(
        .learningRateTooHigh, evidence: evidence,
        advice: ["divide --learning-rate by 3 to 10", "warm up and cool down: --schedule cosine", "clip: --clip 1"])
    ]
  }

  private func learningRateTooLow() -> [Diagnosis] {
    guard let ratio = median(late.compactMap(ratio)), ratio < 3e-5, let first = history.first, let last = history.last,
      last.trainingLoss > 0.5 * first.trainingLoss, last.learningRate > 0.2 * (history.map(\.learningRate).max() ?? 0)
    else { return [] }
    return [
      Diagnosis(
        .learningRateTooLow,
        evidence: "an update moves a parameter by \(number(100 * ratio)) % of its norm; a tenth of a per cent is usual",
        advice: ["multiply --learning-rate by 3 to 10", "train longer: --epochs"])
    ]
  }

  private func constantClipping() -> [Diagnosis] {
    // The first report's share is of one update.
    guard watched.count >= 3, let share = median(late.map(\.clippedShare)), share > 0.9 else { return [] }
    return [
      Diagnosis(
        .constantClipping,
        evidence: "\(percent(share)) of the updates are clipped; the usual norm is "
          + number(median(late.map(\.gradientNorm)) ?? 0),
        advice: [
          "raise --clip above the usual norm",
          "or lower --learning-rate and leave it: with Adam, clipping every update "
            + "changes little",
        ])
    ]
  }
}

private func median(_ values: [Double]) -> Double? {
  let sorted = values.filter(\.isFinite).sorted()
  guard !sorted.isEmpty else { return nil }
  let middle = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

private func number(_ value: Double) -> String {
  abs(value) >= 1000 ? String(format: "%.0f", value) : String(format: "%.3g", value)
}

private func percent(_ share: Double) -> String { String(format: "%.0f %%", 100 * share) }
