import Recurrence
import Tensors

/// How the outputs of two directions become one.
public enum Merging: String, Hashable, Sendable, Codable, CaseIterable {
  /// One after the other, forward first: the sizes add up.
  case concatenate
  /// Value by value; sizes must be equal.
  case sum
  /// The mean of both, value by value; sizes must be equal.
  case average
  /// The product of both, value by value; sizes must be equal.
  case multiply

  func callAsFunction(_ forward: Tensor, _ backward: Tensor) -> Tensor {
    switch self {
    case .concatenate: concatenated(forward, backward)
    case .sum: forward + backward
    case .average: 0.5 * (forward + backward)
    case .multiply: forward * backward
    }
  }
}

/// Two cells that read the same sequences, one from the first time step to the last, the other from each sequence's own
/// last to its first (Schuster & Paliwal 1997): the output at a time step knows what is before and what is behind it.
///
///     let layer = Bidirectional(
///       forward: LSTM(inputSize: 3, hiddenSize: 8, using: &random),
///       backward: LSTM(inputSize: 3, hiddenSize: 8, using: &random))
///     let (output, state) = layer(batch)   // output: 16 features, forward's 8 first
///     state["backward.hidden"]             // [batch, 8], after the first time step of each sequence
///
/// The cells may differ in kind and, when outputs are concatenated, in size. The same cell twice shares its weights.
///
/// The state's parts are the forward cell's, then the backward cell's: `forward.hidden`, `forward.cell`,
/// `backward.hidden`, `backward.cell`. A backward state goes in at a sequence's end and comes out at its beginning, so
/// chunks with carried state are not the whole: what is behind a chunk is not known in it.
public struct Bidirectional: SequenceLayer {
  /// The cell that walks from the first time step to the last, and the one that walks back, as layers.
  public let forward, backward: any SequenceLayer
  /// How their outputs become one.
  public let merging: Merging

  /// A layer of two cells, each with noise of its own by the same rates. Traps when they take inputs of different
  /// sizes, or give outputs of different sizes that are not concatenated.
  public init(
    forward: some RecurrentCell, backward: some RecurrentCell, merging: Merging = .concatenate,
    regularization: Regularization = .none
  ) {
    demand(
      forward.inputSize == backward.inputSize,
      "Bidirectional: forward takes \(forward.inputSize) values, backward \(backward.inputSize)")
    self.forward = Recurrent(forward, regularization: regularization)
    self.backward = Recurrent(backward, direction: .backward, regularization: regularization)
    self.merging = merging
    let (ahead, back) = (forward.outputSize, backward.outputSize)
    demand(
      merging == .concatenate || ahead == back,
      "Bidirectional: forward gives \(ahead) values, backward \(back): merging by \(merging) needs equal sizes")
  }

  /// Values in a time step of the input.
  public var inputSize: Int { forward.inputSize }
  /// Values in a time step of the output.
  public var outputSize: Int {
    merging == .concatenate ? forward.outputSize + backward.outputSize : forward.outputSize
  }

  /// The initial states of both cells.
  public func initialState(batch: Int) -> LayerState {
    joined(forward.initialState(batch: batch), backward.initialState(batch: batch))
  }

  /// Runs both directions. Traps when the state is not one of this layer.
  public func callAsFunction(_ input: SequenceBatch, from state: LayerState, in evaluation: inout Evaluation) -> (
    output: SequenceBatch, state: LayerState
  ) {
    let (before, behind) = (state.state(of: "forward"), state.state(of: "backward"))
    demand(
      before.parts.count + behind.parts.count == state.parts.count,
      "Bidirectional: a state of parts \(state.parts.map(\.name)), not of forward and backward")
    let ahead = LayerPath.entering("forward") { forward(input, from: before, in: &evaluation) }
    let back = LayerPath.entering("backward") { backward(input, from: behind, in: &evaluation) }
    let rows = merging(ahead.output.rows, back.output.rows)
    return (input.replacingRows(with: rows), joined(ahead.state, back.state))
  }

  private func joined(_ forward: LayerState, _ backward: LayerState) -> LayerState {
    LayerState(joining: [("forward", forward), ("backward", backward)])
  }
}
