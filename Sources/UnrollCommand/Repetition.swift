import Foundation
import Unroll

/// What a training measured: `accuracy` of the `test` part.
struct Measure {
  let part, name: String
  let value: Double
}

/// `--repeat N`: the same training with N seeds, each in a folder of its own, and what they come to.
struct Repetition {
  private let seeds: [UInt64]
  private let folder: String
  private let json: Bool

  /// Throws when there can be no such seeds, or a folder holds a model already.
  init(_ count: Int, from first: UInt64, in folder: String, json: Bool) throws(UnrollError) {
    guard (2...1000).contains(count) else {
      throw UnrollError(.usage, "--repeat is \(count), and must be in 2...1000", hint: "3 or 5 is usual")
    }
    guard first <= .max - UInt64(count) else {
      throw UnrollError(.usage, "there are no \(count) seeds from \(first) on", hint: "make --seed smaller")
    }
    seeds = (0..<UInt64(count)).map { first + $0 }
    self.folder = folder
    self.json = json
    // Before hours are spent on the others.
    for seed in seeds where try CheckpointStore(folder: modelFolder(of: seed)).isTaken {
      throw UnrollError(
        .usage, "the folder holds a model already", at: modelFolder(of: seed),
        hint: "choose another folder: --out; or go on with this one: --out \(modelFolder(of: seed)) --resume")
    }
  }

  private func modelFolder(of seed: UInt64) -> String { "\(folder)/seed-\(seed)" }

  /// Trains with each seed, and tells the measures' means and deviations; nothing of them when a training was
  /// interrupted, which `train` says by nil.
  func run(_ train: (_ seed: UInt64, _ folder: String) throws -> [Measure]?) throws {
    var runs: [[Measure]] = []
    for seed in seeds {
      if json {
        try Console.json(Beginning(seed: seed, folder: modelFolder(of: seed)))
      } else {
        Console.note("seed \(seed):")
      }
      guard let measures = try train(seed, modelFolder(of: seed)) else { return }
      runs.append(measures)
    }
    let spreads = runs[0].indices.map { place in Spread(runs.map { $0[place] }) }
    if json { return try Console.json(Result(seeds: seeds, measures: spreads)) }
    Console.note("of \(seeds.count) seeds, mean ± standard deviation:")
    for spread in spreads {
      Console.note(
        "  \(spread.part) \(spread.name) " + String(format: "%.4f ± %.4f", spread.mean, spread.deviation))
    }
  }

  private struct Beginning: Encodable {
    let event = "seed"
    let seed: UInt64
    let folder: String

    private enum CodingKeys: CodingKey { case event, seed, folder }
  }

  private struct Result: Encodable {
    let event = "repeated"
    let seeds: [UInt64]
    let measures: [Spread]

    private enum CodingKeys: CodingKey { case event, seeds, measures }
  }

  private struct Spread: Encodable {
    let part, name: String
    let values: [Double]
    /// The deviation is a sample's, of n - 1.
    let mean, deviation: Double

    init(_ measures: [Measure]) {
      (part, name) = (measures[0].part, measures[0].name)
      values = measures.map(\.value)
      let count = Double(values.count)
      let mean = values.reduce(0, +) / count
      self.mean = mean
      deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / (count - 1)).squareRoot()
    }
  }
}
