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
        unroll cells --input 128 --hidden 512      and how many values a layer of that size learns

      Equations are read off the step that runs. × is elementwise, · a product with a matrix, h′ what h becomes.
      """)

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
    for kind in CellKind.allCases {
      let line = CellLine(kind, input: input, hidden: hidden)
      try common.json ? Console.json(line) : Console.write(line.text)
    }
  }

  private struct CellLine: Encodable {
    var event = "cell"
    let name, type, paper, equations: String
    let gates, input, hidden, parameters: Int

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
      return "\(name): \(type), \(parameters) parameters (input \(input), hidden \(hidden))\n  \(paper)\n\n\(lines)\n"
    }
  }
}
