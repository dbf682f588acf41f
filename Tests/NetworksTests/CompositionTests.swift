import Networks
import Recurrence
import Tensors
import TestSupport
import Testing

/// A network drawn from a seed: one to three layers of any cells, directions and connections, half of them with noise
/// inside, some with pyramids between them, a learnt initial state, a slower clock or a context; a ragged batch with an
/// empty row; a random initial state or the layers' own.
struct DrawnNetwork: CustomStringConvertible {
  let description: String
  let network: Stack
  let batch: SequenceBatch
  let state: LayerState
  /// No later time step flows into an earlier one.
  let isForward: Bool
  let hasPyramid: Bool
  /// How far apart two ways to compute it may be. Layer normalisation magnifies rows of almost no variance (a state of
  /// zeros, one unit left by a mask) up to 316 times, and their rounding with them.
  var tolerance: Double { normalizes ? 5e-3 : 1e-4 }
  private(set) var normalizes = false

  /// A small network has at most two layers and short sequences.
  init(seed: UInt64, isSmall: Bool = false) {
    var random = RandomSource(seed: seed, stream: 5)
    var width = 2 + random.integer(below: 3)
    let inputs = width
    var layers: [any SequenceLayer] = []
    var words: [String] = []
    var (isForward, hasPyramid) = (true, false)
    for i in 0...random.integer(below: isSmall ? 2 : 3) {
      if i > 0, random.integer(below: 5) == 0 {
        layers.append(Pyramid(inputSize: width))
        words.append("pyramid")
        hasPyramid = true
        width *= 2
      } else if random.integer(below: 8) == 0 {
        let window = Window(inputSize: width, steps: 2 + random.integer(below: 2))
        layers.append(window)
        words.append("window of \(window.steps)")
        width = window.outputSize
      }
      let drawn = Self.layer(width: width, &random)
      layers.append(drawn.layer)
      words.append(drawn.words)
      isForward = isForward && drawn.isForward
      width = drawn.layer.outputSize
    }
    network = Stack(layers, dropout: 0.3)
    self.isForward = isForward
    self.hasPyramid = hasPyramid
    let choices =
      isSmall ? [[3, 0, 4], [0, 2, 1], [4, 4, 0]] : [[5, 0, 3, 7], [0, 8, 1], [6, 6, 0, 2, 9], [1, 0, 5]]
    let lengths = choices[random.integer(below: choices.count)]
    batch = .random(lengths: lengths, features: inputs, using: &random)
    let initial = network.initialState(batch: lengths.count)
    let isRandom = random.integer(below: 2) == 0
    state = isRandom ? initial.randomised(using: &random) : initial
    normalizes = words.contains { words in
      ["layer norm", "layer-norm", "everything", "Li-GRU"].contains { words.contains($0) }
    }
    description = "seed \(seed): \(words.joined(separator: " → ")), \(lengths), \(isRandom ? "random" : "own") state"
  }

  private static func layer(width: Int, _ random: inout RandomSource) -> (
    layer: any SequenceLayer, words: String, isForward: Bool
  ) {
    let kind = TestCell.all[random.integer(below: TestCell.all.count)]
    let hidden = 2 + random.integer(below: 4)
    let noises = TestRegularization.all
    let noise = random.integer(below: 2) == 0 ? TestRegularization.none : noises[random.integer(below: noises.count)]
    let contextSize = random.integer(below: 5) == 0 ? 2 : 0
    func cell(_ random: inout RandomSource) -> any RecurrentCell {
      let layer = kind.layer(input: width + contextSize, hidden: hidden, using: &random)
      guard let recurrent = layer as? any RecurrentLayer else { preconditionFailure("\(kind) is no recurrent layer") }
      return recurrent.cell
    }
    var direction = ["forward", "forward", "backward", "bidirectional"][random.integer(below: 4)]
    var layer: any SequenceLayer
    switch direction {
    case "bidirectional":
      let merging = Merging.allCases[random.integer(below: Merging.allCases.count)]
      layer = Bidirectional(
        forward: cell(&random), backward: cell(&random), merging: merging, regularization: noise.regularization)
      direction += " \(merging)"
    case let name:
      layer = recurrent(cell(&random), name == "forward" ? .forward : .backward, noise.regularization)
    }
    let isLearnt = random.integer(below: 3) == 0
    if isLearnt {
      let learnt = LearnedState(layer)
      for parameter in learnt.initial.values { parameter.value = random.uniform(parameter.shape, in: -1...1) }
      for parameter in learnt.initial.values {
        parameter.value = random.uniform(parameter.shape, in: -0.8...0.8)
      }
      layer = learnt
    }
    if contextSize > 0 {
      let context = random.uniform([1, contextSize], in: -1...1)
      layer = Conditioned(layer, contextSize: contextSize).on(context)
    }
    let period = random.integer(below: 5) == 0 ? 2 + random.integer(below: 2) : 1
    if period > 1 { layer = Clockwork(layer, every: period) }
    let connection = ["none", "residual", "highway", "skip"][random.integer(below: 4)]
    if connection == "residual" || connection == "highway", layer.outputSize != width {
      layer = Stack([layer, Recurrent(Elman(inputSize: layer.outputSize, hiddenSize: width, using: &random))])
    }
    switch connection {
    case "residual": layer = Residual(layer)
    case "highway": layer = Highway(layer, using: &random)
    case "skip": layer = Skip(layer)
    default: break
    }
    let around = [
      isLearnt ? " learnt" : "", contextSize > 0 ? " conditioned" : "", period > 1 ? " every \(period)" : "",
    ].joined()
    let words = "\(kind) \(width)→\(hidden)\(around) \(direction) \(connection), \(noise)"
    return (layer, words, direction == "forward")
  }

