import Networks
import Recurrence
import Tensors

/// Watches a training from inside, every so many updates, and changes nothing of it.
///
/// The watched updates are those that the interval divides, the first among them. What it averages over updates (noise
/// scale, share of clipped updates) begins anew when a training is resumed.
struct GradientWatch {
  /// Updates from one report to the next.
  let interval: Int
  private let parameters: [NamedParameter]
  private var random: RandomSource
  private var noise = NoiseScale()
  private var clipped = 0
  private var updates = 0

  init(interval: Int, parameters: [NamedParameter], seed: UInt64 = 0) {
    self.interval = interval
    self.parameters = parameters
    random = RandomSource(seed: seed, stream: 7)
  }

  /// Whether the update after so many is watched.
  func isDue(updatesDone: Int) -> Bool { updatesDone % interval == 0 }

  /// An update whose gradients are known and not yet followed.
  struct Pending {
    fileprivate let listener: RecurrenceWatch
    fileprivate let gradients: Gradients
    fileprivate let weights: [Tensor]
  }

  /// Takes note of an update's gradients, before clipping and before the weights move. `listener` is the one that this
  /// update had.
  mutating func note(_ gradients: Gradients, listener: RecurrenceWatch?) -> Pending? {
    noise.add(gradients, of: parameters, begins: listener != nil)
    return listener.map { Pending(listener: $0, gradients: gradients, weights: parameters.map(\.parameter.value)) }
  }

  /// Counts an update, and whether its gradient was clipped.
  mutating func count(isClipped: Bool) {
    updates += 1
    if isClipped { clipped += 1 }
  }

  /// What was seen of a watched update, after the weights have moved.
  mutating func report(
    _ pending: Pending, epoch: Int, updatesDone: Int, loss: Double, gradientNorm: Double, learningRate: Float
  ) -> WatchReport {
    let start = ContinuousClock.now
    let layers = longestRuns(pending.listener.observations).map { LayerWatch($0, using: &random) }
    let watched = zip(parameters, pending.weights).compactMap { named, before -> ParameterWatch? in
      guard let gradient = pending.gradients[named.parameter] else { return nil }
      return ParameterWatch(
        path: named.path, gradientNorm: gradient.norm, weightNorm: before.norm,
        updateNorm: (named.parameter.value - before).norm)
    }
    defer { (updates, clipped) = (0, 0) }
    return WatchReport(
      epoch: epoch, updatesDone: updatesDone, loss: loss, gradientNorm: gradientNorm, learningRate: learningRate,
      clippedShare: Double(clipped) / Double(max(1, updates)), layers: layers, parameters: watched,
      noiseScale: noise.scale, seconds: (ContinuousClock.now - start) / .seconds(1))
  }

  /// A layer that ran several times (a window in two pieces) is seen in its largest run.
  private func longestRuns(_ observations: [RecurrenceObservation]) -> [RecurrenceObservation] {
    var order: [String] = []
    var best: [String: RecurrenceObservation] = [:]
    for observation in observations {
      if best[observation.path] == nil { order.append(observation.path) }
      if best[observation.path].map({ $0.layout.rowCount >= observation.layout.rowCount }) == true { continue }
      best[observation.path] = observation
    }
    return order.compactMap { best[$0] }
  }
}

/// The gradient noise scale (McCandlish et al. 2018), tr Σ / |G|² in minibatches, from pairs of updates in a row.
///
/// Two minibatches' gradients share the true gradient G and no noise, so that E[g₁·g₂] = |G|² and
/// E[(|g₁|² + |g₂|²) / 2] = |G|² + tr Σ / batch. Both are averaged over pairs, as single ones are noisy.
package struct NoiseScale {
  package init() {}

  private var first: Gradients?
  private var product = 0.0
  private var square = 0.0
  private var pairs = 0

  /// Adds an update's gradients: the second of a pair when the update before began one.
  package mutating func add(_ gradients: Gradients, of parameters: [NamedParameter], begins: Bool) {
    if let first {
      var (dot, sum) = (0.0, 0.0)
      for named in parameters {
        guard let a = first[named.parameter], let b = gradients[named.parameter] else { continue }
        dot += a.dot(b)
        sum += (a.dot(a) + b.dot(b)) / 2
      }
      if dot.isFinite, sum.isFinite {
        product += dot
        square += sum
        pairs += 1
      }
    }
    first = begins ? gradients : nil
  }

  /// In minibatches; nil before four pairs are known, and where the noise is too large to tell.
  package var scale: Double? { pairs >= 4 && product > 0 ? max(0, square - product) / product : nil }
}
