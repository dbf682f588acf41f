import Recurrence

/// Layers as boxes of a picture of a network (``Diagram/network(_:unrolled:)``), named by their parameters' paths.
extension SequenceLayer {
  /// The layer's boxes, the first at the bottom: one, or one for each layer of a stack. `path` is the layer's own.
  package func drawn(at path: String) -> [Diagram.Layer] {
    if let stack = self as? Stack {
      return stack.layers.enumerated().flatMap { $1.drawn(at: "\(path).layers.\($0)") }
    }
    let states = initialState(batch: 0).parts.map(\.name)
    if let both = self as? Bidirectional {
      let kinds = [both.forward.kindOfLayer, both.backward.kindOfLayer]
      let own = states.filter { $0.hasPrefix("forward.") }.map { String($0.dropFirst("forward.".count)) }
      return [
        Diagram.Layer(
          name: path, kind: kinds[0] == kinds[1] ? kinds[0] : kinds.joined(separator: ", "), states: own,
          inputs: inputSize, outputs: outputSize, direction: .both)
      ]
    }
    let isBackward = (self as? any RecurrentLayer)?.direction == .backward
    return [
      Diagram.Layer(
        name: path, kind: kindOfLayer, states: states, inputs: inputSize, outputs: outputSize,
        direction: isBackward ? .backward : .forward)
    ]
  }

  /// The cell's type, or the layer's: `LSTM`, `Pyramid`.
  fileprivate var kindOfLayer: String {
    (self as? any RecurrentLayer)?.cellName ?? String(String(describing: type(of: self)).prefix { $0 != "<" })
  }
}

extension AttentiveLayer {
  /// The layer's box, of the cell's kind.
  package func drawn(at path: String) -> [Diagram.Layer] {
    let type = String(describing: type(of: self))
    let cell = type.split(separator: "<").dropFirst().first?.prefix { $0 != ">" && $0 != "," }
    return [
      Diagram.Layer(
        name: path, kind: "attentive \(cell ?? "layer")", states: initialState(batch: 0).parts.map(\.name),
        inputs: inputSize, outputs: outputSize)
    ]
  }
}

extension Convolution {
  /// The layer's box: from the channels of a place to its channels.
  package func drawn(at path: String) -> [Diagram.Layer] {
    [Diagram.Layer(name: path, kind: "Convolution", inputs: map.inputSize / (window * window), outputs: map.outputSize)]
  }
}

extension Embedding {
  /// The table's box.
  package func drawn(at path: String) -> [Diagram.Layer] {
    [Diagram.Layer(name: path, kind: "Embedding", inputs: tokens, outputs: size)]
  }
}

extension Linear {
  /// The layer's box.
  package func drawn(at path: String) -> [Diagram.Layer] {
    [Diagram.Layer(name: path, kind: "Linear", inputs: inputSize, outputs: outputSize)]
  }
}
