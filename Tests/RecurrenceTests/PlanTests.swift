import Networks
import Recurrence
import Tensors
import TestSupport
import Testing

/// What the pipeline makes of whole cells, forwards and backwards.
@Suite struct PlanTests {
  private static func plan(_ cell: TestCell, _ passes: PassSet) throws -> Plan {
    var random = RandomSource(seed: 1)
    let layer = cell.layer(input: 5, hidden: 3, using: &random)
    return try #require(layer as? any RecurrentLayer).unroller.plan(passes)
  }

  @Test(arguments: TestCell.all, PassSet.allSubsets)
  func graphsAreSoundAfterEachPass(cell: TestCell, passes: PassSet) throws {
    let plan = try Self.plan(cell, passes)
    for (name, graph) in plan.history { #expect(graph.faults().isEmpty, "\(name): \(graph.faults())") }
    for (name, graph) in plan.adjointHistory { #expect(graph.faults().isEmpty, "adjoint, \(name): \(graph.faults())") }
    let names = PassSet.inOrder.filter { passes.contains($0.flag) }
    #expect(plan.history.map(\.name) == ["trace"] + names.map(\.pass.name))
    #expect(
      plan.adjointHistory.map(\.name)
        == ["derive"] + names.filter { PassSet.placements.contains($0.flag) }.map(\.pass.name))
  }

  /// `faults` finds what it is there to find.
  @Test func faultsAreFound() {
    let step = SmallStep()
    let h = step.state(0, width: 2)
    let graph = step.graph(states: [tanh(square(h))])
    #expect(graph.faults().isEmpty)
    var late = graph
    late.nodes[1].phase = .after
    #expect(late.faults() == ["%2 (loop) reads %1 of a later phase (after)"])
    var backwards = graph
    backwards.nodes[1].source = .operation(.pointwise(.square), [2])
    #expect(backwards.faults() == ["%1 reads a later node"])
    var wide = graph
    wide.nodes[2].shape = [1, 3]
    #expect(wide.faults() == ["%2 has shape [1, 3], its operation gives [1, 2]"])
    var afterwards = graph
    afterwards.nodes[2].phase = .after
    #expect(afterwards.faults() == ["state %2 is computed after the loop"])
  }

  struct Expectation: Sendable, CustomTestStringConvertible {
    let cell: String
    let passes: PassSet
    let forward: String
    let adjoint: String
    var testDescription: String { "\(cell), \(passes)" }
  }

  /// What stays in the loop, and what each pass is good for: left out, it shows. LSTM: one product with h in the loop, one
  /// with x for all time steps; GRU needs a second, since its reset gate stands before a product. The adjoint computes
  /// LSTM's tanh(C') and GRU's 1 - z again.
  static let expectations = [
    Expectation(
      cell: "LSTM", passes: [],
      forward: "before 0, loop 4, after 0, sweeps 13", adjoint: "before 0, loop 4, after 0, sweeps 19"),
    Expectation(
      cell: "LSTM", passes: PassSet.all.subtracting(.splitConcatenations),
      forward: "before 0, loop 1, after 0, sweeps 1", adjoint: "before 0, loop 1, after 0, sweeps 3"),
    Expectation(
      cell: "LSTM", passes: PassSet.all.subtracting(.stackSiblings),
      forward: "before 4, loop 4, after 0, sweeps 1", adjoint: "before 0, loop 4, after 4, sweeps 2"),
    Expectation(
      cell: "LSTM", passes: PassSet.all.subtracting(.hoistStateless),
      forward: "before 0, loop 2, after 0, sweeps 2", adjoint: "before 0, loop 1, after 1, sweeps 1"),
    Expectation(
      cell: "LSTM", passes: PassSet.all.subtracting(.sinkUnneeded),
      forward: "before 1, loop 1, after 0, sweeps 1", adjoint: "before 0, loop 2, after 0, sweeps 1"),
    Expectation(
      cell: "LSTM", passes: PassSet.all.subtracting(.fusePointwise),
      forward: "before 1, loop 1, after 0, sweeps 10", adjoint: "before 0, loop 1, after 1, sweeps 14"),
    Expectation(
      cell: "LSTM", passes: .all,
      forward: "before 1, loop 1, after 0, sweeps 1", adjoint: "before 0, loop 1, after 1, sweeps 1"),
    Expectation(
      cell: "GRU", passes: [],
      forward: "before 0, loop 3, after 0, sweeps 11", adjoint: "before 0, loop 3, after 0, sweeps 17"),
    Expectation(
      cell: "GRU", passes: .all,
      forward: "before 1, loop 2, after 0, sweeps 2", adjoint: "before 0, loop 2, after 1, sweeps 3"),
    Expectation(
      cell: "GRU, reset after", passes: .all,
      forward: "before 1, loop 1, after 0, sweeps 1", adjoint: "before 0, loop 1, after 1, sweeps 2"),
    Expectation(
      cell: "Elman", passes: .all,
      forward: "before 1, loop 1, after 0, sweeps 1", adjoint: "before 0, loop 1, after 1, sweeps 1"),
    Expectation(
      cell: "Elman, relu, readout", passes: .all,
      forward: "before 1, loop 1, after 1, sweeps 1", adjoint: "before 1, loop 1, after 1, sweeps 1"),
    Expectation(
      cell: "two dense layers", passes: .all,
      forward: "before 1, loop 2, after 0, sweeps 2", adjoint: "before 0, loop 2, after 1, sweeps 2"),
    Expectation(
      cell: "odd cell", passes: .all,
      forward: "before 1, loop 2, after 0, sweeps 4", adjoint: "before 0, loop 2, after 1, sweeps 9"),
    Expectation(
      cell: "linear cell", passes: .all,
      forward: "before 1, loop 1, after 0, sweeps 2", adjoint: "before 0, loop 1, after 1, sweeps 1"),
  ]

  @Test(arguments: expectations)
  func workLeavesTheLoop(expectation: Expectation) throws {
    let cell = try #require(TestCell.all.first { $0.description == expectation.cell })
    let plan = try Self.plan(cell, expectation.passes)
    #expect(plan.history.last?.graph.work == expectation.forward)
    #expect(plan.adjointHistory.last?.graph.work == expectation.adjoint)
  }

  /// Of normalised rows the rows before are kept, and both directions are one pass for each.
  @Test func normalisedRowsAreComputedAgain() throws {
    let cell = try #require(TestCell.all.first { $0.description == "layer-norm LSTM" })
    let plan = try Self.plan(cell, .all)
    let (forward, adjoint) = try (#require(plan.history.last?.graph), #require(plan.adjointHistory.last?.graph))
    let (rows, gradient) = (Operation.normalize(epsilon: 1e-5), Operation.normalizeGradient(epsilon: 1e-5))
    #expect(forward.nodes.filter { $0.operation == rows }.count == 3)
    #expect(adjoint.nodes.filter { $0.operation == gradient }.count == 3)
    for node in adjoint.nodes {
      if case .saved(let saved)? = node.leaf { #expect(forward.nodes[saved].operation != rows) }
    }
  }

  /// A value that is a function of a kept one is not kept: of an LSTM the four gates and the memory are.
  @Test func functionsOfKeptValuesAreComputedAgain() throws {
    let cell = try #require(TestCell.all.first { $0.description == "LSTM" })
    let plan = try Self.plan(cell, .all)
    let (forward, adjoint) = try (
      #require(plan.history.last?.graph), #require(plan.adjointHistory.last?.graph)
    )
    let saved = adjoint.nodes.compactMap { node -> StepGraph.Node? in
      if case .saved(let saved)? = node.leaf { return forward.nodes[saved] }
      return nil
    }
    #expect(saved.filter { $0.pointwise == .sigmoid }.count == 3)
    #expect(saved.filter { $0.pointwise == .tanh }.count == 1, "the candidate's; not tanh(C')")
    #expect(adjoint.nodes.filter { $0.pointwise == .tanh }.count == 1)
  }
}
