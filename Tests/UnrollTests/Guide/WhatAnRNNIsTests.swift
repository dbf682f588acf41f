import Testing
import Unroll

/// The code of "What an RNN is".
@Suite struct WhatAnRNNIsTests {
  @Test func aCycleMakesAFeedforwardNetworkRecurrent() {
    var random = RandomSource(seed: 1)
    let network = Feedforward(sizes: [4 + 3, 6, 4], activations: [.relu, .tanh], using: &random)
    let layer = Recurrent(FeedforwardCell(network))  // the network takes [h, x] and gives the next h

    let batch = SequenceBatch([[[1, 0, 0], [0, 1, 0], [0, 0, 1]]])  // one sequence of three time steps
    let (output, state) = layer(batch)  // output: h at every time step; state["hidden"]: the last one

    let x = batch.sequence(0)
    var h = Tensor.zeros([1, 4])
    for t in 0..<3 {
      h = network(concatenated(h, x.rows(t..<t + 1)))  // as output.sequence(0).rows(t..<t + 1)
    }

    #expect(output.lengths == [3] && output.features == 4)
    #expect(isClose(state["hidden"], h))
    #expect(isClose(output.sequence(0).rows(2..<3), h))
    #expect(h.values.contains { $0 != 0 })
  }

  @Test func theSameInputMeansSomethingElseLater() {
    var random = RandomSource(seed: 2)
    let twice = SequenceBatch([[[1, 2, 3], [1, 2, 3]]])

    let feedforward = Feedforward(sizes: [3, 4], activations: [.tanh], using: &random)
    let plain = twice.mapRows { feedforward($0) }.sequence(0)  // both rows are the same

    let recurrent = Recurrent(Elman(inputSize: 3, hiddenSize: 4, using: &random))
    let remembered = recurrent(twice).output.sequence(0)  // the second row knows that there was a first

    #expect(isClose(plain.rows(0..<1), plain.rows(1..<2)))
    #expect(!isClose(remembered.rows(0..<1), remembered.rows(1..<2), within: 0.01))
  }

  @Test func oneNetworkForEveryLength() {
    var random = RandomSource(seed: 3)
    let layer = Recurrent(GRU(inputSize: 2, hiddenSize: 5, using: &random))
    let count = layer.parameterCount  // 3 * 5 * (5 + 2 + 1) = 120, however long the sequences are

    let ragged = SequenceBatch([[[1, 2], [3, 4], [5, 6]], [], [[7, 8]]])  // lengths 3, 0 and 1
    let (output, state) = layer(ragged)  // output.lengths is [3, 0, 1]
    let last = state["hidden"]  // [3, 5]: after each sequence's own last step; zeros where there was none

    #expect(count == 120)
    #expect(output.lengths == [3, 0, 1])
    #expect(last?.shape == [3, 5])
    #expect(isClose(last?.rows(1..<2), .zeros([1, 5])))
    #expect(isClose(last?.rows(2..<3), layer(SequenceBatch([[[7, 8]]])).output.sequence(0)))
  }

  @Test func aCellShowsItsEquationsAndAPicture() {
    var random = RandomSource(seed: 4)
    let layer = Recurrent(Elman(inputSize: 3, hiddenSize: 8, using: &random))
    print(layer.equations)  // h′ = tanh(hidden.weight·[h, x] + hidden.bias), y = h′
    print(layer.picture())  // boxes and arrows in the terminal
    let page = layer.picture(unrolled: 3, as: .svg)  // three copies side by side, as on this page

    #expect(layer.equations == "h′ = tanh(hidden.weight·[h, x] + hidden.bias)\ny = h′")
    #expect(layer.picture().contains("z⁻¹"))
    #expect(page.hasPrefix("<svg") && page.contains("t = 3"))
    #expect(layer.picture(as: .dot).hasPrefix("digraph"))
  }
}

/// Whether two tensors have the same shape and nearly the same values.
func isClose(_ a: Tensor?, _ b: Tensor?, within tolerance: Float = 1e-5) -> Bool {
  guard let a, let b, a.shape == b.shape else { return false }
  return zip(a.values, b.values).allSatisfy { abs($0 - $1) <= tolerance * max(1, abs($0), abs($1)) }
}
