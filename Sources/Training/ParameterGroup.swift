import Interchange
import Networks

/// Parameters that are trained in a way of their own: with another weight decay, slower, or not at all.
///
///     settings.groups = [
///       ParameterGroup("embedding", weightDecay: 0),
///       ParameterGroup("*.bias", weightDecay: 0, learningRate: 2),
///       ParameterGroup("encoder.0", learningRate: 0),   // frozen
///     ]
///
/// Of several groups that a parameter belongs to, the first counts.
public struct ParameterGroup: Hashable, Sendable, Codable {
  /// Which parameters: a part of their path, whole components from the first one on (`encoder.0` is every parameter of
  /// that layer); a leading `*.` stands for anything before, `*.bias` for every bias.
  public var path: String
  /// The weight decay, of vectors too; nil: the rule's.
  public var weightDecay: Float?
  /// What the learning rate is multiplied with; 0 freezes the parameters.
  public var learningRate: Float

  /// A group. `learningRate` is a factor.
  public init(_ path: String, weightDecay: Float? = nil, learningRate: Float = 1) {
    self.path = path
    self.weightDecay = weightDecay
    self.learningRate = learningRate
  }

  /// Whether a parameter of this path belongs to the group.
  public func contains(_ path: String) -> Bool {
    let wanted = self.path.split(separator: ".", omittingEmptySubsequences: false)
    let own = path.split(separator: ".", omittingEmptySubsequences: false)
    guard wanted.first == "*" else { return own.starts(with: wanted) }
    let rest = wanted.dropFirst()
    return own.indices.contains { own[$0...].starts(with: rest) && $0 > 0 }
  }

  func validate() throws(UnrollError) {
    try require(!path.isEmpty, "a parameter group has an empty path")
    try require(
      weightDecay.map { $0 >= 0 && $0.isFinite } ?? true,
      "the weight decay of \(path) is 0 or more, not \(weightDecay ?? 0)", hint: "change --weight-decay-of")
    try require(
      learningRate >= 0 && learningRate.isFinite,
      "the learning rate's factor of \(path) is 0 or more, not \(learningRate)")
  }
}

extension [ParameterGroup] {
  /// The group that a parameter of this path belongs to.
  func first(of path: String) -> ParameterGroup? { first { $0.contains(path) } }
}

extension TrainingSettings {
  /// Throws a usage error when a group is no group of these parameters: most likely its path is misspelt.
  package func demandMembers(among parameters: [NamedParameter]) throws(UnrollError) {
    for group in groups ?? [] where !parameters.contains(where: { group.contains($0.path) }) {
      throw UnrollError(
        .usage, "no parameter belongs to the group \(group.path)",
        hint: "the paths are \(parameters.prefix(8).map(\.path).joined(separator: ", "))"
          + (parameters.count > 8 ? ", …: unroll inspect lists them" : ""))
    }
  }
}