  private static func recurrent(
    _ cell: some RecurrentCell, _ direction: Direction, _ regularization: Regularization
  ) -> any SequenceLayer {
    Recurrent(cell, direction: direction, regularization: regularization)
  }
}

/// What holds for every composition of layers. A failure names its seed: `DrawnNetwork(seed:)` draws it again.
@Suite struct CompositionTests {
  static let seeds = Array(UInt64(0)..<512)

  /// Outputs, states and all gradients, with dropout between the layers and noise inside; with checkpoints the same values, bit for bit.
  @Test(arguments: seeds)
  func compiledEqualsStepwise(seed: UInt64) {
    let drawn = DrawnNetwork(seed: seed)
    func run(_ unrolling: Unrolling, _ checkpointing: Checkpointing = .none) -> Outcome {
      outcome(
        of: drawn.network, on: drawn.batch, from: drawn.state, unrolling, checkpointing: checkpointing,
        dropout: RandomSource(seed: seed, stream: 6))
    }
    let (expected, actual, saving) = (run(.stepwise), run(.compiled), run(.compiled, .every(2)))
    let worst = actual.difference(to: expected)
    #expect(worst.error < drawn.tolerance, "\(drawn): \(worst)")
    for (a, b) in zip(actual.named, saving.named).prefix(1 + drawn.state.parts.count) {
      #expect(a.tensor == b.tensor, "\(drawn): \(a.name)")
    }
    let difference = saving.difference(to: actual)
    #expect(difference.error < drawn.tolerance, "\(drawn): \(difference)")
  }

  /// The gradients of learnt initial states too: they are made where the gradient is taken.
  @Test(arguments: seeds)
  func ownInitialStatesLearnAlike(seed: UInt64) {
    let drawn = DrawnNetwork(seed: seed)
    let (compiled, stepwise) = (Self.gradients(drawn, .compiled), Self.gradients(drawn, .stepwise))
    #expect(compiled.named.map(\.name) == drawn.network.parameters.map(\.path))
    let worst = compiled.difference(to: stepwise)
    #expect(worst.error < drawn.tolerance, "\(drawn): \(worst)")
  }

