import Networks
import Recurrence

/// A model whose network can be drawn.
package protocol DrawnModel {
  /// The layers from the input to the output.
  var drawnLayers: [Diagram.Layer] { get }
  /// Layers that walk through time together, step by step; a walk for each kind of time step, none without a cycle.
  var drawnWalks: [DrawnWalk] { get }
}

/// Layers that share their time steps.
package struct DrawnWalk: Sendable {
  /// What a time step is: `word`.
  package let step: String
  /// The layers, the first at the bottom.
  package let layers: [Diagram.Layer]

  package init(step: String, layers: [Diagram.Layer]) { (self.step, self.layers) = (step, layers) }
}

extension LanguageModel: DrawnModel {
  package var drawnLayers: [Diagram.Layer] {
    network.embedding.drawn(at: "embedding") + network.recurrent.drawn(at: "recurrent")
      + network.readout.drawn(at: "readout")
  }

  package var drawnWalks: [DrawnWalk] { [DrawnWalk(step: vocabulary.unit.singular, layers: drawnLayers)] }
}

extension Classifier: DrawnModel {
  package var drawnLayers: [Diagram.Layer] { drawnWalks[0].layers + network.readout.drawn(at: "readout") }

  package var drawnWalks: [DrawnWalk] {
    let layers = network.embedding.drawn(at: "embedding") + network.recurrent.drawn(at: "recurrent")
    return [DrawnWalk(step: configuration.shape.unit.singular, layers: layers)]
  }
}

extension Recognizer: DrawnModel {
  package var drawnLayers: [Diagram.Layer] {
    network.layers.enumerated().flatMap { $1.drawn(at: "layers.\($0)") } + network.readout.drawn(at: "readout")
  }

  package var drawnWalks: [DrawnWalk] { [] }
}

extension Tagger: DrawnModel {
  package var drawnLayers: [Diagram.Layer] { drawnWalks.flatMap(\.layers) }

  package var drawnWalks: [DrawnWalk] {
    let letters =
      network.characters.drawn(at: "characters")
      + network.reader.encoders.enumerated().flatMap { $1.layer.drawn(at: "reader.encoders.\($0).layer") }
    let words = network.reader.top.drawn(at: "reader.top") + network.readout.drawn(at: "readout")
    return [DrawnWalk(step: "character", layers: letters), DrawnWalk(step: "word", layers: words)]
  }
}

extension Translator: DrawnModel {
  package var drawnLayers: [Diagram.Layer] { drawnWalks.flatMap(\.layers) }

  package var drawnWalks: [DrawnWalk] {
    let read = network.source.drawn(at: "source") + network.encoder.drawn(at: "encoder")
    return [
      DrawnWalk(step: "token that is read", layers: read),
      DrawnWalk(step: "token that is written", layers: network.writer.drawn(at: "writer")),
    ]
  }
}

extension Describer: DrawnModel {
  package var drawnLayers: [Diagram.Layer] {
    network.convolutions.enumerated().flatMap { $1.drawn(at: "convolutions.\($0)") }
      + network.projection.drawn(at: "projection") + drawnWalks[0].layers
  }

  package var drawnWalks: [DrawnWalk] {
    [DrawnWalk(step: "word that is written", layers: network.writer.drawn(at: "writer"))]
  }
}

extension Forecaster: DrawnModel {
  package var drawnLayers: [Diagram.Layer] { drawnWalks[0].layers + network.readout.drawn(at: "readout") }

  package var drawnWalks: [DrawnWalk] {
    [DrawnWalk(step: "line of the table", layers: network.recurrent.drawn(at: "recurrent"))]
  }
}

extension SentenceWriter {
  /// From the vectors of tokens to the scores of the next one.
  fileprivate func drawn(at path: String) -> [Diagram.Layer] {
    let cell =
      attentive.map { $0.drawn(at: "\(path).attentive") } ?? plain.map { $0.drawn(at: "\(path).plain") } ?? []
    return vectors.drawn(at: "\(path).vectors") + cell + combine.drawn(at: "\(path).combine")
      + readout.drawn(at: "\(path).readout")
  }
}
