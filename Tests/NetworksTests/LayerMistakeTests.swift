import Networks
import Recurrence
import Tensors
import Testing

/// Poolings, levels, clocks, feedback and contexts that do not fit stop with what does not fit.
@Suite struct LayerMistakeTests {
  private func expect(_ result: ExitTest.Result?, says parts: String..., source: SourceLocation = #_sourceLocation) {
    let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    for part in parts { #expect(text.contains(part), "\(part) is missing in: \(text)", sourceLocation: source) }
  }

  private static func gru(_ inputs: Int, _ hidden: Int) -> Recurrent<GRU> {
    Recurrent(ConnectionMistakeTests.gru(inputs, hidden))
  }

  @Test func poolingsNeedTheirParts() async {
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Encoder(Self.gru(3, 4), pooling: .state(["cell"]))
      }, says: "Pooling", "`cell`", "[\"hidden\"]")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Encoder(Self.gru(3, 4), pooling: .state([]))
      }, says: "Pooling", "no part")
  }

  @Test func levelsNeedTheirNumbers() async {
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = NestedBatch(TokenBatch([[1], [2, 3]]), in: [Layout(lengths: [1, 2])])
      }, says: "NestedBatch", "level 0", "3 elements", "2 sequences")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = NestedBatch([[[1]], [[2, 3], []]]).grouped(by: [1])
      }, says: "NestedBatch", "level 1", "1 elements", "2 sequences")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = NestedBatch(TokenBatch([[1]]), in: [])
      }, says: "NestedBatch", "no level")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = NestedBatch([[[1], [2]]]).adding(SequenceBatch([[[1]]]))
      }, says: "NestedBatch", "lengths [1]", "[2]")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = NestedBatch([[[1], [2]]]).adding(SequenceBatch([[[1]]]), toLevel: 1)
      }, says: "NestedBatch", "level 1 of 1")
  }

  @Test func hierarchiesNeedWhatTheyTake() async {
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Hierarchical(Encoder(Self.gru(2, 4), pooling: .last), Self.gru(3, 5))
      }, says: "Hierarchical", "level 0 gives 4", "takes 3")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Hierarchical([], Self.gru(3, 5))
      }, says: "Hierarchical", "no encoder")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let network = Hierarchical(Encoder(Self.gru(2, 4), pooling: .last), Self.gru(6, 5))
        _ = network(NestedBatch([[[[1, 2]]]]))
      }, says: "Hierarchical", "level 0 has 0 features", "takes 2")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let network = Hierarchical(Encoder(Self.gru(2, 4), pooling: .last), Self.gru(4, 5))
        _ = network(NestedBatch([[[[1, 2]]]]).grouped(by: [1]))
      }, says: "Hierarchical", "2 levels", "1 encoders")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let network = Hierarchical(Encoder(Self.gru(3, 4), pooling: .last), Self.gru(4, 5))
        _ = network(NestedBatch([[[[1, 2]]]]))
      }, says: "[1, 2]", "[1, 3]", "encoders.0")
  }

  @Test func clocksNeedTheirState() async {
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Clockwork(Self.gru(2, 3), every: 0)
      }, says: "Clockwork", "every 0")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var evaluation = Evaluation.inference
        let layer = Clockwork(Self.gru(1, 3), every: 2)
        _ = layer(SequenceBatch([[[1]]]), from: Self.gru(1, 3).initialState(batch: 1), in: &evaluation)
      }, says: "Clockwork", "[\"hidden\"]", "held")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var evaluation = Evaluation.inference
        let layer = Clockwork(Self.gru(1, 3), every: 2)
        var state = layer.initialState(batch: 1)
        state.parts[2].tensor = Tensor([[2]])
        _ = layer(SequenceBatch([[[1]]]), from: state, in: &evaluation)
      }, says: "Clockwork", "phase of 2.0", "0..<2")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var evaluation = Evaluation.inference
        let layer = Clockwork(Self.gru(1, 3), every: 2)
        _ = layer(SequenceBatch([[[1]]]), from: layer.initialState(batch: 2), in: &evaluation)
      }, says: "Clockwork", "held [2, 3]", "[1, 3]")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let layer = Clockwork(Stack([Pyramid(inputSize: 1), Self.gru(2, 3)]), every: 2)
        _ = layer(SequenceBatch([[[1], [2], [3], [4]]]))
      }, says: "Clockwork", "[1]", "[2]")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        let session = Session(Clockwork(Self.gru(1, 3), every: 2))
        var state = session.state
        state.parts[2].tensor = Tensor([[0.5]])
        session.state = state
      }, says: "Clockwork", "0.5", "period of 2")
  }

  @Test func feedbackNeedsItsPlace() async {
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = OutputFeedback(ConnectionMistakeTests.gru(3, 4))
      }, says: "OutputFeedback", "takes 3", "output of 4")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var random = RandomSource(seed: 1)
        _ = OutputFeedback(ConnectionMistakeTests.gru(3, 4), readout: Linear(inputs: 5, outputs: 1, using: &random))
      }, says: "OutputFeedback", "gives 4", "takes 5")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = OutputFeedback(OutputFeedback(ConnectionMistakeTests.gru(12, 4)))
      }, says: "OutputFeedback", "`output`")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        Session(Self.gru(2, 3)).generate(steps: 2, from: .zeros([2])) { $0 }
      }, says: "Session", "[1, 3]", "2 values")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        Session(Self.gru(3, 3)).generate(steps: -1, from: .zeros([3])) { $0 }
      }, says: "Session", "-1 steps")
  }

  @Test func contextsNeedTheirSizes() async {
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Conditioned(Self.gru(3, 4), contextSize: 5)
      }, says: "Conditioned", "5 values", "takes 3")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Conditioned(Self.gru(3, 4), contextSize: 2).on(.zeros([1, 3]))
      }, says: "Conditioned", "[1, 3]", "[batch, 2]")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Conditioned(Self.gru(3, 4), contextSize: 2).on(.zeros([2, 2]))(SequenceBatch([[[1]], [], [[2]]]))
      }, says: "Conditioned", "2 rows", "3 sequences")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Conditioned(Self.gru(3, 4), contextSize: 2).on(.zeros([1, 2]))(SequenceBatch([[[1, 2]]]))
      }, says: "Conditioned", "2 values", "have 1")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        _ = Session(Conditioned(Self.gru(3, 4), contextSize: 2).on(.zeros([2, 2])))
      }, says: "Conditioned", "2 rows", "1 sequences")
  }

  @Test func bridgesNeedTheirSource() async {
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var random = RandomSource(seed: 1)
        _ = Bridge(from: Self.gru(2, 3), to: Self.gru(2, 4), using: &random)(
          Stack([Self.gru(2, 3)]).initialState(batch: 1))
      }, says: "Bridge", "0.hidden", "`hidden`")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var random = RandomSource(seed: 1)
        _ = Bridge(inputSize: 3, to: Self.gru(2, 4), using: &random)(Tensor.zeros([2, 4]))
      }, says: "Bridge", "[2, 4]", "[batch, 3]")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var random = RandomSource(seed: 1)
        _ = Bridge(inputSize: 3, to: Self.gru(2, 4), using: &random)(Self.gru(2, 3).initialState(batch: 1))
      }, says: "Bridge", "for vectors of 3", "not for a state")
    expect(
      await #expect(processExitsWith: .failure, observing: [\.standardErrorContent]) {
        var random = RandomSource(seed: 1)
        _ = Bridge(from: Pyramid(inputSize: 3), to: Self.gru(2, 4), using: &random)
      }, says: "Bridge", "no state")
  }
}
