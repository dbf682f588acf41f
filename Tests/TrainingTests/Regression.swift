import Foundation
import Interchange
import Networks
import Tensors
import Testing
import Training

/// All suites of the room. One after the other, as some change the number of threads.
@Suite(.serialized) enum TrainingTests {}

struct Affine: Module {
  let weight: Parameter
  let bias: Parameter

  init(inputs: Int, outputs: Int, seed: UInt64 = 1) {
    var random = RandomSource(seed: seed)
    weight = Parameter(random.uniform([inputs, outputs], in: -0.2...0.2))
    bias = Parameter(random.uniform([outputs], in: -0.2...0.2))
  }

  func callAsFunction(_ x: Tensor) -> Tensor { matmul(x, weight.tensor) + bias.tensor }
}

/// Linear regression whose losses depend on all that an objective can carry: shuffled order, place, dropout masks, and a
/// state from one minibatch to the next.
struct Regression: Objective {
  private struct Values: Codable {
    var random: RandomSource
    var order: [Int]
    var next: Int
    /// Minibatches and epochs so far.
    var seen = 0
    var epochs = 0
  }

  let network: Affine
  let updatesPerEpoch: Int
  private let inputs: Tensor
  private let targets: Tensor
  private let batch = 3
  private var values: Values
  private var carried: Tensor

  /// Validation losses of the epochs to come, instead of computed ones; an empty list is no validation data.
  var validationLosses: [Double]?
  /// The updates, from 0 over all epochs, whose loss is no number.
  var poisonedUpdates: Set<Int> = []
  /// Those that were told to have been skipped.
  private(set) var skipped: [Int] = []

  init(inputs count: Int = 5, outputs: Int = 2, updatesPerEpoch: Int = 4, seed: UInt64 = 1) {
    network = Affine(inputs: count, outputs: outputs, seed: seed)
    self.updatesPerEpoch = updatesPerEpoch
    // The last minibatch of each epoch lacks a sample.
    let samples = max(1, updatesPerEpoch * batch - 1)
    var random = RandomSource(seed: 5)
    inputs = random.uniform([samples, count], in: -1...1)
    targets = random.uniform([samples, outputs], in: -1...1)
    carried = .zeros([outputs])
    values = Values(random: RandomSource(seed: 9), order: [], next: 0)
  }

  mutating func beginEpoch(_ epoch: Int) throws {
    values.order = values.random.permutation(inputs.shape[0])
    values.next = 0
    values.epochs = epoch + 1
  }

  mutating func nextLoss() throws -> Loss {
    defer { values.seen += 1 }
    let rows = values.order[values.next..<min(values.next + batch, values.order.count)].map { Int32($0) }
    values.next += batch
    let x = inputs.gatheringRows(rows)
    let output = network(x * values.random.dropoutMask(x.shape, rate: 0.25)) + carried * 0.1
    carried = output.detached.rows(0..<1).reshaped(to: carried.shape)
    let loss = square(output - targets.gatheringRows(rows)).mean()
    return Loss(mean: poisonedUpdates.contains(values.seen) ? loss * .nan : loss, units: rows.count)
  }

  func validationLoss() throws -> Double? {
    if let validationLosses { return validationLosses.isEmpty ? nil : validationLosses[values.epochs - 1] }
    return Double(square(network(inputs) - targets).mean().scalar)
  }

  mutating func afterSkippedUpdate() { skipped.append(values.seen - 1) }

  var snapshot: ObjectiveSnapshot {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let json = (try? encoder.encode(values)) ?? Data()
    return ObjectiveSnapshot(tensors: [("carried", carried)], values: String(decoding: json, as: UTF8.self))
  }

  mutating func restore(_ snapshot: ObjectiveSnapshot) throws {
    values = try StrictJSON.decode(Values.self, from: Data(snapshot.values.utf8), path: "snapshot")
    guard let tensor = snapshot.tensors.first(where: { $0.name == "carried" })?.tensor else {
      throw UnrollError(.invalidData, "no carried state")
    }
    carried = tensor
  }
}

/// Runs `body` with a folder of its own, which is removed afterwards.
func withFolder(_ body: (String) throws -> Void) throws {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("unroll-\(UUID().uuidString)").path
  defer { try? FileManager.default.removeItem(atPath: folder) }
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  try body(folder)
}

func names(in folder: String) -> [String] {
  ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
}

/// The error of a body that must throw one.
func unrollError(_ body: () throws -> Void) -> UnrollError? {
  do {
    try body()
    Issue.record("no error was thrown")
  } catch let error as UnrollError {
    return error
  } catch {
    Issue.record("another error: \(error)")
  }
  return nil
}

func bits(_ tensor: Tensor) -> [UInt32] { tensor.values.map(\.bitPattern) }

/// All that a safetensors file holds, value by value in bits; and what else is to be compared.
struct Fingerprint: Equatable {
  var tensors: [String: [UInt32]] = [:]
  var texts: [String] = []

  mutating func add(_ path: String) throws {
    let file = try SafeTensors.read(from: path)
    for (name, tensor) in file.tensors { tensors["\(path.suffix(20)) \(name) \(tensor.shape)"] = bits(tensor) }
    texts += file.metadata.map { "\($0) \($1)" }.sorted()
  }
}
