import Networks
import Recurrence
import Tensors
import TestSupport
import Testing

/// Values as multiples of the state.
@Suite struct AffineInStateTests {
  private let step = SmallStep()
  private var h: Tensor { step.state(0, width: 3) }
  private var x: Tensor { step.input(0, width: 3) }
  private var y: Tensor { step.input(1, width: 3) }

  /// Coefficients by part, then the rest, as in `h: 1 - x, rest: y`.
  private func text(_ value: Tensor) -> String {
    let form = AffineInState(of: value)
    return (form.terms.map { "s\($0.part): " + text($0.coefficient) } + ["rest: " + text(form.rest)])
      .joined(separator: ", ")
  }

  private func text(_ factor: AffineInState.Factor) -> String {
    switch factor {
    case .number(let number): "\(number)"
    case .value(let tensor): expression(tensor)
    }
  }

  private func expression(_ tensor: Tensor) -> String {
    guard let (operation, operands) = tensor.origin else {
      return [(h, "h"), (step.state(1, width: 3), "k"), (x, "x"), (y, "y")].first { $0.0.node == tensor.node }?.1 ?? "w"
    }
    let inner = operands.map(expression)
    return switch operation {
    case .pointwise(.add): "(\(inner[0]) + \(inner[1]))"
    case .pointwise(.subtract): "(\(inner[0]) - \(inner[1]))"
    case .pointwise(.multiply): "\(inner[0]) * \(inner[1])"
    case .pointwise(.affine(let scale, let offset)): "(\(scale) * \(inner[0]) + \(offset))"
    default: "\(operation.name)(\(inner.joined(separator: ", ")))"
    }
  }

  @Test func sumsAndProductsComeApart() {
    #expect(text(h) == "s0: 1.0, rest: 0.0")
    #expect(text(x * h + y) == "s0: x, rest: y")
    #expect(text(y - h * x) == "s0: (-1.0 * x + 0.0), rest: y")
    #expect(text(h + x * (y - h)) == "s0: (-1.0 * x + 1.0), rest: y * x")
    #expect(text((1 - x) * h + x * y) == "s0: (-1.0 * x + 1.0), rest: x * y")
    #expect(text(3 - 2 * (h + 1)) == "s0: -2.0, rest: 1.0")
    #expect(text(h - h) == "s0: 0.0, rest: 0.0")
    #expect(text(step.weight(0, [3]) * (h * y) + h) == "s0: (1.0 * y * w + 1.0), rest: 0.0")
  }

  /// What holds no multiple of the state stays in one piece.
  @Test func otherValuesArePieces() {
    #expect(text(x * y + x) == "rest: (x * y + x)")
    #expect(text(tanh(h) + x) == "rest: (tanh(h) + x)")
    #expect(text(h * h) == "rest: h * h")
    #expect(text(square(h) + y * h) == "s0: y, rest: square(h)")
  }

  @Test func severalPartsHaveCoefficientsOfTheirOwn() {
    let k = step.state(1, width: 3)
    #expect(text(y * k + (x * h - k)) == "s0: x, s1: (1.0 * y + -1.0), rest: 0.0")
    let form = AffineInState(of: x * h - y * k + x)
    #expect(form.terms.map(\.part) == [0, 1] && !form.needsState)
  }

  /// Whether the pieces need the state is another question than whether there are any.
  @Test func gatesMayNeedTheState() {
    let z = sigmoid(matmul(h, step.weight(0, [3, 3])))
    let gated = AffineInState(of: z * h + (1 - z) * x)
    #expect(gated.terms.count == 1 && gated.needsState)
    #expect(!AffineInState(of: sigmoid(x) * h + y).needsState)
    #expect(AffineInState(of: x * h + tanh(h)).needsState)
  }
}

