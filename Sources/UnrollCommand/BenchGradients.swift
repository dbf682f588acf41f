import ArgumentParser
import Foundation
import Networks
import Unroll

/// `unroll bench gradients`: what becomes of a gradient on its way back through time.
struct GradientsBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gradients", abstract: "Follow gradients back through time, cell by cell.",
    discussion: """
      Each row is a network on the adding problem of N numbers, looked at before its first update and after the last. \
      `decay` is by how much ‖∂L/∂h_t‖ changes with each step away from the answer, `spectral` what a plain cell's \
      weights say it should be (spectral radius of the recurrent matrix × mean slope of tanh), `steps` how many steps \
      back a gradient has a hundredth of its size. `--gain` multiplies the initial recurrent weights.

      Examples:
        unroll bench gradients
        unroll bench gradients --lengths 100 --cells elman --gain 1.6 --clip 0 1 --json
      """)

  @OptionGroup var common: CommonOptions
  @Option(parsing: .upToNextOption, help: "Numbers to read.") var lengths = [50, 100, 200, 500]
  @Option(parsing: .upToNextOption, help: "Cells; `unroll cells` shows them.")
  var cells: [CellKind] = [.elman, .gru, .lstm]
  @Option(parsing: .unconditional, help: "Factor of the initial recurrent weights.") var gain: Float = 1
  @Option(parsing: .upToNextOption, help: "Largest norms of a gradient; 0: no limit.") var clip: [Float] = [1]
  @Option(parsing: .unconditional, help: "Values of the hidden state.") var hidden = 64
  @Option(parsing: .unconditional, help: "Sequences of a batch.") var batch = 20
  @Option(parsing: .unconditional, help: "Updates.") var updates = 300
  @Option(parsing: .unconditional, help: "Adam's learning rate.") var learningRate: Float = 0.002
  @Option(parsing: .unconditional, help: "Decides weights and sequences.") var seed: UInt64 = 1

  func validate() throws {
    for (name, value, limit) in [("hidden", hidden, 4096), ("batch", batch, 10_000), ("updates", updates, 1_000_000)]
    where !(1...limit).contains(value) {
      throw ValidationError("--\(name) is \(value), and must be in 1...\(limit)")
    }
    guard lengths.allSatisfy({ (4...100_000).contains($0) }) else {
      throw ValidationError("--lengths are in 4...100000")
    }
    guard clip.allSatisfy({ $0 >= 0 && $0.isFinite }), gain.isFinite, learningRate > 0, learningRate.isFinite else {
      throw ValidationError("--clip is 0 or more, --gain a number, --learning-rate above 0")
    }
  }

  func run() throws {
    common.apply()
    if !common.json { try Console.write(Self.line(Row.columns)) }
    for length in lengths {
      for cell in cells {
        for clip in clip {
          for row in try rows(cell, length, clip: clip) {
            try common.json ? Console.json(row) : Console.write(Self.line(row.values))
          }
        }
      }
    }
  }

  private func rows(_ cell: CellKind, _ length: Int, clip: Float) throws -> [Row] {
    let problem = MemoryProblem.adding(AddingProblem(length: length))
    var random = RandomSource(seed: seed)
    let network = MemoryNetwork(cell, layers: 1, hidden: hidden, for: problem, using: &random)
    if gain != 1 { network.scaleRecurrentColumns(by: gain, hidden: hidden) }
    let objective = MemoryObjective(network, on: problem, batch: batch, updatesPerEpoch: updates, seed: seed)
    var settings = TrainingSettings(
      epochs: 1, learningRate: learningRate, clipping: clip == 0 ? .none : .norm(clip))
    settings.watchInterval = max(1, updates - 1)
    var trainer = try Trainer(objective, settings: settings)
    var seen: [WatchReport] = []
    var loss: Double?
    do {
      try trainer.run { event in
        if case .watch(let report) = event { seen.append(report) }
        if case .epoch(let report) = event { loss = report.validationLoss }
      }
    } catch let error as UnrollError where error.kind == .notFinite {
      Console.note("\(cell.rawValue), \(length) numbers, clip \(clip): \(error.message), \(error.place ?? "")")
    }
    return seen.map { Row($0, cell, length, clip, heldOutLoss: $0.updatesDone == 1 && updates > 1 ? nil : loss) }
  }

  /// What was seen in one update.
  private struct Row: Encodable {
    var event = "gradients"
    let cell: String
    let length, updatesDone: Int
    let clip: Float
    /// ‖∂L/∂h_t‖ of the hidden state, from the first time step to the last.
    let norms: [Double]
    let decay, spectral, lyapunovExponent, steps: Double?
    /// The first step's norm as a share of the last one's.
    let firstShare: Double
    let gradientNorm: Double
    let heldOutLoss: Double?

    init(_ report: WatchReport, _ cell: CellKind, _ length: Int, _ clip: Float, heldOutLoss: Double?) {
      let layer = report.layers[0]
      let state = layer.states[0]
      (self.cell, self.length, self.clip) = (cell.rawValue, length, clip)
      updatesDone = report.updatesDone
      norms = state.gradientNorms
      decay = state.decay
      spectral =
        cell == .elman
        ? layer.recurrentWeights.first.map { $0.spectralRadius * (1 - state.magnitude * state.magnitude) } : nil
      lyapunovExponent = layer.lyapunovExponent
      steps = state.decay.flatMap { $0 < 1 ? log(0.01) / log($0) : nil }
      firstShare = (norms.first ?? 0) / max(norms.last ?? 0, .leastNormalMagnitude)
      gradientNorm = report.gradientNorm
      self.heldOutLoss = heldOutLoss
    }

    static let columns = [
      "length", "cell", "clip", "update", "decay", "spectral", "exponent", "steps", "first/last", "norm",
      "held-out loss",
    ]

    var values: [String] {
      func text(_ value: Double?) -> String { value.map { String(format: "%.4g", $0) } ?? "-" }
      return [
        "\(length)", cell, "\(clip)", "\(updatesDone)", text(decay), text(spectral), text(lyapunovExponent),
        text(steps),
        text(firstShare), text(gradientNorm), text(heldOutLoss),
      ]
    }
  }

  private static func line(_ columns: [String]) -> String {
    columns.map { $0.padding(toLength: max(11, $0.count + 1), withPad: " ", startingAt: 0) }.joined() + "\n"
  }
}

extension MemoryNetwork {
  /// Multiplies the columns of the layers' matrices that the state is read by.
  fileprivate func scaleRecurrentColumns(by gain: Float, hidden: Int) {
    for named in recurrent.parameters where named.parameter.shape.rank == 2 && named.parameter.shape[0] == hidden {
      let width = named.parameter.shape[1]
      named.parameter.value = Tensor(
        shape: named.parameter.shape,
        values: named.parameter.value.values.enumerated().map { $0 % width < hidden ? gain * $1 : $1 })
    }
  }
}
