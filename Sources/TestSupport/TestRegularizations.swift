import Networks

/// A kind of noise or normalisation inside a recurrent layer, or all of them at once.
package struct TestRegularization: Sendable, CustomStringConvertible {
  package let description: String
  package let regularization: Regularization

  package static let none = TestRegularization("none", Regularization())

  /// Those that are written into a step, and those around it.
  package static let all = [
    TestRegularization("input dropout", Regularization(inputDropout: 0.4)),
    TestRegularization("state dropout", Regularization(stateDropout: 0.4)),
    TestRegularization("output dropout", Regularization(outputDropout: 0.4)),
    TestRegularization("recurrent dropout", Regularization(recurrentDropout: 0.4)),
    TestRegularization(
      "recurrent dropout by sequence", Regularization(recurrentDropout: 0.3, recurrentMasks: .sequence)),
    TestRegularization("zoneout", Regularization(zoneout: 0.3)),
    TestRegularization("drop connect", Regularization(dropConnect: 0.4)),
    TestRegularization("layer norm", Regularization(normalizesLayers: true)),
    TestRegularization(
      "everything",
      Regularization(
        inputDropout: 0.1, stateDropout: 0.2, outputDropout: 0.1, recurrentDropout: 0.2, zoneout: 0.3,
        dropConnect: 0.3, normalizesLayers: true)),
  ]

  private init(_ description: String, _ regularization: Regularization) {
    self.description = description
    self.regularization = regularization
  }

  /// A recurrent layer with it; the layer itself when there is none.
  package func layer(_ layer: any SequenceLayer) -> any SequenceLayer {
    guard regularization != .none, let recurrent = layer as? any RecurrentLayer else { return layer }
    return recurrent.withRegularization(regularization)
  }
}
