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

  @Test func printWork() throws {
    for cell in TestCell.all {
      for passes in [PassSet([])] + PassSet.inOrder.map({ PassSet.all.subtracting($0.flag) }) + [.all] {
        let plan = try Self.plan(cell, passes)
        print("WORK \(cell) | \(passes) | \(plan.history.last!.graph.work) | \(plan.adjointHistory.last!.graph.work)")
      }
    }
  }
}
