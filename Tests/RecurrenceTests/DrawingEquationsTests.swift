import Recurrence
import Tensors
import Testing

@Suite struct DrawingEquationsTests {
  @Test func textbookCellsReadLikeTheTextbook() {
    let elman = DrawnStep.elman
    #expect(
      elman.graph.equations(names: elman.names) == """
        h′ = tanh(recurrence.weight·[h, x] + recurrence.bias)
        y = h′
        """)
    let lstm = DrawnStep.lstm
    #expect(
      lstm.graph.equations(names: lstm.names) == """
        forget = σ(forget.weight·[h, x] + forget.bias)
        input = σ(input.weight·[h, x] + input.bias)
        output = σ(output.weight·[h, x] + output.bias)
        candidate = tanh(candidate.weight·[h, x] + candidate.bias)
        c′ = forget × c + input × candidate
        h′ = output × tanh(c′)
        y = h′
        """)
    let gru = DrawnStep.gru
    #expect(
      gru.graph.equations(names: gru.names) == """
        update = σ(update.weight·[h, x] + update.bias)
        reset = σ(reset.weight·[h, x] + reset.bias)
        candidate = tanh(candidate.weight·[reset × h, x] + candidate.bias)
        h′ = (1 − update) × h + update × candidate
        y = h′
        """)
  }

  /// Layers of the same name are told apart by their paths.
  @Test func namesakesHavePaths() {
    let deep = DrawnStep(states: ["hidden"], parameters: ["0.mix.weight": [5, 5], "1.mix.weight": [5, 5]]) {
      _, states, weight in
      let s = tanh(matmul(states[0], weight("0.mix.weight"), transposeB: true))
      let new = tanh(matmul(s, weight("1.mix.weight"), transposeB: true))
      return (new + s, [new + s])
    }
    #expect(
      deep.graph.equations(names: deep.names) == """
        0.mix = tanh(0.mix.weight·h)
        1.mix = tanh(1.mix.weight·0.mix)
        h′ = 1.mix + 0.mix
        y = h′
        """)
  }

  @Test func passesShowTheirWork() {
    let lstm = DrawnStep.lstm
    let text = lstm.graph(after: .all).equations(names: lstm.names)
    let headings = text.split(separator: "\n").filter { !$0.hasPrefix(" ") }
    #expect(
      headings == ["once a run:", "before the loop, for all time steps at once:", "at every time step:"])
    #expect(text.contains("·x + "), "the product with the input stands before the loop")
    #expect(text.contains("forget = σ("), "gates keep their names when their weights are stacked")
    #expect(text.contains("(tile 0)"))
  }

  @Test(arguments: PassSet.allSubsets) func noLineIsWiderThanAsked(_ passes: PassSet) {
    for step in [DrawnStep.elman, .lstm, .gru] {
      let text = step.graph(after: passes).equations(names: step.names, width: 72)
      #expect(text.split(separator: "\n").allSatisfy { $0.count <= 72 }, "\(text)")
    }
  }

  @Test func arithmeticKeepsItsMeaning() {
    let step = DrawnStep(states: ["s"], parameters: ["w": [5, 5]]) { _, states, weight in
      let s = states[0]
      let difference = s - (s + 1) * (2 * s - 3)
      return (matmul(s, weight("w")) / (s * s), [-(difference - (s - 0.5))])
    }
    #expect(
      step.graph.equations(names: step.names) == """
        y = wᵀ·s / (s × s)
        s′ = −(s − (s + 1) × (2 × s − 3) − (s − 0.5))
        """)
  }

  @Test func missingAndClashingNamesAreMadeUp() {
    let step = DrawnStep(states: ["history", "hidden"], parameters: [:]) { x, states, _ in
      (states[0] + states[1], [states[1], states[0]])
    }
    let names = StepNames(outputs: [], states: ["history", "hidden"], parameters: [:])
    #expect(
      step.graph.equations(names: names) == """
        y₁ = history + hidden
        history′ = hidden
        hidden′ = history
        """)
  }
}
