import Foundation
import Interchange
import Networks
import Recurrence
import Synchronization
import Tensors
import Testing
import Training

/// What goes wrong in one time step of one sequence, on purpose.
private struct Fragile: RecurrentCell {
  enum Function { case exponential, root }
  let mix: Linear
  let function: Function

  init(_ function: Function) {
    // The state's columns are 0, the input's 1: what enters is what the function sees.
    mix = Linear(
      weight: Parameter(Tensor([[0, 0, 1, 0], [0, 0, 0, 1]])), bias: Parameter(.zeros([2])))
    self.function = function
  }

  var inputSize: Int { 2 }
  func initialState(batch: Int) -> Tensor { .zeros([batch, 2]) }
  func step(_ x: Tensor, _ h: Tensor) -> (output: Tensor, state: Tensor) {
    let z = mix(concatenated(h, x))
    let new = 0.5 * h + (function == .exponential ? exp(z) : sqrt(square(z)))
    return (output: new, state: new)
  }
}

private struct FragileNetwork: Module {
  let encoder: Recurrent<Fragile>
  let readout: Linear

  init(_ function: Fragile.Function) {
    encoder = Recurrent(Fragile(function))
    readout = Linear(weight: Parameter(Tensor([[0.1, 0.2]])), bias: Parameter(.ones([1])))
  }
}

/// Four updates an epoch on the same three sequences, some of them poisoned.
private struct FragileObjective: Objective {
  /// Counted over all copies.
  final class Calls: Sendable { let count = Mutex(0) }
  static let lengths = [2, 5, 3]

  let network: FragileNetwork
  let updatesPerEpoch = 4
  let calls = Calls()
  var poison: [Int: (time: Int, sequence: Int, value: Float)] = [:]
  /// Whether the poison is what the output is divided by.
  var divides = false
  private var next = 0
  private var random = RandomSource(seed: 2)

  init(_ function: Fragile.Function) { network = FragileNetwork(function) }

  mutating func beginEpoch(_ epoch: Int) {}

  mutating func nextLoss() -> Loss {
    calls.count.withLock { $0 += 1 }
    let poison = poison[next]
    next += 1
    var values = Self.lengths.map { length in
      (0..<length).map { _ in random.uniform([2], in: 0.5...1).values }
    }
    if let poison, !divides { values[poison.sequence][poison.time] = [0.7, poison.value] }
    let batch = SequenceBatch(values)
    let output = network.readout(network.encoder(batch).output.rows)
    guard divides else { return Loss(mean: output.mean(), units: 3) }
    var divisors = values.map { $0.map { _ in [Float(1)] } }
    if let poison { divisors[poison.sequence][poison.time] = [poison.value] }
    return Loss(mean: (output / SequenceBatch(divisors).rows).mean(), units: 3)
  }

  func validationLoss() -> Double? { nil }
  var snapshot: ObjectiveSnapshot { ObjectiveSnapshot(values: "{\"next\":\(next)}") }
  mutating func restore(_ snapshot: ObjectiveSnapshot) throws {
    next = try StrictJSON.decode([String: Int].self, from: Data(snapshot.values.utf8), path: "snapshot")["next"] ?? 0
  }
}

extension TrainingTests {
  /// Where the first number comes from that is not finite.
  @Suite struct Faults {
    private func skipped(_ objective: FragileObjective) throws -> [SkippedUpdate] {
      var found: [SkippedUpdate] = []
      var trainer = try Trainer(objective, settings: TrainingSettings(epochs: 1, learningRate: 1e-6))
      try trainer.run { if case .skippedUpdate(let update) = $0 { found.append(update) } }
      return found
    }

    @Test(arguments: [(3, 1), (0, 0), (2, 2), (4, 1)]) func anInfinityGoingForwards(time: Int, sequence: Int) throws {
      var objective = FragileObjective(.exponential)
      objective.poison[2] = (time, sequence, 200)
      let found = try skipped(objective)
      #expect(found.count == 1 && found[0].updatesDone == 3)
      let fault = try #require(found[0].fault)
      #expect(fault.operation == "exp" && fault.layer == "encoder.cell.mix" && !fault.isBackward && !fault.isGiven)
      #expect(fault.value == "inf" && fault.timeStep == time && fault.sequence == sequence)
      #expect(
        "\(fault)" == "exp behind `encoder.cell.mix` gave inf, time step \(time) of sequence \(sequence)")
    }

