import Tensors

/// The adding problem (Hochreiter & Schmidhuber 1997, in the form of Le et al. 2015): at each time step a number in
/// 0..<1 and a mark; two numbers are marked, one in each half, and their sum is asked for at the end.
///
///     let batch = AddingProblem(length: 200).batch(50, using: &random)
///     batch.inputs    // [200, 50, 2]
///     batch.targets   // [50, 1]
///
/// To answer 1 always has a mean squared error of 1/6; to do better, a network has to keep a number over half of the
/// sequence at least.
public struct AddingProblem: Hashable, Sendable {
  /// Time steps, at least 2.
  public let length: Int
  /// The mean squared error of the best constant answer.
  public static let baseline = 1.0 / 6

  /// A problem. Traps unless `length` is at least 2.
  public init(length: Int) {
    demand(length >= 2, "AddingProblem: \(length) time steps cannot hold two numbers")
    self.length = length
  }

  /// New sequences: inputs [length, count, 2], number and mark, and targets [count, 1].
  public func batch(_ count: Int, using random: inout RandomSource) -> (inputs: Tensor, targets: Tensor) {
    let numbers = random.uniform([length, count]).values
    var inputs: [Float] = numbers.flatMap { [$0, 0] }
    let targets = (0..<count).map { sequence -> Float in
      let marks = [random.integer(below: length / 2), length / 2 + random.integer(below: length - length / 2)]
      for t in marks { inputs[2 * (t * count + sequence) + 1] = 1 }
      return marks.reduce(0) { $0 + numbers[$1 * count + sequence] }
    }
    return (Tensor(shape: [length, count, 2], values: inputs), Tensor(shape: [count, 1], values: targets))
  }
}
