import ArgumentParser
import Networks
import Recurrence
import Unroll

/// `unroll cells`.
struct CellsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cells", abstract: "List the recurrent cells: equations, learnt values, papers.",
    discussion: """
        unroll cells                               every cell that `train text --cell` takes
        unroll cells lstm                          one of them
        unroll cells --input 128 --hidden 512      and how many values a layer of that size learns
        unroll cells --speed                       and how long a training step takes, measured beside the LSTM's

      Equations are read off the step that runs. × is elementwise, · a product with a matrix, h′ what h becomes.
      """)

  @Argument(help: "The cell to show; all of them by default.") var cell: CellKind?
  @Flag(help: "Measure a training step of 100 time steps, 32 sequences and 128 values beside the LSTM's.")
  var speed = false
  @Option(parsing: .unconditional, help: "Values of a layer's input at a time step.") var input = 64
  @Option(parsing: .unconditional, help: "Values of its hidden state.") var hidden = 256
  @OptionGroup var common: CommonOptions

  func validate() throws {
    for (name, value) in [("input", input), ("hidden", hidden)] where !(1...1_000_000).contains(value) {
      throw ValidationError("--\(name) is \(value), and must be in 1...1000000")
    }
  }

  func run() throws {
    common.apply()
    for kind in cell.map({ [$0] }) ?? CellKind.allCases {
      var line = CellLine(kind, input: input, hidden: hidden)
      if speed { line.speed = CellSpeed(kind) }
      try common.json ? Console.json(line) : Console.write(line.text)
    }
  }

  private struct CellLine: Encodable {
    var event = "cell"
    let name, type, paper, equations: String
    let gates, input, hidden, parameters: Int
    /// Measured only where it was asked for.
    var speed: CellSpeed?

    init(_ kind: CellKind, input: Int, hidden: Int) {
      // The equations are those of any size, but for a cell that treats equal sizes in a way of its own.
      var random = RandomSource(seed: 1)
      let layer = kind.layer(inputSize: input == hidden ? 3 : 2, hiddenSize: 3, using: &random) as? any RecurrentLayer
      name = kind.rawValue
      type = layer?.cellName ?? ""
      paper = kind.paper
      equations = layer.map { $0.unroller.plan().history[0].graph.equations(names: $0.stepNames) } ?? ""
      gates = kind.gates
      (self.input, self.hidden) = (input, hidden)
      parameters = kind.parameterCount(inputSize: input, hiddenSize: hidden)
    }

    var text: String {
      let lines = equations.split(separator: "\n").map { "    \($0)\n" }.joined()
      let measured = speed.map { "\n  " + $0.text } ?? ""
      return "\(name): \(type), \(parameters) parameters (input \(input), hidden \(hidden))\n  \(paper)\(measured)"
        + "\n\n\(lines)\n"
    }
  }
}

/// What a training step of a layer takes, measured in turns with that of an LSTM of the same sizes.
private struct CellSpeed: Encodable {
  private static let (time, batch, size) = (100, 32, 128)

  let time = CellSpeed.time, batch = CellSpeed.batch, size = CellSpeed.size
  let milliseconds: Double
  /// The time over that of the LSTM, the median of all rounds: below 1, the cell is faster.
  let toLSTM: Double

  init(_ kind: CellKind) {
    let (own, lstm) = (Self.step(of: kind), Self.step(of: .lstm))
    let rounds = (0..<3).map { _ in (own: Self.measure(own), lstm: Self.measure(lstm)) }
    milliseconds = KernelBenchmark.median(rounds.map(\.own))
    toLSTM = KernelBenchmark.median(rounds.map { $0.own / $0.lstm })
  }

  private static func measure(_ step: () -> Void) -> Double {
    RecurrentBenchmark.milliseconds(of: step, seconds: 0.05)
  }

  private static func step(of kind: CellKind) -> () -> Void {
    var random = RandomSource(seed: 1)
    let stack = Stack([kind.layer(inputSize: size, hiddenSize: size, using: &random)])
    let values = random.uniform([time, batch, size], in: -1...1)
    let input = SequenceBatch(values: values, lengths: [Int](repeating: time, count: batch))
    let step = RecurrentBenchmark.trainingStep(stack, input)
    return { _ = step.gradients() }
  }

  var text: String {
    let factor = String(format: "%.2f of the LSTM's", toLSTM)
    return String(format: "training step T%d B%d H%d: %.2f ms, ", time, batch, size, milliseconds) + factor
  }
}
