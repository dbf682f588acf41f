import ArgumentParser
import Foundation
import Networks
import Unroll

/// `unroll bench gradients`: what becomes of a gradient on its way back through time.
struct GradientsBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gradients", abstract: "Follow gradients back through time, cell by cell.",
    discussion: """
      Each row is a network on the adding problem of N numbers, looked at in its first update and in its last. \
      `decay` is by how much ‖∂L/∂h_t‖ changes with each step away from the answer, `spectral` what a plain cell's \
      weights say it should be (spectral radius of the recurrent matrix, each row times its unit's mean slope of \
      tanh), `steps` how many steps back a gradient has a hundredth of its size, `penalty` the Ω of \
      `--preserve-gradients`.

      Examples:
        unroll bench gradients
        unroll bench gradients --lengths 100 --cells elman --recurrent-initializer orthogonal=1.6 --clip 0 1 --json
      """)

  @OptionGroup var common: CommonOptions
  @Option(parsing: .upToNextOption, help: "Numbers to read.") var lengths = [50, 100, 200, 500]
  @Option(parsing: .upToNextOption, help: "Cells; `unroll cells` shows them.")
  var cells: [CellKind] = [.elman, .gru, .lstm]
  @Option(
    parsing: .upToNextOption,
    help: "Ways to keep gradients small: NORM, value=LIMIT or adaptive=RATIO; 0: not at all.")
  var clip = [ClippingChoice(.norm(1))]
  @Option(parsing: .unconditional, help: "Values of the hidden state.") var hidden = 64
  @Option(parsing: .unconditional, help: "Sequences of a batch.") var batch = 20
  @Option(parsing: .unconditional, help: "Updates.") var updates = 300
  @Option(parsing: .unconditional, help: "Decides weights and sequences.") var seed: UInt64 = 1
  @OptionGroup(title: "Remedies") var remedies: RemedyOptions

  func validate() throws {
    for (name, value, limit) in [("hidden", hidden, 4096), ("batch", batch, 10_000), ("updates", updates, 1_000_000)]
    where !(1...limit).contains(value) {
      throw ValidationError("--\(name) is \(value), and must be in 1...\(limit)")
    }
    guard lengths.allSatisfy({ (4...100_000).contains($0) }) else {
      throw ValidationError("--lengths are in 4...100000")
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

  private func rows(_ cell: CellKind, _ length: Int, clip: ClippingChoice) throws -> [Row] {
    let problem = MemoryProblem.adding(AddingProblem(length: length))
    let network = remedies.network(cell, layers: 1, hidden: hidden, for: problem, seed: seed)
    let objective = MemoryObjective(network, on: problem, batch: batch, updatesPerEpoch: updates, seed: seed)
    var settings = remedies.settings(epochs: 1, clipping: clip.clipping)
    settings.watchInterval = max(1, updates - 1)
    var trainer = try Trainer(objective, settings: settings)
    var seen: [(report: WatchReport, penalty: Double?)] = []
    var penalty: Double?
    var loss: Double?
    do {
      try trainer.run { event in
        switch event {
        case .update(let update): penalty = update.flowPenalty
        case .watch(let report): seen.append((report, penalty))
        case .epoch(let report): loss = report.validationLoss
        default: break
        }
      }
    } catch let error as UnrollError where error.kind == .notFinite {
      Console.note("\(cell.rawValue), \(length) numbers, clip \(clip): \(error.message), \(error.place ?? "")")
    }
    return seen.map { report, penalty in
      let isFirst = report.updatesDone == 1 && updates > 1
      return Row(report, cell, length, "\(clip)", penalty: penalty, heldOutLoss: isFirst ? nil : loss)
    }
  }

  /// What was seen in one update.
  private struct Row: Encodable {
    var event = "gradients"
    let cell: String
    let length, updatesDone: Int
    let clip: String
    /// ‖∂L/∂h_t‖ of the hidden state, from the first time step to the last.
    let norms: [Double]
    let decay, spectral, lyapunovExponent, steps: Double?
    /// The first step's norm as a share of the last one's.
    let firstShare: Double
    let gradientNorm: Double
    let penalty, heldOutLoss: Double?

    init(
      _ report: WatchReport, _ cell: CellKind, _ length: Int, _ clip: String, penalty: Double?, heldOutLoss: Double?
    ) {
      let layer = report.layers[0]
      let state = layer.states[0]
      (self.cell, self.length, self.clip) = (cell.rawValue, length, clip)
      updatesDone = report.updatesDone
      norms = state.gradientNorms
      decay = state.decay
      spectral = layer.expectedDecay
      lyapunovExponent = layer.lyapunovExponent
      steps = state.decay.flatMap { $0 < 1 ? log(0.01) / log($0) : nil }
      firstShare = (norms.first ?? 0) / max(norms.last ?? 0, .leastNormalMagnitude)
      gradientNorm = report.gradientNorm
      self.penalty = penalty
      self.heldOutLoss = heldOutLoss
    }

    static let columns = [
      "length", "cell", "clip", "update", "decay", "spectral", "exponent", "steps", "first/last", "norm", "penalty",
      "held-out loss",
    ]

    var values: [String] {
      func text(_ value: Double?) -> String { value.map { String(format: "%.4g", $0) } ?? "-" }
      return [
        "\(length)", cell, clip, "\(updatesDone)", text(decay), text(spectral), text(lyapunovExponent), text(steps),
        text(firstShare), text(gradientNorm), text(penalty), text(heldOutLoss),
      ]
    }
  }

  private static func line(_ columns: [String]) -> String {
    columns.map { $0.padding(toLength: max(11, $0.count + 1), withPad: " ", startingAt: 0) }.joined() + "\n"
  }
}
