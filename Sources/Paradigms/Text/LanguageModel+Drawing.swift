import Networks
import Recurrence

extension LanguageModel {
  /// The layers as boxes of a picture, the first at the bottom: embedding, recurrent layers, readout. Their names are
  /// those of their parameters' paths.
  package var drawnLayers: [Diagram.Layer] {
    let recurrent = network.recurrent.layers.compactMap { $0 as? any RecurrentLayer }.enumerated().map { i, layer in
      Diagram.Layer(
        name: "recurrent.layers.\(i)", kind: layer.cellName, states: layer.initialState(batch: 0).parts.map(\.name),
        inputs: layer.inputSize, outputs: layer.outputSize,
        direction: layer.direction == .forward ? .forward : .backward)
    }
    return [
      Diagram.Layer(
        name: "embedding", kind: "Embedding", inputs: network.embedding.tokens, outputs: network.embedding.size)
    ] + recurrent + [
      Diagram.Layer(
        name: "readout", kind: "Linear", inputs: network.readout.inputSize, outputs: network.readout.outputSize)
    ]
  }
}
