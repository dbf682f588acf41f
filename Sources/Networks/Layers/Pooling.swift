import Recurrence
import Tensors

/// How the outputs of a layer, or its final state, become one vector for each sequence.
public enum Pooling: Hashable, Sendable {
  /// The output at each sequence's own last time step. Of a backward layer that is the step it has seen least of:
  /// see ``state(_:)``.
  case last
  /// The mean of the outputs at a sequence's own time steps.
  case mean
  /// The largest of the outputs at a sequence's own time steps, value by value. The gradient goes to the time step that
  /// it comes from, one of them where several are equal.
  case maximum
  /// Parts of the final state by their names in ``LayerState``, one after the other.
  ///
  ///     Pooling.state(["forward.hidden", "backward.hidden"])   // both directions, each after its own last step
  case state([String])

  /// Values in the vector of a layer. Traps when the layer's state has no part of a name.
  public func size(of layer: any SequenceLayer) -> Int {
    guard case .state = self else { return layer.outputSize }
    return Recording.$current.withValue(.none) { parts(of: layer.initialState(batch: 1)) }
      .reduce(0) { $0 + $1.shape.last }
  }

  /// What a layer gave, as one vector for each sequence: [batch, size]. Where a sequence is empty it is zeros; with
  /// ``state(_:)`` the state that the sequence began with.
  public func callAsFunction(_ output: SequenceBatch, _ state: LayerState) -> Tensor {
    switch self {
    case .last: output.layout.lastRows(of: output.rows)
    case .mean: output.layout.means(of: output.rows)
    case .maximum: output.layout.maxima(of: output.rows)
    case .state: concatenated(parts(of: state))
    }
  }

  private func parts(of state: LayerState) -> [Tensor] {
    guard case .state(let names) = self else { return [] }
    demand(!names.isEmpty, "Pooling: no part of the state is named")
    return names.map { name in
      guard let tensor = state[name] else {
        mistake("Pooling: the state has no part `\(name)`, it has \(state.parts.map(\.name))")
      }
      return tensor
    }
  }
}

extension Layout {
  /// One row for each sequence from rows of those that have time steps; zeros for the others.
  private func placing(_ rows: Tensor) -> Tensor {
    let running = lengths.indices.filter { lengths[$0] > 0 }
    return rows.applying(.scatter(Indices(running.map(Int32.init)), rows: batch))
  }

  fileprivate func lastRows(of rows: Tensor) -> Tensor {
    placing(rows.gatheringRows(rowsOfSequences.compactMap(\.last)))
  }

  fileprivate func means(of rows: Tensor) -> Tensor {
    sums(of: rows) * Tensor(shape: [batch, 1], values: lengths.map { 1 / Float(max(1, $0)) })
  }

  /// One row for each sequence: the sum of its rows.
  fileprivate func sums(of rows: Tensor) -> Tensor { rows.applying(.scatter(Indices(sequenceOfRow), rows: batch)) }

  /// Neighbours are compared until one row is left: as many operations as the logarithm of the longest length. A row
  /// without a neighbour is compared with itself.
  fileprivate func maxima(of rows: Tensor) -> Tensor {
    var values = rows
    var places = rowsOfSequences.filter { !$0.isEmpty }
    while places.contains(where: { $0.count > 1 }) {
      let pairs = places.flatMap { own in
        stride(from: 0, to: own.count, by: 2).map { (own[$0], own[min($0 + 1, own.count - 1)]) }
      }
      values = Tensors.maximum(values.gatheringRows(pairs.map(\.0)), values.gatheringRows(pairs.map(\.1)))
      var next: Int32 = 0
      places = places.map { own in
        defer { next += Int32((own.count + 1) / 2) }
        return Array(next..<next + Int32((own.count + 1) / 2))
      }
    }
    return placing(values.gatheringRows(places.flatMap { $0 }))
  }
}

/// A layer whose sequences become vectors: the summary of a sentence, the encoder of a translation.
///
///     let encoder = Encoder(
///       Bidirectional(forward: LSTM(…), backward: LSTM(…)), pooling: .state(["forward.hidden", "backward.hidden"]))
///     encoder(batch).vector    // [batch, encoder.outputSize], whatever the lengths
public struct Encoder: Module {
  /// The layer that reads the sequences.
  public let layer: any SequenceLayer
  /// How what it gives becomes a vector.
  public let pooling: Pooling
  /// Values in a vector.
  public let outputSize: Int

  /// An encoder. Traps when the layer's state has no part that `pooling` names.
  public init(_ layer: any SequenceLayer, pooling: Pooling) {
    self.layer = layer
    self.pooling = pooling
    outputSize = pooling.size(of: layer)
  }

  /// Values in a time step of the input.
  public var inputSize: Int { layer.inputSize }

  /// Runs the layer: one vector for each sequence, [batch, outputSize], and the final state.
  public func callAsFunction(_ input: SequenceBatch, from state: LayerState, in evaluation: inout Evaluation) -> (
    vector: Tensor, state: LayerState
  ) {
    let result = layer(input, from: state, in: &evaluation)
    return (pooling(result.output, result.state), result.state)
  }

  /// Runs the layer from its initial state.
  public func callAsFunction(_ input: SequenceBatch, in evaluation: inout Evaluation) -> (
    vector: Tensor, state: LayerState
  ) {
    self(input, from: layer.initialState(batch: input.layout.batch), in: &evaluation)
  }

  /// Runs the layer from its initial state, without the noise of training.
  public func callAsFunction(_ input: SequenceBatch) -> (vector: Tensor, state: LayerState) {
    var evaluation = Evaluation.inference
    return self(input, in: &evaluation)
  }
}

/// A pooling that learns where to look: each output is weighed by how well it answers a learnt question (Yang et al.
/// 2016), `a = softmax(v · tanh(W·h + b))` over a sequence's own time steps, and the vector is the sum of `a · h`.
///
///     let pooling = AttentivePooling(size: 128, hidden: 64, using: &random)
///     pooling(layer(batch).output).shape    // [batch, 128]
public struct AttentivePooling: Module {
  /// W and b.
  public let key: Linear
  /// v.
  public let question: Linear

  /// A pooling of outputs of `size` values by keys of `hidden`.
  public init(size: Int, hidden: Int, using random: inout RandomSource) {
    key = Linear(inputs: size, outputs: hidden, using: &random)
    question = Linear(inputs: hidden, outputs: 1, bias: false, using: &random)
  }

  /// One vector for each sequence, [batch, size]; zeros where a sequence is empty.
  public func callAsFunction(_ output: SequenceBatch) -> Tensor {
    let layout = output.layout
    let scores = question(tanh(key(output.rows)))
    // The largest score of each sequence is taken off, so that no exponential leaves the numbers.
    let largest = layout.maxima(of: scores.detached).gatheringRows(layout.sequenceOfRow)
    let weights = exp(scores - largest)
    // An empty sequence has no weights; its sum is 0 divided by 1.
    let isEmpty = Tensor(shape: [layout.batch, 1], values: layout.lengths.map { $0 == 0 ? 1 : 0 })
    return layout.sums(of: output.rows * weights) / (layout.sums(of: weights) + isEmpty)
  }
}
