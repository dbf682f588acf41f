import Interchange
import Networks
import Tensors

/// How weights are averaged over the updates of a training. Averages are what is judged and kept; training goes on with
/// the weights themselves, as if nobody averaged.
///
///     settings.averaging = .exponential(decay: 0.999)
///
/// The average over the last updates lies nearer to a minimum than any of them, which noise drives around it (Polyak &
/// Juditsky 1992).
public enum Averaging: Hashable, Sendable, Codable {
  /// An exponential moving average, EMA: average = d · average + (1 - d) · weights after each update, which begins as
  /// the weights after the first. After n updates d is at most (1 + n) / (10 + n), so that the beginning is soon
  /// forgotten.
  case exponential(decay: Float)
  /// NT-ASGD, for stochastic gradient descent at a constant rate (Merity, Keskar & Socher 2018): nothing is averaged
  /// until an epoch is worse than the best of those that lie more than `patience` epochs back; from there on, the plain
  /// mean of the weights after each update. Epochs are judged by the validation loss, without such data by the training
  /// loss.
  case triggered(patience: Int = 5)

  /// Throws when a number is outside its range, or the rule is none that this averages.
  func validate(for rule: UpdateRule) throws(UnrollError) {
    switch self {
    case .exponential(let decay):
      try require(decay > 0 && decay < 1, "the decay of averages is above 0 and below 1, not \(decay)", hint: Self.hint)
    case .triggered(let patience):
      try require(
        (1...Self.longest).contains(patience), "averaging waits for 1 to \(Self.longest) epochs, not \(patience)",
        hint: Self.hint)
      guard case .sgd = rule else {
        throw UnrollError(
          .usage, "NT-ASGD averages the weights of stochastic gradient descent", hint: "add --optimizer sgd")
      }
    }
  }

  private static let hint = "change --average"
  /// The largest patience.
  static let longest = 1_000_000
}

/// The average of the weights of a training, as far as there is one.
struct WeightAverage {
  let averaging: Averaging
  /// Number of updates that it is an average over; 0: there is none yet.
  private(set) var count = 0
  /// By the parameter's path; those that are not learnt have none.
  private var tensors: [String: Tensor] = [:]

  init(_ averaging: Averaging) { self.averaging = averaging }

  var isThere: Bool { count > 0 }

  /// As named tensors, in the order of their names.
  var state: [(name: String, tensor: Tensor)] {
    tensors.sorted { $0.key < $1.key }.map { (name: $0.key, tensor: $0.value) }
  }

  /// Begins with the weights as they are.
  mutating func begin(_ parameters: [NamedParameter]) {
    for named in parameters where named.parameter.isLearnt { tensors[named.path] = named.parameter.value }
    count = 1
  }

  /// Takes the weights after an update in.
  mutating func add(_ parameters: [NamedParameter]) {
    guard isThere else {
      if case .exponential = averaging { begin(parameters) }
      return
    }
    count += 1
    let share =
      switch averaging {
      case .exponential(let decay): 1 - min(decay, Float(1 + count) / Float(10 + count))
      case .triggered: 1 / Float(count)
      }
    for named in parameters {
      // Given away by the dictionary first, so that it is changed in place.
      guard var average = tensors.removeValue(forKey: named.path) else { continue }
      move(&average, towards: named.parameter.value, by: share)
      tensors[named.path] = average
    }
  }

  /// Gives the parameters the averages, where there are any, and returns the values that they had.
  func exchange(_ parameters: [NamedParameter]) -> [Tensor] {
    let values = parameters.map(\.parameter.value)
    for named in parameters { if let average = tensors[named.path] { named.parameter.value = average } }
    return values
  }

  /// Goes on from a state. Throws, and changes nothing, when it does not fit the parameters.
  mutating func restore(
    _ state: [(name: String, tensor: Tensor)], count: Int, for parameters: [NamedParameter], at place: String
  ) throws(UnrollError) {
    let learnt = parameters.filter(\.parameter.isLearnt)
    let known = Dictionary(state.map { ($0.name, $0.tensor) }, uniquingKeysWith: { first, _ in first })
    let fits =
      count == 0
      ? state.isEmpty
      : known.count == learnt.count && learnt.allSatisfy { known[$0.path]?.shape == $0.parameter.shape }
    guard count >= 0, fits else {
      throw UnrollError(
        .invalidData,
        "the averaged weights are \(state.count) tensors over \(count) updates, which do not fit the model", at: place,
        hint: "resume with the model and the settings that the training began with")
    }
    tensors = known
    self.count = count
  }
}

private func move(_ average: inout Tensor, towards value: Tensor, by share: Float) {
  let values = value.storage.floats
  average.withMutableFloats { buffer in
    guard let averages = buffer.baseAddress else { return }
    parallelRanges(buffer.count, grain: 1 << 16) { range in
      // In this form what does not change stays as it is, bit for bit.
      for i in range { averages[i] += share * (values[i] - averages[i]) }
    }
  }
}
