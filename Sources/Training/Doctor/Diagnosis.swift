/// Something that goes wrong in a training, with what shows it and what helps.
///
///     for diagnosis in Doctor(history: epochs, watched: reports).diagnoses() {
///       print(diagnosis.title, diagnosis.evidence, diagnosis.advice)
///     }
public struct Diagnosis: Sendable, Hashable, Codable {
  /// What can be wrong.
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    /// Gradients shrink so fast on their way back that early time steps teach nothing.
    case vanishingGradients = "vanishing-gradients"
    /// Gradients grow on their way back.
    case explodingGradients = "exploding-gradients"
    /// Losses or gradients were not finite, so that updates were not made.
    case notFinite = "not-finite"
    /// A gate is nearly always at one of its ends, where its derivative is 0.
    case saturatedGates = "saturated-gates"
    /// Units give the same whatever they read.
    case deadUnits = "dead-units"
    /// The model learns the training data by heart.
    case overfitting
    /// The model is too small, or held back too much, to learn even the training data.
    case underfitting
    /// Updates are too large.
    case learningRateTooHigh = "learning-rate-too-high"
    /// Updates are too small.
    case learningRateTooLow = "learning-rate-too-low"
    /// Examples that judge the model are among those it was trained on.
    case leakedData = "leaked-data"
    /// Nearly all examples are of one class.
    case classImbalance = "class-imbalance"
    /// The window of truncated backpropagation ends before the gradient has faded.
    case shortWindow = "short-window"
    /// Nearly every update is clipped: the learning rate is not what it says.
    case constantClipping = "constant-clipping"
  }

  /// What is wrong.
  public let kind: Kind
  /// The layer, gate or class where it is; nil: the model.
  public let place: String?
  /// The numbers that show it.
  public let evidence: String
  /// What usually helps, the likeliest first.
  public let advice: [String]

  /// A diagnosis.
  public init(_ kind: Kind, at place: String? = nil, evidence: String, advice: [String]) {
    self.kind = kind
    self.place = place
    self.evidence = evidence
    self.advice = advice
  }

  /// The kind as words, with the place.
  public var title: String {
    let words = kind.rawValue.replacing("-", with: " ")
    return words.prefix(1).uppercased() + words.dropFirst() + (place.map { " in \($0)" } ?? "")
  }
}
