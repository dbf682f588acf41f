import Networks
import Recurrence
import Tensors
import Testing

/// Layers that do not fit each other stop with the sizes that do not fit.
@Suite struct ConnectionMistakeTests {
  private func expect(_ result: ExitTest.Result?, says parts: String..., source: SourceLocation = #_sourceLocation) {
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    for part in parts { #expect(text.contains(part), "\(part) is missing in: \(text)", sourceLocation: source) }
  }

  static func gru(_ inputs: Int, _ hidden: Int) -> GRU {
    var random = RandomSource(seed: 1)
    return GRU(inputSize: inputs, hiddenSize: hidden, using: &random)
  }

  @Test func sumsNeedEqualSizes() async {
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Residual(Recurrent(Self.gru(3, 4)))
      }, says: "Residual", "takes 3", "gives 4")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var random = RandomSource(seed: 1)
        _ = Highway(Recurrent(Self.gru(3, 4)), using: &random)
      }, says: "Highway", "takes 3", "gives 4")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var random = RandomSource(seed: 1)
        _ = Highway(Recurrent(Self.gru(3, 3)), gate: Linear(inputs: 3, outputs: 5, using: &random))
      }, says: "Highway", "gate", "takes 3", "gives 5")
  }

  @Test func directionsNeedEqualSizes() async {
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Bidirectional(forward: Self.gru(3, 4), backward: Self.gru(2, 4))
      }, says: "Bidirectional", "takes 3", "backward 2")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Bidirectional(forward: Self.gru(3, 4), backward: Self.gru(3, 5), merging: .average)
      }, says: "Bidirectional", "gives 4", "backward 5", "average")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let layer = Bidirectional(forward: Self.gru(3, 4), backward: Self.gru(3, 4))
        var evaluation = Evaluation.inference
        let state = Recurrent(Self.gru(3, 4)).initialState(batch: 1)
        _ = layer(SequenceBatch([[[1, 2, 3]]]), from: state, in: &evaluation)
      }, says: "Bidirectional", "hidden")
  }

  /// A connection around a layer that halves the time axis.
  @Test func connectionsNeedTheSameTimeSteps() async {
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let layer = Residual(Stack([Pyramid(inputSize: 2), Recurrent(Self.gru(4, 2))]))
        _ = layer(SequenceBatch([[[1, 2], [3, 4], [5, 6]]]))
      }, says: "Residual", "[2]", "[3]")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Skip(Pyramid(inputSize: 1))(SequenceBatch([[[1], [2], [3], [4]]]))
      }, says: "Skip", "[2]", "[4]")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Pyramid(inputSize: 3)(SequenceBatch([[[1, 2]]]))
      }, says: "Pyramid", "2 values", "have 3")
  }

  @Test func sessionsNeedForwardLayers() async {
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Session(Stack([Bidirectional(forward: Self.gru(3, 4), backward: Self.gru(3, 4))]))
      }, says: "Session", "Bidirectional", "layer `0`")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Session(Pyramid(inputSize: 3))
      }, says: "Session", "Pyramid")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Session(Residual(Recurrent(Self.gru(3, 3), direction: .backward)))
      }, says: "Session", "backward")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Session(Skip(Recurrent(Self.gru(3, 3))), from: Stack([Recurrent(Self.gru(3, 3))]).initialState(batch: 1))
      }, says: "Session", "0.hidden", "[\"hidden\"]")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let state = Recurrent(Self.gru(3, 2)).initialState(batch: 1)
        _ = Session(Recurrent(Self.gru(3, 5)), from: state)
      }, says: "Session", "hidden", "[1, 2]", "[1, 5]")
  }
}
