import Tensors

/// How a step is run over time: what its graph became pass by pass, and the programs that run it forwards, forwards for
/// a gradient, and backwards.
package final class Plan: Sendable {
  /// The graph as traced, and after each pass that ran.
  package let history: [(name: String, graph: StepGraph)]
  /// The step's adjoint as derived, and after each pass that ran.
  package let adjointHistory: [(name: String, graph: StepGraph)]
  /// What is the same for all time steps.
  let weights: WeightSources
  let inference: Program
  let training: Program
  /// The adjoint, and what is left of it when nobody asks for the inputs' cotangents: it saves their product.
  let adjoint: AdjointProgram
  let adjointWithoutInputs: AdjointProgram
  let packed = PackedWeights()

  /// Compiles a step with the chosen passes.
  package init(_ step: StepFunction, passes: PassSet = .all) {
    var history = [(name: "trace", graph: step.traced())]
    func run(_ set: PassSet, on graph: StepGraph, _ history: inout [(name: String, graph: StepGraph)]) -> StepGraph {
      PassSet.inOrder.filter { passes.contains($0.flag) && set.contains($0.flag) }.reduce(graph) { graph, entry in
        let result = entry.pass.run(graph)
        assert(result.faults().isEmpty, "after \(entry.pass.name): \(result.faults())")
        history.append((entry.pass.name, result))
        return result
      }
    }
    let rewritten = run(.rewrites, on: history[0].graph, &history).anchored()
    let (weights, cut) = rewritten.cutWeights()
    let forward = run(.placements, on: cut, &history)
    let adjoint = Adjoint(of: forward, step: step)
    var adjointHistory = [(name: "derive", graph: adjoint.graph)]
    let backward = run(.placements, on: adjoint.graph, &adjointHistory)
    func lower(_ graph: StepGraph, kept: Set<Int> = [], forward: Program? = nil) -> Program {
      Lowering.lower(graph, of: step, kept: kept, forward: forward)
    }
    self.weights = WeightSources(weights)
    inference = lower(forward)
    training = lower(forward, kept: adjoint.saved)
    self.adjoint = AdjointProgram(
      program: lower(backward, forward: training), inputCotangents: adjoint.inputCotangents,
      contextCotangents: adjoint.contextCotangents)
    adjointWithoutInputs = AdjointProgram(
      program: lower(backward.withoutOutputs, forward: training), inputCotangents: step.inputWidths.map { _ in nil },
      contextCotangents: adjoint.contextCotangents)
    self.history = history
    self.adjointHistory = adjointHistory
  }
}

/// A program that runs a step's adjoint back through time.
struct AdjointProgram: Sendable {
  let program: Program
  /// Which output is the cotangent of input i; nil when there is none.
  let inputCotangents: [Int?]
  /// Which part of the state is the cotangent of context i; nil when there is none.
  let contextCotangents: [Int?]
}
