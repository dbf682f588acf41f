import Corpora
import Foundation
import Interchange
import Networks
import Recurrence
import Tensors
import Training

/// A recurrent network that is asked a ``MemoryProblem``: recurrent layers and a linear answer.
public struct MemoryNetwork: Module {
  /// The recurrent layers.
  public let recurrent: Stack
  /// The answer, read from outputs.
  public let readout: Linear

  /// A new network, whose cells' weights begin as `initialization` says.
  public init(
    _ cell: CellKind, layers: Int, hidden: Int, for problem: MemoryProblem,
    initialization: CellInitialization = CellInitialization(), using random: inout RandomSource
  ) {
    let sizes = problem.sizes
    recurrent = Stack(
      (0..<layers).map {
        cell.layer(
          inputSize: $0 == 0 ? sizes.input : hidden, hiddenSize: hidden, initialization: initialization, using: &random)
      })
    readout = Linear(inputs: recurrent.outputSize, outputs: sizes.output, using: &random)
  }

  /// The mean loss of a batch, and how many of its classes are right.
  func loss(of batch: MemoryProblem.Batch, in evaluation: inout Evaluation) -> (mean: Tensor, right: Int) {
    let count = batch.input.layout.batch
    let output = recurrent(batch.input, from: recurrent.initialState(batch: count), in: &evaluation).output
    var last: Tensor { Pooling.last(output, LayerState()) }
    switch batch.answer {
    case .numbers(let numbers): return (square(readout(last) - numbers).mean(), 0)
    case .tokens(let tokens): return (readout.crossEntropy(output.rows, tokens).mean(), 0)
    case .classes(let classes):
      let logits = readout(last)
      return (crossEntropy(logits, classes).mean(), logits.right(classes))
    }
  }
}

extension Tensor {
  /// Rows whose largest value stands at the row's class.
  fileprivate func right(_ classes: [Int32]) -> Int {
    let all = values
    return classes.enumerated().count { row, label in
      let own = all[row * shape.last..<(row + 1) * shape.last]
      return own.firstIndex(of: own.max() ?? 0) == own.startIndex + Int(label)
    }
  }
}

/// Training on a ``MemoryProblem``, in rounds of ``updatesPerEpoch`` updates with new sequences each time, judged by
/// sequences that are not trained on.
public struct MemoryObjective: Objective {
  /// The model.
  public let network: MemoryNetwork
  /// What it is asked.
  public let problem: MemoryProblem
  /// Sequences of a batch.
  public let batch: Int
  /// Updates between two judgements.
  public let updatesPerEpoch: Int
  private var random: RandomSource
  private let seed: UInt64

  /// An objective; `seed` decides the sequences.
  public init(_ network: MemoryNetwork, on problem: MemoryProblem, batch: Int, updatesPerEpoch: Int, seed: UInt64) {
    self.network = network
    self.problem = problem
    self.batch = batch
    self.updatesPerEpoch = updatesPerEpoch
    self.seed = seed
    random = RandomSource(seed: seed, stream: 1)
  }

  /// Nothing to prepare: sequences are always new.
  public mutating func beginEpoch(_ epoch: Int) {}

  /// The loss on new sequences.
  public mutating func nextLoss() -> Loss {
    var evaluation = Evaluation.training(random)
    let loss = network.loss(of: problem.batch(batch, using: &random), in: &evaluation)
    return Loss(mean: loss.mean, units: batch)
  }

  /// Keeps recurrent weights within their cell's limit.
  public mutating func afterUpdate() { network.limitRecurrent(steps: problem.length) }

  /// The mean loss on held-out sequences.
  public func validationLoss() -> Double? { judgement().loss }

  /// The mean loss on held-out sequences, and the share of right classes where there are classes.
  public func judgement() -> (loss: Double, accuracy: Double?) {
    var evaluation = Evaluation.inference
    if case .pixels(let pixels) = problem {
      var (loss, right) = (0.0, 0)
      for first in stride(from: pixels.trainingCount, to: pixels.count, by: 250) {
        let numbers = Array(first..<min(pixels.count, first + 250))
        let own = pixels.batch(numbers)
        let result = network.loss(
          of: .init(input: .whole(own.inputs), answer: .classes(own.classes)), in: &evaluation)
        loss += Double(result.mean.scalar) * Double(numbers.count)
        right += result.right
      }
      let count = Double(pixels.count - pixels.trainingCount)
      return (loss / count, Double(right) / count)
    }
    var held = RandomSource(seed: seed, stream: 2)
    return (Double(network.loss(of: problem.batch(200, using: &held), in: &evaluation).mean.scalar), nil)
  }

  /// The random numbers' place.
  public var snapshot: ObjectiveSnapshot {
    // A random source is always JSON.
    let values = (try? JSONEncoder().encode(random)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    return ObjectiveSnapshot(tensors: [], values: values)
  }

  /// Goes back to a snapshot.
  public mutating func restore(_ snapshot: ObjectiveSnapshot) throws {
    random = try StrictJSON.decode(RandomSource.self, from: Data(snapshot.values.utf8), path: "checkpoint")
  }
}