  /// The gradients that all others are compared with, against differences in Double, along a random direction of each
  /// parameter, the input and each part of the state, or what the layers learnt of it; masks of dropout are fixed.
  @Test(arguments: 0..<UInt64(128))
  func stepwisePassesFiniteDifferences(seed: UInt64) {
    let drawn = DrawnNetwork(seed: seed, isSmall: true)
    let names = Dictionary(
      uniqueKeysWithValues: drawn.network.parameters.map { (ObjectIdentifier($0.parameter), $0.path) })
    // Zeros that are normalised, and again in the next layer, have derivatives that hold nearer by than any step.
    var random = RandomSource(seed: seed, stream: 7)
    let state = drawn.normalizes ? drawn.state.randomised(using: &random) : drawn.state
    let given = seed.isMultiple(of: 2) || drawn.normalizes ? state.parts.map(\.tensor) : nil
    let comparisons = compareGradients(
      leaves: [drawn.batch.rows] + (given ?? []), names: names, along: RandomSource(seed: seed)
    ) { leaves in
      let own = drawn.network.initialState(batch: drawn.batch.layout.batch).parts.map(\.tensor)
      return FiniteDifferenceTests.loss(
        drawn.network, drawn.batch, drawn.state, given == nil ? leaves + own : leaves, .stepwise,
        random: RandomSource(seed: seed, stream: 6))
    }
    for comparison in comparisons { #expect(comparison.error < drawn.tolerance, "\(drawn): \(comparison)") }
    #expect(comparisons.contains { $0.error > 0 })
  }

  private static func gradients(_ drawn: DrawnNetwork, _ unrolling: Unrolling) -> Outcome {
    let network = drawn.network
    var weights = RandomSource(seed: 98)
    let gradients = valueAndGradient(of: network) {
      var evaluation = Evaluation(unrolling: unrolling)
      let state = network.initialState(batch: drawn.batch.layout.batch)
      let result = network(drawn.batch, from: state, in: &evaluation)
      let all = [result.output.rows] + result.state.parts.map(\.tensor)
      return all.map { ($0 * weights.uniform($0.shape, in: -1...1)).sum() }.reduce(Tensor.zeros([]), +)
    }.gradients
    return Outcome(
      named: network.parameters.map {
        (name: $0.path, tensor: gradients[$0.parameter] ?? .zeros($0.parameter.shape))
      })
  }

  /// What stands behind a length, and how much, changes no bit.
  @Test(arguments: seeds)
  func paddingIsNotRead(seed: UInt64) {
    let drawn = DrawnNetwork(seed: seed)
    let (batch, lengths) = (drawn.batch, drawn.batch.lengths)
    var padded = Tensor(shape: [batch.layout.time + 2, lengths.count, batch.features], repeating: .nan)
    for (b, length) in lengths.enumerated() {
      let rows = batch.sequence(b)
      for t in 0..<length { for i in 0..<batch.features { padded[t, b, i] = rows[t, i] } }
    }
    var evaluation = Evaluation.inference
    let expected = drawn.network(batch, from: drawn.state, in: &evaluation)
    let actual = drawn.network(SequenceBatch(values: padded, lengths: lengths), from: drawn.state, in: &evaluation)
    #expect(actual.output.lengths == expected.output.lengths, "\(drawn)")
    #expect(actual.output.rows == expected.output.rows, "\(drawn)")
    for (a, b) in zip(actual.state.parts, expected.state.parts) { #expect(a.tensor == b.tensor, "\(drawn): \(a.name)") }
  }

  /// Where all layers are forward, chunks with carried state are the whole, bit for bit; with pyramids when a chunk is
  /// a multiple of what they join.
  @Test(arguments: seeds)
  func chunksEqualTheWhole(seed: UInt64) {
    let drawn = DrawnNetwork(seed: seed)
    guard drawn.isForward else { return }
    let (values, lengths) = (drawn.batch.values, drawn.batch.lengths)
    var evaluation = Evaluation.inference
    let whole = drawn.network(drawn.batch, from: drawn.state, in: &evaluation)
    let first = SequenceBatch(values: values.rows(0..<4), lengths: lengths.map { min($0, 4) })
    let second = SequenceBatch(values: values.rows(4..<values.shape[0]), lengths: lengths.map { max($0 - 4, 0) })
    let beginning = drawn.network(first, from: drawn.state, in: &evaluation)
    let end = drawn.network(second, from: beginning.state, in: &evaluation)
    for b in lengths.indices {
      #expect(
        beginning.output.sequence(b).values + end.output.sequence(b).values == whole.output.sequence(b).values,
        "\(drawn): sequence \(b)")
    }
    for (a, b) in zip(end.state.parts, whole.state.parts) { #expect(a.tensor == b.tensor, "\(drawn): \(a.name)") }
  }

  /// Forward layers stream, in all precisions: bit for bit what they give for the whole.
  @Test(arguments: seeds)
  func streamsEqualTheWhole(seed: UInt64) throws {
    let drawn = DrawnNetwork(seed: seed)
    guard drawn.isForward, !drawn.hasPyramid else { return }
    let longest = try #require(drawn.batch.lengths.indices.max { drawn.batch.lengths[$0] < drawn.batch.lengths[$1] })
    let rows = drawn.batch.sequence(longest)
    let state = drawn.state.rows([longest])
    let precision = Precision.allCases[Int(seed) % Precision.allCases.count]
    var evaluation = Evaluation.inference(precision)
    let layout = Layout(time: rows.shape[0], batch: 1)
    let whole = drawn.network(SequenceBatch(rows: rows, layout: layout), from: state, in: &evaluation)
    let session = Session(drawn.network, from: state, precision: precision)
    var fork = session
    for t in 0..<rows.shape[0] {
      if t == 2 { fork = session.forked() }
      let output = session.push(rows.rows(t..<t + 1))
      #expect(output.values == whole.output.rows.rows(t..<t + 1).values, "\(drawn), \(precision): step \(t)")
    }
    for t in 2..<rows.shape[0] { _ = fork.push(rows.rows(t..<t + 1)) }
    for session in [session, fork] {
      for (a, b) in zip(session.state.parts, whole.state.parts) {
        #expect(a.name == b.name && a.tensor == b.tensor, "\(drawn), \(precision): \(a.name)")
      }
    }
  }

  /// The draws reach every cell with every direction and connection.
  @Test func drawsReachEverything() {
    let drawn = Self.seeds.map { DrawnNetwork(seed: $0) }
    for direction in ["forward", "backward"] + Merging.allCases.map({ "bidirectional \($0)" }) {
      for connection in ["none", "residual", "highway", "skip"] {
        let count = drawn.count { $0.description.contains("\(direction) \(connection)") }
        #expect(count > 5, "\(direction) \(connection)")
      }
    }
    for noise in TestRegularization.all {
      #expect(drawn.count { $0.description.contains(", \(noise) →") } > 3, "\(noise)")
    }
    for cell in TestCell.all { #expect(drawn.contains { $0.description.contains("\(cell) ") }, "\(cell)") }
    #expect(drawn.count(where: \.isForward) > 100)
    #expect(drawn.count { $0.isForward && $0.hasPyramid } > 10)
    #expect(drawn.count { $0.isForward && $0.description.contains("window") } > 10)
    for around in ["learnt", "conditioned", "every 2", "every 3"] {
      #expect(drawn.count { $0.description.contains(around) } > 50, "\(around)")
    }
  }
}
