import Foundation
import Networks
import Recurrence
import Tensors
import Testing

/// The guide's pictures are what the library draws now. `UNROLL_DRAW_GUIDE=1` draws them again.
@Suite struct GuidePicturesTests {
  /// The cell that "Cells" invents (Tests/UnrollTests/Guide/CellsTests.swift).
  private struct Peak: RecurrentCell {
    let signal: Linear
    let fading: Parameter

    var inputSize: Int { signal.inputSize }
    func initialState(batch: Int) -> Tensor { .zeros([batch, signal.outputSize]) }
    func step(_ x: Tensor, _ peak: Tensor) -> (output: Tensor, state: Tensor) {
      let new = maximum(sigmoid(fading.tensor) * peak, tanh(signal(x)))
      return (output: new, state: new)
    }
  }

  /// The shape of a paradigm: an unrolled network that reads at some of its steps alone, and writes at some.
  private static func paradigm(
    _ title: String, steps: Int, reads: ClosedRange<Int>, writes: ClosedRange<Int>,
    direction: Diagram.Layer.Direction = .forward, labels: [Int: String] = [:]
  ) -> String {
    let layer = Diagram.Layer(
      name: "recurrent", kind: "LSTM", states: ["hidden", "cell"], inputs: 3, outputs: 8, direction: direction)
    var picture = Diagram.network([layer], unrolled: steps)
    picture.title = title
    // Column 0 is the state before the first step, so a column's number is its step's.
    let shown = picture.nodes.indices.filter { i in
      let node = picture.nodes[i]
      return switch node.role {
      case .input: reads.contains(node.column)
      case .output: writes.contains(node.column)
      default: true
      }
    }
    let places = Dictionary(uniqueKeysWithValues: zip(shown, shown.indices))
    picture.edges = picture.edges.compactMap { edge in
      guard let from = places[edge.from], let to = places[edge.to] else { return nil }
      var edge = edge
      (edge.from, edge.to) = (from, to)
      return edge
    }
    picture.nodes = shown.map { i in
      var node = picture.nodes[i]
      if node.role == .output, let label = labels[node.column] { node.label = label }
      return node
    }
    return picture.svg
  }

  private static func paradigms() -> [String: String] {
    [
      "one-to-many": paradigm("One to many", steps: 3, reads: 1...1, writes: 1...3),
      "many-to-one": paradigm("Many to one", steps: 3, reads: 1...3, writes: 3...3, labels: [3: "y"]),
      "same-length": paradigm(
        "Many to many, the same length", steps: 3, reads: 1...3, writes: 1...3, direction: .both),
      "different-length": paradigm(
        "Many to many, different length", steps: 5, reads: 1...3, writes: 4...5, labels: [4: "y₁", 5: "y₂"]),
      "language": paradigm(
        "A language model", steps: 3, reads: 1...3, writes: 1...3, labels: [1: "x₂", 2: "x₃", 3: "x₄"]),
      "numbers": paradigm("Numbers over time", steps: 4, reads: 1...4, writes: 4...4, labels: [4: "x₅ … x₇"]),
    ]
  }

  private static func pictures() -> [String: String] {
    var random = RandomSource(seed: 1)
    func step(_ cell: some RecurrentCell, unrolled steps: Int? = nil) -> String {
      Recurrent(cell).picture(unrolled: steps, as: .svg)
    }
    let dense = [
      Diagram.Layer(name: "hidden", kind: "Linear", inputs: 3, outputs: 8),
      Diagram.Layer(name: "readout", kind: "Linear", inputs: 8, outputs: 2),
    ]
    let plain = [
      Diagram.Layer(name: "recurrent", kind: "Elman", states: ["hidden"], inputs: 3, outputs: 8), dense[1],
    ]
    let states = ["hidden", "cell"]
    let layers = [
      Diagram.Layer(name: "0", kind: "LSTM", states: states, inputs: 3, outputs: 8, direction: .both),
      Diagram.Layer(name: "1", kind: "LSTM", states: states, inputs: 8, outputs: 5, direction: .backward),
      Diagram.Layer(name: "2", kind: "GRU", states: ["hidden"], inputs: 5, outputs: 5),
    ]
    let elman = Elman(inputSize: 3, hiddenSize: 8, outputSize: 2, using: &random)
    let peak = Peak(
      signal: Linear(inputs: 3, outputs: 8, using: &random), fading: Parameter(.zeros([8])))
    return [
      "feedforward-network": Diagram.network(dense).svg, "recurrent-network": Diagram.network(plain).svg,
      "network-unrolled": Diagram.network(plain, unrolled: 3).svg,
      "stack-unrolled": Diagram.network(layers, unrolled: 3).svg,
      "elman-unrolled": step(Elman(inputSize: 3, hiddenSize: 8, using: &random), unrolled: 3),
      "elman": step(elman), "gru": step(GRU(inputSize: 3, hiddenSize: 8, using: &random)),
      "lstm": step(LSTM(inputSize: 3, hiddenSize: 8, using: &random)), "peak": step(peak),
      "indrnn": step(IndRNN(inputSize: 3, hiddenSize: 8, using: &random)),
    ]
  }

  @Test func theyAreWhatTheLibraryDraws() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Sources/Unroll/Unroll.docc")
    let drawsAnew = ProcessInfo.processInfo.environment["UNROLL_DRAW_GUIDE"] == "1"
    for (name, picture) in Self.pictures().merging(Self.paradigms(), uniquingKeysWith: { $1 }) {
      let file = folder.appendingPathComponent(name + ".svg")
      if drawsAnew { try picture.write(to: file, atomically: true, encoding: .utf8) }
      let committed = try? String(contentsOf: file, encoding: .utf8)
      #expect(committed == picture, "\(name).svg is not what the library draws; UNROLL_DRAW_GUIDE=1 draws it again")
    }
  }
}
