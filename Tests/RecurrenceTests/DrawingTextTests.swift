import Recurrence
import Testing

@Suite struct DrawingTextTests {
  @Test func elmanFolded() {
    let step = DrawnStep.elman
    #expect(
      Diagram.folded(step.graph, names: step.names).text() == """
        One time step, folded

             ┌──────────────┐
          ╭──┴──╮           │
          │ hₜ  │   yₜ      │
          ╰─────╯    ▲      │
             ▲       │      │
             └───┬───┘      │
             ( tanh )       │
                 ▲          │
                 │          │
          ┌──────┴──────┐   │
          │ recurrence  │   │
          │   W· + b    │  z⁻¹
          └─────────────┘   │
                 ▲          │
                 │          │
              [h, x]        │
                ▲ ▲         │
            ┌───┘ └──┐      │
            │    ╭───┴───╮  │
           xₜ    │ hₜ₋₁  │  │
                 ╰───────╯  │
                     ▲      │
                     └──────┘

          h: hidden
          z⁻¹: arrives one time step later
        """)
  }

  @Test func lstmFolded() {
    let step = DrawnStep.lstm
    #expect(
      Diagram.folded(step.graph, names: step.names).text() == """
        One time step, folded

                            ┌───────────────────────────────────────────────┐
                            │               ┌──────────────────────────┐    │
                         ╭──┴──╮         ╭──┴──╮                       │    │
                         │ hₜ  │   yₜ    │ cₜ  │                       │    │
                         ╰─────╯    ▲    ╰─────╯                       │    │
                            ▲       │     ▲                            │    │
                            └───────┤     │                            │    │
                                  ( × )   │                            │    │
                                   ▲ ▲    │                            │    │
                                   │ └────┼─────┐                      │    │
                               ( tanh )   │     │                      │    │
                                   ▲      │     │                      │    │
                                   ├──────┘     │                      │    │
                                 ( + )          │                      │    │
                                 ▲ ▲            │                      │    │
                      ┌──────────┘ │            │                      │    │
                    ( × )        ( × )          │                      │    │
                    ▲ ▲            ▲ ▲          │                      │    │
                    │ │            │ │          └────────┐            z⁻¹  z⁻¹
              ┌─────┘ │            │ └──────────┐        │             │    │
              │     ( σ )        ( σ )      ( tanh )   ( σ )           │    │
              │       ▲            ▲             ▲       ▲             │    │
              │       │            │             │       └─────┐       │    │
              │  ┌────┴────┐  ┌────┴────┐  ┌─────┴─────┐  ┌────┴────┐  │    │
              │  │ forget  │  │  input  │  │ candidate │  │ output  │  │    │
              │  │ W· + b  │  │ W· + b  │  │  W· + b   │  │ W· + b  │  │    │
              │  └─────────┘  └─────────┘  └───────────┘  └─────────┘  │    │
              │       ▲            ▲             ▲             ▲       │    │
              │       └────────────┴──┬──────────┴─────────────┘       │    │
              │                    [h, x]                              │    │
              │                       ▲ ▲                              │    │
              │                       │ └──────┐                       │    │
          ╭───┴───╮                   │    ╭───┴───╮                   │    │
          │ cₜ₋₁  │                  xₜ    │ hₜ₋₁  │                   │    │
          ╰───────╯                        ╰───────╯                   │    │
              ▲                                ▲                       │    │
              └────────────────────────────────┼───────────────────────┘    │
                                               └────────────────────────────┘

          h: hidden, c: cell
          z⁻¹: arrives one time step later
        """)
  }

  @Test func networkUnrolled() {
    #expect(
      Diagram.network(DrawnStep.layers, unrolled: 4).text() == """
        The network, unrolled over time

                      t = 1              t = 2              t = 3              t = 4

                       y₁                 y₂                 y₃                 y₄
                        ▲                  ▲                  ▲                  ▲
                        │                  │                  │                  │
                 ┌──────┴──────┐    ┌──────┴──────┐    ┌──────┴──────┐    ┌──────┴──────┐
                 │Linear 96→65 │    │Linear 96→65 │    │Linear 96→65 │    │Linear 96→65 │
                 │ readout · C │    │ readout · C │    │ readout · C │    │ readout · C │
                 └─────────────┘    └─────────────┘    └─────────────┘    └─────────────┘
                        ▲                  ▲                  ▲                  ▲
                        │                  │                  │                  │
          ╭─╮    ┌──────┴──────┐    ┌──────┴──────┐    ┌──────┴──────┐    ┌──────┴──────┐    ╭─╮
          │0├───►│ GRU 128→96  ├───►│ GRU 128→96  ├───►│ GRU 128→96  ├───►│ GRU 128→96  │◄───┤0│
          ╰─╯    │encoder.1 · B│◄───┤encoder.1 · B│◄───┤encoder.1 · B│◄───┤encoder.1 · B│    ╰─╯
                 └─────────────┘    └─────────────┘    └─────────────┘    └─────────────┘
                        ▲                  ▲                  ▲                  ▲
                        │                  │                  │                  │
          ╭─╮    ┌──────┴──────┐    ┌──────┴──────┐    ┌──────┴──────┐    ┌──────┴──────┐
          │0├───►│ LSTM 65→128 ├───►│ LSTM 65→128 ├───►│ LSTM 65→128 ├───►│ LSTM 65→128 │
          ╰─╯    │encoder.0 · A│    │encoder.0 · A│    │encoder.0 · A│    │encoder.0 · A│
                 └─────────────┘    └─────────────┘    └─────────────┘    └─────────────┘
                        ▲                  ▲                  ▲                  ▲
                        │                  │                  │                  │
                       x₁                 x₂                 x₃                 x₄

          the same letter: the same weights
          0: the state before a walk begins
        """)
  }

  @Test(arguments: [100, 80, 60]) func picturesFitTheTerminal(_ width: Int) {
    for picture in DrawnStep.pictures {
      let lines = picture.text(width: width).split(separator: "\n")
      #expect(lines.allSatisfy { $0.count <= width }, "\(picture.title)")
    }
  }

  @Test func everyWeightIsNamedOnceAStep() {
    let step = DrawnStep.gru
    let text = Diagram.unrolled(step.graph, names: step.names, steps: 3).text()
    for gate in ["reset ", "update", "candidate"] { #expect(text.matches(of: try! Regex("│ ?" + gate)).count == 3) }
    for name in ["x₁", "x₂", "x₃", "y₁", "y₂", "y₃", "h₀", "h₃"] { #expect(text.ranges(of: name).count == 1) }
    for name in ["h₁", "h₂"] { #expect(text.ranges(of: name).count == 2, "after a step and before the next") }
  }

  @Test func whatDoesNotFitIsSaid() {
    let step = DrawnStep.lstm
    let picture = Diagram.unrolled(step.graph, names: step.names, steps: 5)
    let text = picture.text()
    #expect(text.contains("t = 2") && !text.contains("t = 3"))
    #expect(text.hasSuffix("(3 more in a picture wider than 100 columns)"))
    #expect(picture.text(width: 20).contains("wider than 20 columns"))
  }

  @Test func hostileNamesStayOnTheirLine() {
    let text = DrawnStep.hostileNetwork.text()
    #expect(!text.unicodeScalars.contains { $0.value == 0 })
    #expect(text.contains("a<&\">'\\N\u{FFFD}\u{FFFD}"))
  }
}
