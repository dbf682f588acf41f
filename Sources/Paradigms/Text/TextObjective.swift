import Corpora
import Foundation
import Interchange
import Networks
import Recurrence
import Tensors
import Training

/// Training a language model on streams of text, by truncated backpropagation through time: each window starts from the
/// state that the one before left behind, and gradients stop at the window's beginning.
public struct TextObjective: Objective {
  /// The model.
  public let network: TextNetwork
  private let streams: TokenStreams
  private let validation: Tokens?
  private let sampling: SampledSoftmax?
  private let seed: UInt64
  /// The streams of the running epoch.
  private var current: TokenStreams
  private var position: Position
  private var state: LayerState

  private struct Position: Codable {
    var epoch = 0
    var window = 0
    var random: RandomSource
  }

  /// An objective.
  ///
  /// - Parameters:
  ///   - streams: What to train on.
  ///   - validation: What to judge an epoch by.
  ///   - sampling: What samples the tokens that are scored while training; nil: all are.
  ///   - seed: Decides the dropout masks, and where each epoch's rows begin.
  public init(
    _ network: TextNetwork, streams: TokenStreams, validation: Tokens?, sampling: SampledSoftmax? = nil, seed: UInt64
  ) {
    self.network = network
    self.streams = streams
    self.validation = validation
    self.sampling = sampling
    self.seed = seed
    current = streams
    position = Position(random: RandomSource(seed: seed, stream: 1))
    state = network.initialState(batch: streams.batch)
  }

  /// Windows of an epoch.
  public var updatesPerEpoch: Int { streams.windowCount }

  /// Goes to the beginning of the epoch's streams, with the initial state.
  public mutating func beginEpoch(_ epoch: Int) {
    current = streams.epoch(epoch, seed: seed)
    position.epoch = epoch
    position.window = 0
    state = network.initialState(batch: streams.batch)
  }

  /// The mean loss of the next window's characters, in nats.
  public mutating func nextLoss() -> Loss {
    let window = current.window(position.window)
    position.window += 1
    var evaluation = Evaluation.training(position.random)
    let (sum, carried) = network.summedLoss(of: window, from: state, sampling: sampling, in: &evaluation)
    position.random = evaluation.random ?? position.random
    state = carried.detached
    return Loss(mean: sum / Float(max(1, window.targetCount)), units: window.targetCount)
  }

  /// Keeps recurrent weights within their cell's limit for gradients over a window.
  public mutating func afterUpdate() { network.limitRecurrent(steps: streams.length) }

  /// Begins the next window without a state: the one that was carried may not be finite.
  public mutating func afterSkippedUpdate() { state = network.initialState(batch: streams.batch) }

  /// The mean loss per character of the validation text.
  public func validationLoss() throws -> Double? {
    try validation.map { try network.meanLoss(of: $0, source: "the validation part") }
  }

  /// Epoch, window, random numbers and the carried state.
  public var snapshot: ObjectiveSnapshot {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    // Three numbers and a random source are always JSON.
    let values = (try? encoder.encode(position)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    return ObjectiveSnapshot(tensors: state.parts.map { ($0.name, $0.tensor) }, values: values)
  }

  /// Goes back to a snapshot. Throws when it is one of another network or text.
  public mutating func restore(_ snapshot: ObjectiveSnapshot) throws {
    let position = try StrictJSON.decode(Position.self, from: Data(snapshot.values.utf8), path: "checkpoint")
    // Nor may the random source come to its end: a hostile file could say that it is there.
    guard position.epoch >= 0, position.window >= 0, position.window <= streams.windowCount,
      position.random.position < 1 << 62
    else {
      throw UnrollError(
        .invalidData,
        "the checkpoint stands at window \(position.window) of epoch \(position.epoch), "
          + "but an epoch has \(streams.windowCount) windows",
        hint: "resume with the text, --length and --batch that the training began with")
    }
    let known = Dictionary(snapshot.tensors.map { ($0.name, $0.tensor) }, uniquingKeysWith: { first, _ in first })
    let parts = try state.parts.map { part in
      guard let tensor = known[part.name], tensor.shape == part.tensor.shape else {
        throw UnrollError(
          .invalidData,
          "the checkpoint's state `\(part.name)` is \(known[part.name]?.shape.description ?? "missing"), "
            + "and should be \(part.tensor.shape)",
          hint: "resume with the model and --batch that the training began with")
      }
      return LayerState.Part(name: part.name, tensor: tensor)
    }
    self.position = position
    state = LayerState(parts: parts)
    current = streams.epoch(position.epoch, seed: seed)
  }
}

extension TextNetwork {
  /// The summed loss of a window's targets, in nats, and the state where the next window begins.
  func summedLoss(
    of window: TokenWindow, from state: LayerState, sampling: SampledSoftmax? = nil, in evaluation: inout Evaluation
  ) -> (sum: Tensor, carried: LayerState) {
    func part(_ steps: Range<Int>, from state: LayerState) -> (sum: Tensor, carried: LayerState) {
      summedLoss(of: window, steps: steps, from: state, sampling: sampling, in: &evaluation)
    }
    guard window.carry < window.time else { return part(0..<window.time, from: state) }
    let first = part(0..<window.carry, from: state)
    let second = part(window.carry..<window.time, from: first.carried)
    return (first.sum + second.sum, first.carried)
  }

  private func summedLoss(
    of window: TokenWindow, steps: Range<Int>, from state: LayerState, sampling: SampledSoftmax?,
    in evaluation: inout Evaluation
  ) -> (sum: Tensor, carried: LayerState) {
    let layout = Layout(lengths: window.lengths.map { min(max(0, $0 - steps.lowerBound), steps.count) })
    let own = steps.lowerBound * window.batch..<steps.upperBound * window.batch
    let inputs = TokenBatch(tokens: Array(window.inputs[own]), layout: layout)
    let targets = TokenBatch(tokens: Array(window.targets[own]), layout: layout)
    let result = summedLoss(of: targets, after: inputs, from: state, sampling: sampling, in: &evaluation)
    return (result.sum, result.state)
  }

  /// The mean loss per token of a text, in nats, without dropout: every token but the first is asked for once.
  ///
  /// The text is read in up to `batch` parallel parts, each beginning without context.
  package func meanLoss(
    of tokens: Tokens, batch: Int = 16, length: Int = 256, source: String, precision: Precision = .float32
  ) throws(UnrollError) -> Double {
    let losses = try losses(of: tokens, batch: batch, length: length, source: source, precision: precision)
    return losses.reduce(0) { $0 + $1.sum } / Double(losses.reduce(0) { $0 + $1.count })
  }

  /// The summed losses of a text's tokens, window by window, and how many tokens each is a sum over; see
  /// ``meanLoss(of:batch:length:source:precision:)``.
  func losses(
    of tokens: Tokens, batch: Int, length: Int, source: String, precision: Precision = .float32
  ) throws(UnrollError) -> [(sum: Double, count: Int)] {
    let streams = try TokenStreams(scoring: tokens, batch: batch, length: length, source: source)
    var state = initialState(batch: streams.batch)
    var evaluation = Evaluation.inference(precision)
    return (0..<streams.windowCount).map { index in
      let window = streams.window(index)
      let result = summedLoss(of: window, from: state, in: &evaluation)
      state = result.carried
      return (Double(result.sum.scalar), window.targetCount)
    }
  }
}