    @Test(arguments: [(3, 1), (0, 0), (2, 2)]) func aNumberThatIsNoneGoingBack(time: Int, sequence: Int) throws {
      var objective = FragileObjective(.root)
      // √0 is fine, its slope is not. Later updates would have moved the biases away from 0.
      objective.poison[0] = (time, sequence, 0)
      let found = try skipped(objective)
      #expect(found.count == 1)
      let skipped = try #require(found.first)
      #expect(skipped.reason.hasPrefix("the gradient's norm is"))
      let fault = try #require(skipped.fault)
      #expect(fault.operation == "squareRoot" && fault.layer == "encoder.cell.mix" && fault.isBackward)
      #expect(fault.value == "inf" && fault.timeStep == time && fault.sequence == sequence)
    }

    /// Rows behind a recurrence are told apart by its lengths.
    @Test func outsideARecurrence() throws {
      var objective = FragileObjective(.root)
      objective.divides = true
      objective.poison[0] = (2, 2, 0)
      let fault = try #require(try skipped(objective).first?.fault)
      #expect(fault.operation == "divide" && fault.layer == "readout" && !fault.isBackward)
      #expect(fault.timeStep == 2 && fault.sequence == 2)
    }

    @Test func whatWasGiven() throws {
      var objective = FragileObjective(.root)
      objective.poison[0] = (1, 0, .nan)
      let fault = try #require(try skipped(objective).first?.fault)
      #expect(fault.isGiven && fault.value == "nan" && fault.timeStep == 1 && fault.sequence == 0)
      #expect(fault.parameter == nil)

      let broken = FragileObjective(.root)
      broken.network.readout.bias?.value = Tensor([-.infinity])
      let error = unrollError { _ = try skipped(broken) }
      #expect(
        error?.message
          == "the loss is -inf: parameter `readout.bias` holds -inf; the last 3 updates were not made")
    }

    /// Healthy updates are computed once, one that is not is computed twice, and the next ones are what they were.
    @Test func healthyUpdatesPayNothing() throws {
      let healthy = FragileObjective(.exponential)
      #expect(try skipped(healthy).isEmpty)
      #expect(healthy.calls.count.withLock { $0 } == 4)
      var objective = FragileObjective(.exponential)
      objective.poison[1] = (1, 1, 200)
      var losses: [Double] = []
      var trainer = try Trainer(objective, settings: TrainingSettings(epochs: 1, learningRate: 1e-30))
      try trainer.run { if case .update(let update) = $0 { losses.append(update.loss) } }
      #expect(objective.calls.count.withLock { $0 } == 5)
      var others: [Double] = []
      var other = try Trainer(
        FragileObjective(.exponential), settings: TrainingSettings(epochs: 1, learningRate: 1e-30))
      try other.run { if case .update(let update) = $0 { others.append(update.loss) } }
      others.remove(at: 1)
      #expect(losses == others && losses.count == 3)
    }

    /// The folder keeps what was found, and the doctor reads it there.
    @Test func isKeptAndDiagnosed() throws {
      try withFolder { folder in
        var objective = FragileObjective(.exponential)
        for update in 1...3 { objective.poison[update] = (update, 1, 200) }
        var trainer = try Trainer(
          objective, settings: TrainingSettings(epochs: 1, learningRate: 1e-6, checkpointInterval: 1), folder: folder)
        let error = unrollError { try trainer.run() }
        #expect(
          error?.message == "the loss is inf: exp behind `encoder.cell.mix` gave inf, time step 3 of sequence 1; "
            + "the last 3 updates were not made")
        #expect(names(in: folder + "/checkpoints") == ["update-00000000.safetensors", "update-00000001.safetensors"])
        let record = try TrainingRecord(of: folder)
        #expect(record.skipped.map(\.updatesDone) == [2, 3, 4] && record.skipped.map(\.inARow) == [1, 2, 3])
        #expect(record.skipped.map { $0.fault?.timeStep } == [1, 2, 3])
        let found = Doctor(history: record.epochs, watched: record.watched, skipped: record.skipped).diagnoses()
        #expect(found.map(\.kind) == [.notFinite] && found[0].place == "encoder.cell.mix")
        #expect(
          found[0].evidence == "3 updates were not made; in update 2, the first, the loss is inf: "
            + "exp behind `encoder.cell.mix` gave inf, time step 1 of sequence 1")
        // Resumed, the updates after the checkpoint are made again, and told again.
        var again = try Trainer(
          objective, settings: TrainingSettings(epochs: 1, learningRate: 1e-6, checkpointInterval: 1), folder: folder)
        _ = unrollError { try again.run(resuming: true) }
        #expect(try TrainingRecord(of: folder).skipped.map(\.updatesDone) == [2, 3, 4])
      }
    }
  }
}