@Suite struct ScanAffineTests {
  @Test func everythingElseLeavesTheLoop() {
    let step = SmallStep()
    let (h, x) = (step.state(0, width: 3), step.input(0, width: 3))
    let z = sigmoid(matmul(x, step.weight(0, [3, 3])))
    let new = h + z * (x - h)
    let graph = step.graph(outputs: [tanh(new) * z, square(h)], states: [new])
    #expect(
      graph.after("scan").description == """
        %0 [1, 3] loop = state 0
        %1 [1, 3] loop = input 0
        %2 [3, 3] once = weight 0
        %3 [1, 3] before = product·· %1 %2
        %4 [1, 3] before = sigmoid %3
        %5 [1, 3] before = multiply %1 %4
        %6 [1, 3] before = affine(-1.0, 1.0) %4
        %7 [1, 3] loop scan = multiply %6 %0
        %8 [1, 3] loop scan = add %7 %5
        %9 [1, 3] after = tanh %8
        %10 [1, 3] after = multiply %9 %4
        %11 [1, 3] after = square %0
        outputs %10 %11
        states %8
        """)
    #expect(graph.after("hoist", "sink", "scan").faults().isEmpty)
  }

  /// Where a part is no such sum, all stays as it is.
  @Test func leavesOtherStepsAlone() {
    let step = SmallStep()
    let (h, k, x) = (step.state(0, width: 3), step.state(1, width: 3), step.input(0, width: 3))
    let gate = sigmoid(h)
    let steps: [(String, [Tensor])] = [
      ("a gate sees the state", [gate * h + x, x * k + x]), ("parts turn into each other", [x * k + x, x * h + x]),
      ("a part sees another", [x * h + x, x * k + h]), ("not linear", [tanh(h) + x, x * k + x]),
      ("no multiple", [x + 1, x * k + x]), ("the multiple is the same for all", [2 * h + x, x * k + x]),
      ("the coefficient is made of weights", [(1 - step.weight(0, [3])) * h + x, x * k + x]),
      ("the multiple is wanted itself", [x * h + x, x * h * k + x]),
    ]
    for (reason, states) in steps {
      let graph = step.graph(outputs: [x * h], states: states)
      #expect(graph.after("scan") == graph, "\(reason)")
    }
    #expect(step.graph(outputs: [x + 1]).after("scan") == step.graph(outputs: [x + 1]))
  }

  @Test(
    arguments: [
      ("minGRU", true), ("minLSTM", true), ("scanned pair", true), ("SRU", false), ("rotation", false), ("LSTM", false),
      ("IndRNN, tanh", false),
    ])
  func scansAreFound(name: String, isScan: Bool) throws {
    var random = RandomSource(seed: 1)
    let cell = try #require(TestCell.all.first { $0.description == name })
    let layer = try #require(cell.layer(input: 5, hidden: 4, using: &random) as? any RecurrentLayer)
    #expect(layer.unroller.plan().scans == [isScan, isScan, isScan])
    #expect(layer.unroller.plan(PassSet.all.subtracting(.scanAffine)).scans == [false, false, false])
    // Where each unit is a world of its own, threads need not meet in the loop.
    #expect(layer.unroller.plan().teamSchedules.allSatisfy { $0.isApart == (name != "LSTM") })
  }

  /// Few sequences: the threads share rows and units, and no bit depends on how many they are. Long enough for several
  /// stretches; with an empty sequence and several that end in the middle of one.
  @Test(
    arguments: ["minGRU", "minLSTM", "scanned pair", "SRU", "rotation", "IndRNN, tanh"],
    [[700], [400, 0, 399, 130], (0..<34).map { $0 == 20 ? 70 : 9 + $0 % 11 }])
  func sharesChangeNoBit(name: String, lengths: [Int]) throws {
    var random = RandomSource(seed: 6)
    let cell = try #require(TestCell.all.first { $0.description == name })
    let layer = cell.layer(input: 30, hidden: 150, using: &random)
    let batch = SequenceBatch.random(lengths: lengths, features: 30, using: &random)
    let state = layer.initialState(batch: lengths.count).randomised(using: &random)
    let turn = ThreadTurn()
    defer { turn.end() }
    let outcomes = [1, 2, 3, 5].map { threads -> Outcome in
      Threads.count = threads
      return outcome(of: layer, on: batch, from: state, .compiled)
    }
    for other in outcomes.dropFirst() {
      for (a, b) in zip(outcomes[0].named, other.named) { #expect(a.tensor == b.tensor, "\(a.name)") }
    }
    let plain = outcome(of: layer, on: batch, from: state, .compiled(PassSet.all.subtracting(.scanAffine)))
    let worst = plain.difference(to: outcomes[0])
    #expect(worst.error < 2e-4, "\(worst)")
  }
}

extension HoistStatelessTests {
  /// A value beside a product moves with what it is made of.
  @Test func takesAlongWhatStandsBesideAProduct() {
    let step = SmallStep()
    let x = step.input(0, width: 2)
    let product = matmul(x, step.weight(0, [2, 2]))
    let graph = step.graph(states: [sigmoid(product) * tanh(x) + step.state(0, width: 2)]).after("hoist")
    #expect(graph.faults().isEmpty)
    #expect(graph.description.contains("before = tanh"))
  }
}
