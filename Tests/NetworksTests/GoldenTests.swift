import Foundation
import Networks
import Recurrence
import Tensors
import TestSupport
import Testing

/// Outputs, states and gradients against PyTorch's: two layers, ragged lengths, non-zero initial states. The values were
/// made by Tests/Golden/recurrent.py.
@Suite struct GoldenTests {
  /// Where a dense layer of ours stands in PyTorch's stacked weights.
  struct Block: Sendable {
    enum Source: Sendable { case both, input, hidden }
    let path: String
    let index: Int
    var source = Source.both
  }

  struct Kind: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let blocks: [Block]
    let make: @Sendable (Int, Int, inout RandomSource) -> any SequenceLayer
  }

  static let kinds = [
    Kind(testDescription: "elman", blocks: [Block(path: "hidden", index: 0)]) {
      Recurrent(Elman(inputSize: $0, hiddenSize: $1, using: &$2))
    },
    Kind(
      testDescription: "gru",
      blocks: [
        Block(path: "reset", index: 0), Block(path: "update", index: 1),
        Block(path: "candidate", index: 2, source: .input),
        Block(path: "recurrentCandidate", index: 2, source: .hidden),
      ]
    ) { Recurrent(GRU(.resetAfter, inputSize: $0, hiddenSize: $1, using: &$2)) },
    Kind(
      testDescription: "lstm",
      blocks: [
        Block(path: "input", index: 0), Block(path: "forget", index: 1), Block(path: "candidate", index: 2),
        Block(path: "output", index: 3),
      ]
    ) { Recurrent(LSTM(inputSize: $0, hiddenSize: $1, using: &$2)) },
  ]

  struct Golden: Decodable {
    struct Value: Decodable {
      let shape: [Int]
      let values: [Float]
    }
    let lengths: [Int]
    let loss: Double
    let sizes: [String: Int]
    let tensors: [String: Value]

    init(_ name: String, family: String = "recurrent") throws {
      let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      let file = folder.appendingPathComponent("Golden/\(family)-\(name).json")
      self = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: file))
    }

    subscript(name: String) -> Tensor {
      guard let value = tensors[name] else { preconditionFailure("no golden value \(name)") }
      return Tensor(shape: Shape(value.shape), values: value.values)
    }

    /// Layer `i` of a tensor [layers, …].
    func layer(_ i: Int, of name: String) -> Tensor {
      let tensor = self[name]
      return tensor.rows(i..<i + 1).reshaped(to: Shape(Array(tensor.shape.extents.dropFirst())))
    }

    /// What belongs to a part of a stack's state, `1.hidden` or `1.backward.hidden`; `of` is `initial`, `final` or
    /// `loss`. Layers of two directions take two places, forward first.
    func part(_ name: String, of what: String) -> Tensor {
      let words = name.split(separator: ".")
      guard let number = words.first.flatMap({ Int($0) }), let kind = words.last else {
        preconditionFailure("no part \(name)")
      }
      let place = words.count == 2 ? number : 2 * number + (words[1] == "backward" ? 1 : 0)
      return layer(place, of: "\(what).\(kind)")
    }

    /// The weight and the bias of one of our layers, put together from PyTorch's.
    func block(_ block: Block, layer: Int, prefix: String = "", suffix: String = "") -> (weight: Tensor, bias: Tensor) {
      let hidden = sizes["hidden"]!
      func part(_ name: String) -> Tensor {
        self["\(prefix)\(name)_l\(layer)\(suffix)"].rows(block.index * hidden..<(block.index + 1) * hidden)
      }
      switch block.source {
      case .input: return (part("weight_ih"), part("bias_ih"))
      case .hidden: return (part("weight_hh"), part("bias_hh"))
      case .both:
        // Both biases are added in the forward direction; backwards they have the same gradient.
        let bias = prefix.isEmpty ? part("bias_ih") + part("bias_hh") : part("bias_ih")
        return (concatenated(part("weight_hh"), part("weight_ih")), bias)
      }
    }
  }

  @Test(arguments: kinds, [Unrolling.compiled, .stepwise])
  func layersEqualPyTorch(kind: Kind, unrolling: Unrolling) throws {
    let golden = try Golden(kind.testDescription)
    let (input, hidden, count) = (golden.sizes["input"]!, golden.sizes["hidden"]!, golden.sizes["layers"]!)
    var random = RandomSource(seed: 1)
    let layers = (0..<count).map { kind.make($0 == 0 ? input : hidden, hidden, &random) }
    for (i, layer) in layers.enumerated() {
      let parameters = Self.byPath(layer)
      for block in kind.blocks {
        let values = golden.block(block, layer: i)
        try #require(parameters["cell.\(block.path).weight"]).value = values.weight
        try #require(parameters["cell.\(block.path).bias"]).value = values.bias
      }
    }
    let run = Run(stack: Stack(layers), golden: golden, unrolling: unrolling)
    run.expectClose(SequenceBatch(rows: run.output, layout: run.layout).values, golden["output"], "output")
    run.expectClose(run.inputGradient, golden["gradient.input"], "∂input")
    for (i, layer) in layers.enumerated() {
      for name in layer.initialState(batch: 0).parts.map(\.name) {
        run.expectClose(run.state["\(i).\(name)"]!, golden.layer(i, of: "final.\(name)"), "final \(i).\(name)")
        run.expectClose(
          run.stateGradients["\(i).\(name)"]!, golden.layer(i, of: "gradient.initial.\(name)"), "∂initial \(i).\(name)")
      }
      let parameters = Self.byPath(layer)
      for block in kind.blocks {
        let values = golden.block(block, layer: i, prefix: "gradient.")
        run.expectClose(
          run.gradient(parameters["cell.\(block.path).weight"]!), values.weight, "∂\(i).\(block.path).weight")
        run.expectClose(run.gradient(parameters["cell.\(block.path).bias"]!), values.bias, "∂\(i).\(block.path).bias")
      }
    }
  }

  /// The textbook's GRU has no layer in PyTorch; its values come from the same equations, written out there.
  @Test(arguments: [Unrolling.compiled, .stepwise])
  func textbookGRUEqualsItsEquations(unrolling: Unrolling) throws {
    let golden = try Golden("gru-textbook")
    var random = RandomSource(seed: 1)
    let layer = Recurrent(GRU(inputSize: golden.sizes["input"]!, hiddenSize: golden.sizes["hidden"]!, using: &random))
    let names = [("update", "Wz", "bz"), ("reset", "Wr", "br"), ("candidate", "W", "b")]
    let parameters = Self.byPath(layer)
    for (path, weight, bias) in names {
      try #require(parameters["cell.\(path).weight"]).value = golden[weight]
      try #require(parameters["cell.\(path).bias"]).value = golden[bias]
    }
    let run = Run(stack: Stack([layer]), golden: golden, unrolling: unrolling)
    run.expectClose(SequenceBatch(rows: run.output, layout: run.layout).values, golden["output"], "output")
    run.expectClose(run.state["0.hidden"]!, golden.layer(0, of: "final.hidden"), "final")
    run.expectClose(run.inputGradient, golden["gradient.input"], "∂input")
    run.expectClose(run.stateGradients["0.hidden"]!, golden.layer(0, of: "gradient.initial.hidden"), "∂initial")
    for (path, weight, bias) in names {
      run.expectClose(run.gradient(parameters["cell.\(path).weight"]!), golden["gradient.\(weight)"], "∂\(weight)")
      run.expectClose(run.gradient(parameters["cell.\(path).bias"]!), golden["gradient.\(bias)"], "∂\(bias)")
    }
  }

  static func byPath(_ layer: any SequenceLayer) -> [String: Parameter] {
    Dictionary(uniqueKeysWithValues: layer.parameters.map { ($0.path, $0.parameter) })
  }

  /// One forward and backward run with the golden loss.
  struct Run {
    let output: Tensor
    let state: LayerState
    let layout: Layout
    let inputGradient: Tensor
    let stateGradients: [String: Tensor]
    private let tape = Tape()
    private let cotangents: [Tensor?]

    init(stack: Stack, golden: Golden, unrolling: Unrolling) {
      let tape = self.tape
      let padded = tape.watch(golden["input"])
      var state = stack.initialState(batch: golden.lengths.count)
      for (i, part) in state.parts.enumerated() {
        state.parts[i].tensor = tape.watch(golden.part(part.name, of: "initial"))
      }
      let initial = state
      var evaluation = Evaluation(unrolling: unrolling)
      let (result, loss) = Recording.$current.withValue(.tape(tape)) {
        let batch = SequenceBatch(values: padded, lengths: golden.lengths)
        let result = stack(batch, from: initial, in: &evaluation)
        var loss = (result.output.values * golden["loss.output"]).sum()
        for part in result.state.parts {
          loss = loss + (part.tensor * golden.part(part.name, of: "loss")).sum()
        }
        return (result, loss)
      }
      cotangents = tape.cotangents(from: [(loss, .ones(loss.shape))])
      #expect(abs(Double(loss.scalar) - golden.loss) < 1e-5 * max(1, abs(golden.loss)))
      (output, self.state, layout) = (result.output.rows.detached, result.state.detached, result.output.layout)
      inputGradient = cotangents[tape.index(of: padded)!]!
      var gradients: [String: Tensor] = [:]
      for part in initial.parts { gradients[part.name] = cotangents[tape.index(of: part.tensor)!] }
      stateGradients = gradients
    }

    func gradient(_ parameter: Parameter) -> Tensor {
      let index = tape.parameters.first { $0.parameter === parameter }!.index
      return cotangents[index]!
    }

    func expectClose(_ a: Tensor, _ b: Tensor, _ name: String) {
      #expect(a.shape == b.shape, "\(name)")
      let error = zip(a.values, b.values).map { abs($0 - $1) / max(1, abs($1)) }.max() ?? 0
      #expect(error < 1e-5, "\(name): \(error)")
    }
  }
}
