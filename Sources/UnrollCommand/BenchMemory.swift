import ArgumentParser
import Foundation
import Unroll

/// `unroll bench memory`: how far back cells remember.
struct MemoryBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "memory", abstract: "Train cells on problems that only a long memory solves.",
    discussion: """
      adding-N: the sum of two marked numbers of N; an answer without memory has a mean squared error of 0.167. \
      copy-N: ten symbols again after N time steps, in nats a step. pixels: the class of a picture read pixel by \
      pixel in a mixed order, from the folder --mnist (the four IDX files of MNIST, or its training files). Each row \
      is one training from one seed, until its held-out loss falls below a twentieth of what an answer without memory \
      has, or the updates are done. The flags of remedies against vanishing and exploding gradients are tried in \
      `Examples/`.

      Examples:
        unroll bench memory
        unroll bench memory --problems adding-600 --cells lstm indrnn minlstm --updates 10000 --seeds 1 2 3
        unroll bench memory --problems pixels --mnist mnist --cells lstm --updates 1200 --json
      """)

  @OptionGroup var common: CommonOptions
  @Option(parsing: .upToNextOption, help: "adding-N, copy-N, pixels.")
  var problems = ["adding-200"]
  @Option(parsing: .upToNextOption, help: "Cells; `unroll cells` shows them.")
  var cells: [CellKind] = [.elman, .gru, .lstm, .indrnn, .minLSTM]
  @Option(parsing: .upToNextOption, help: "Seeds of weights and sequences.") var seeds: [UInt64] = [1]
  @Option(parsing: .unconditional, help: "Values of the hidden state.") var hidden = 128
  @Option(parsing: .unconditional, help: "Recurrent layers.") var layers = 1
  @Option(parsing: .unconditional, help: "Sequences of a batch.") var batch = 50
  @Option(parsing: .unconditional, help: "Updates at most.") var updates = 4_000
  @Option(parsing: .unconditional, help: "Updates between two looks at held-out sequences.") var every = 100
  @Option(help: "How gradients are kept small: NORM, value=LIMIT or adaptive=RATIO; 0: not at all.")
  var clip = ClippingChoice(.norm(1))
  @OptionGroup(title: "Remedies") var remedies: RemedyOptions
  @Option(help: "The folder with MNIST's IDX files, compressed or not.") var mnist: String?

  func validate() throws {
    for (name, value, limit) in [
      ("hidden", hidden, 16_384), ("layers", layers, 64), ("batch", batch, 100_000), ("updates", updates, 100_000_000),
      ("every", every, 1_000_000),
    ] where !(1...limit).contains(value) {
      throw ValidationError("--\(name) is \(value), and must be in 1...\(limit)")
    }
  }

  func run() throws {
    common.apply()
    let known = try problems.map { ($0, try problem($0)) }
    if !common.json {
      try Console.write(
        Self.line("problem", "cell", "seed", "weights", "updates", "loss", "without", "solved", "seconds"))
    }
    for (name, problem) in known {
      for cell in cells {
        for seed in seeds {
          let row = try Row(name, problem, cell, seed, self)
          try common.json ? Console.json(row) : Console.write(row.text)
        }
      }
    }
  }

  private func problem(_ name: String) throws -> MemoryProblem {
    if name == "pixels" { return .pixels(try pixels()) }
    let parts = name.split(separator: "-")
    if parts.count == 2, let number = Int(parts[1]), (2...1_000_000).contains(number) {
      if parts[0] == "adding" { return .adding(AddingProblem(length: number)) }
      if parts[0] == "copy" { return .copy(CopyProblem(delay: number)) }
    }
    throw UnrollError(
      .usage, "there is no problem `\(name)`", hint: "the problems are adding-N, copy-N and pixels, N from 2 to 1000000"
    )
  }

  private func pixels() throws -> PixelSequences {
    guard let mnist else {
      throw UnrollError(.usage, "pixels need pictures", hint: "name the folder with MNIST's IDX files: --mnist DIR")
    }
    func array(_ name: String) throws -> IDXArray {
      let path = mnist + "/" + name
      return try IDXArray(contentsOf: FileManager.default.fileExists(atPath: path) ? path : path + ".gz")
    }
    return try PixelSequences(
      images: array("train-images-idx3-ubyte"), labels: array("train-labels-idx1-ubyte"), at: mnist)
  }

  /// One training.
  private struct Row: Encodable {
    var event = "memory"
    let problem, cell: String
    let seed: UInt64
    let layers, hidden, parameters: Int
    let updates: Int
    /// The last loss on held-out sequences, and that of an answer without memory.
    let loss, baseline: Double
    let accuracy: Double?
    /// The loss at each look.
    let losses: [Double]
    /// After how many updates the loss was below a twentieth of the baseline; nil: never.
    let solvedAfter: Int?
    let seconds: Double

    init(_ name: String, _ problem: MemoryProblem, _ cell: CellKind, _ seed: UInt64, _ options: MemoryBench) throws {
      let network = options.remedies.network(
        cell, layers: options.layers, hidden: options.hidden, for: problem, seed: seed)
      let every = min(options.every, options.updates)
      let objective = MemoryObjective(network, on: problem, batch: options.batch, updatesPerEpoch: every, seed: seed)
      let stop = StopRequest()
      let settings = options.remedies.settings(
        epochs: (options.updates + every - 1) / every, clipping: options.clip.clipping)
      var trainer = try Trainer(objective, settings: settings, stop: stop)
      var losses: [Double] = []
      var solved: Int?
      let start = ContinuousClock.now
      let summary = try trainer.run { event in
        guard case .epoch(let report) = event, let loss = report.validationLoss else { return }
        losses.append(loss)
        if !options.common.json {
          Console.note("\(name) \(cell.rawValue), seed \(seed): \(report.updatesDone) updates, loss \(loss)")
        }
        if solved == nil, loss < problem.baseline / 20 {
          solved = report.updatesDone
          if case .pixels = problem { return }
          stop.request()
        }
      }
      seconds = (ContinuousClock.now - start) / .seconds(1)
      (self.problem, self.cell, self.seed) = (name, cell.rawValue, seed)
      (layers, hidden, parameters) = (options.layers, options.hidden, network.parameterCount)
      updates = summary.updatesDone
      loss = losses.last ?? .nan
      baseline = problem.baseline
      accuracy = objective.judgement().accuracy
      self.losses = losses
      solvedAfter = solved
    }

    var text: String {
      let state = accuracy.map { String(format: "%.2f %%", 100 * $0) } ?? solvedAfter.map { "\($0)" } ?? "no"
      return MemoryBench.line(
        problem, cell, "\(seed)", "\(parameters)", "\(updates)", String(format: "%.5f", loss),
        String(format: "%.5f", baseline), state, String(format: "%.1f", seconds))
    }
  }

  private static func line(_ columns: String...) -> String {
    let widths = [14, 18, 6, 10, 9, 10, 10, 10, 9]
    return zip(columns, widths).map { text, width in
      text.padding(toLength: max(width, text.count + 1), withPad: " ", startingAt: 0)
    }.joined() + "\n"
  }
}
