import Networks
import Recurrence
import Tensors

/// A language model's network held open for one text: a token in, scores of what may come next out. What stays the same
/// from token to token is prepared once, so that a token costs the network's products and little else.
final class TokenSession {
  private let session: Session
  private let vectors: Tensor
  private let readout: PackedMatrix
  private let bias: Tensor?
  private let hidden: Storage

  /// Goes on from a state of one sequence. The recurrent layers multiply in `precision`.
  init(_ network: TextNetwork, from state: LayerState, precision: Precision) {
    session = Session(network.recurrent, from: state, precision: precision)
    vectors = network.scale == 1 ? network.embedding.table.value : network.scale * network.embedding.table.value
    let weight = network.readout.weight.value
    readout = PackedMatrix(
      weight.storage.floats, k: weight.shape[1], n: weight.shape[0], columns: weight.shape[1], transposed: true)
    bias = network.readout.bias?.value
    hidden = Storage(count: session.outputSize)
  }

  /// Reads a token; returns a score for each token of the vocabulary. The same numbers as of the network, bit for bit.
  func scores(after token: Int32) -> [Float] {
    let row = Int(token) * session.inputSize
    session.push(
      UnsafeBufferPointer(rebasing: vectors.storage.buffer[row..<row + session.inputSize]),
      into: UnsafeMutableBufferPointer(start: hidden.floats, count: hidden.count))
    return [Float](unsafeUninitializedCapacity: readout.n) { scores, count in
      count = readout.n
      guard let target = scores.baseAddress else { return }
      readout.multiply(rows: 1, hidden.floats, lda: readout.k, into: target, ldc: readout.n)
      // After the product, not before: the order in which the layer adds.
      guard let values = bias?.storage.floats else { return }
      for i in 0..<count { target[i] += values[i] }
    }
  }
}
