import Recurrence
import Tensors
import Testing

@Suite struct DrawingDiagramTests {
  @Test func foldedHasOneNodeAnOperationAndOneCycleAStatePart() {
    let lstm = DrawnStep.lstm
    let folded = Diagram.folded(lstm.graph, names: lstm.names)
    let counts = Dictionary(grouping: folded.nodes, by: \.role).mapValues(\.count)
    // Four gates; σ three times and tanh twice; three products and a sum; h and c before and after the step.
    #expect(counts == [.input: 1, .output: 1, .state: 4, .weights: 4, .function: 5, .arithmetic: 4, .arrangement: 1])
    let cycles = folded.edges.filter { $0.kind == .delay }
    #expect(cycles.map { folded.nodes[$0.from].label } == ["hₜ", "cₜ"])
    #expect(cycles.map { folded.nodes[$0.to].label } == ["hₜ₋₁", "cₜ₋₁"])
    #expect(folded.edges.count { $0.kind == .flow } == 22)
    #expect(folded.columns == [""])
  }

  @Test func unrolledRepeatsTheFoldedStepAndCutsTheCycle() {
    for step in [DrawnStep.elman, .lstm, .gru] {
      let folded = Diagram.folded(step.graph, names: step.names)
      let unrolled = Diagram.unrolled(step.graph, names: step.names, steps: 3)
      let flow = folded.edges.count { $0.kind == .flow }
      let cycles = folded.edges.count - flow
      #expect(unrolled.nodes.count == 3 * folded.nodes.count)
      #expect(unrolled.edges.count { $0.kind == .flow } == 3 * flow)
      #expect(unrolled.edges.count { $0.kind == .time } == 2 * cycles)
      #expect(!unrolled.edges.contains { $0.kind == .delay })
      for edge in unrolled.edges where edge.kind == .time {
        #expect(unrolled.nodes[edge.to].column == unrolled.nodes[edge.from].column + 1)
        #expect(unrolled.nodes[edge.to].label == unrolled.nodes[edge.from].label, "h₁ leads to h₁")
      }
      let ties = (0..<3).map { time in unrolled.nodes.filter { $0.column == time }.map(\.tie) }
      #expect(ties[0] == ties[1] && ties[1] == ties[2], "weights are tied over time")
    }
  }

  @Test func partsThatNobodyReadsHaveNoCycle() {
    let step = DrawnStep(states: ["hidden", "last"], parameters: ["v": [5]]) { x, states, weight in
      (tanh(states[0] * weight("v")), [tanh(states[0] * weight("v")), weight("v")])
    }
    let folded = Diagram.folded(step.graph, names: step.names)
    #expect(folded.edges.count { $0.kind == .delay } == 1, "`last` is never read")
    #expect(folded.nodes.contains { $0.role == .weights && $0.label == "v" }, "a state that is a weight is drawn")
    #expect(folded.nodes.contains { $0.label == "× v" })
  }

  @Test func networkFoldedAndUnrolled() {
    let layers = DrawnStep.layers
    let folded = Diagram.network(layers)
    #expect(folded.nodes.map(\.role) == [.input, .layer, .layer, .layer, .output])
    #expect(folded.edges.filter { $0.kind == .delay }.map(\.from) == [1, 2])
    let unrolled = Diagram.network(layers, unrolled: 4)
    #expect(unrolled.columns == ["", "t = 1", "t = 2", "t = 3", "t = 4", ""])
    // Four columns of five, a start for the LSTM, two for the layer in both directions.
    #expect(unrolled.nodes.count == 4 * 5 + 3)
    #expect(unrolled.edges.count { $0.kind == .flow } == 4 * 4)
    #expect(unrolled.edges.count { $0.kind == .time } == 4 * 3)
    let backward = unrolled.edges.filter {
      $0.kind == .time && unrolled.nodes[$0.from].column > unrolled.nodes[$0.to].column
    }
    #expect(backward.count == 4)
    #expect(backward.allSatisfy { unrolled.nodes[$0.to].tie == 1 })
  }

  @Test func networksWithoutCyclesOrLayers() {
    #expect(Diagram.network([]).edges.count == 1)
    let linear = Diagram.network([Diagram.Layer(name: "readout", kind: "Linear", inputs: 7, outputs: 2)], unrolled: 2)
    #expect(linear.columns == ["t = 1", "t = 2"])
    #expect(!linear.edges.contains { $0.kind == .time })
  }
}
