import Corpora
import Foundation
import Interchange
import Networks
import Recurrence
import Tensors
import Training

/// A problem that only a memory of many time steps solves, to tell cells apart.
public enum MemoryProblem: Sendable {
  /// ``AddingProblem``.
  case adding(AddingProblem)
  /// ``CopyProblem``.
  case copy(CopyProblem)
  /// Pictures read pixel by pixel, in an order that is mixed once (Le et al. 2015): a picture [pixels] is a sequence.
  case pixels(PixelSequences)

  /// What a batch asks.
  struct Batch {
    let input: SequenceBatch
    let answer: Answer

    enum Answer {
      /// A number for each sequence, [batch, 1], read from the last output.
      case numbers(Tensor)
      /// A class for each time step, packed.
      case tokens([Int32])
      /// A class for each sequence, read from the last output.
      case classes([Int32])
    }
  }

  /// Values in a time step of the input, and of the answer.
  var sizes: (input: Int, output: Int) {
    switch self {
    case .adding: (2, 1)
    case .copy: (CopyProblem.tokens, CopyProblem.tokens)
    case .pixels(let pixels): (1, pixels.classes)
    }
  }

  /// Time steps of a sequence.
  public var length: Int {
    switch self {
    case .adding(let problem): problem.length
    case .copy(let problem): problem.length
    case .pixels(let pixels): pixels.length
    }
  }

  /// The loss of an answer that remembers nothing: mean squared error, nats a time step, nats a picture.
  public var baseline: Double {
    switch self {
    case .adding: AddingProblem.baseline
    case .copy(let problem): problem.baseline
    case .pixels(let pixels): log(Double(pixels.classes))
    }
  }

  func batch(_ count: Int, using random: inout RandomSource) -> Batch {
    switch self {
    case .adding(let problem):
      let batch = problem.batch(count, using: &random)
      return Batch(input: .whole(batch.inputs), answer: .numbers(batch.targets))
    case .copy(let problem):
      let batch = problem.batch(count, using: &random)
      var oneHot = [Float](repeating: 0, count: batch.inputs.count * CopyProblem.tokens)
      for (i, token) in batch.inputs.enumerated() { oneHot[i * CopyProblem.tokens + Int(token)] = 1 }
      let input = SequenceBatch.whole(
        Tensor(shape: [problem.length, count, CopyProblem.tokens], values: oneHot))
      return Batch(input: input, answer: .tokens(input.layout.paddedIndex.map { batch.targets[$0] }))
    case .pixels(let pixels):
      let batch = pixels.batch((0..<count).map { _ in random.integer(below: pixels.trainingCount) })
      return Batch(input: .whole(batch.inputs), answer: .classes(batch.classes))
    }
  }
}

extension SequenceBatch {
  /// Sequences of one length, from [time, batch, features].
  static func whole(_ values: Tensor) -> SequenceBatch {
    SequenceBatch(values: values, lengths: [Int](repeating: values.shape[0], count: values.shape[1]))
  }
}
