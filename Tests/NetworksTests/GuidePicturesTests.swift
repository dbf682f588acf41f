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
    for (name, picture) in Self.pictures() {
      let file = folder.appendingPathComponent(name + ".svg")
      if drawsAnew { try picture.write(to: file, atomically: true, encoding: .utf8) }
      let committed = try? String(contentsOf: file, encoding: .utf8)
      #expect(committed == picture, "\(name).svg is not what the library draws; UNROLL_DRAW_GUIDE=1 draws it again")
    }
  }
}
