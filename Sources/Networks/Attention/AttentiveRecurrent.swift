import Recurrence
import Synchronization
import Tensors

/// A recurrent layer of any cell that looks at memories at every time step: a decoder over the outputs of an encoder,
/// a captioner over the places of a picture.
///
///     let decoder = AttentiveRecurrent(
///       inputSize: 64, order: .before,
///       attentions: [Attention(.additive(size: 128), querySize: 256, memorySize: 512, using: &random)],
///       using: &random
///     ) { GRU(inputSize: $0, hiddenSize: 256, using: &$1) }
///     let encoded = encoder(source).output
///     let layer = decoder.attending(to: encoded)           // a SequenceLayer: stack it, stream it
///     let result = layer.run(target, from: state, in: &evaluation)
///     result.weights[0]                                    // where it looked at each time step
///
/// Memories have lengths of their own, one sequence for each of the batch; an empty one gives zeros. There may be more
/// than one, each with its ``Attention``.
public struct AttentiveRecurrent<Cell: RecurrentCell>: Module {
  /// When a step looks.
  public enum Order: Hashable, Sendable {
    /// With the first part of the state before the step (`hidden`) as the query; the cell reads [x, c]. The output is
    /// [cell's output, c] (Bahdanau et al. 2015).
    ///
    ///     c = read(h);  h' = cell([x, c], h);  y = [h', c]
    case before
    /// With the cell's output as the query. The output is of the cell's size. With `inputFeeding` the cell reads
    /// [x, y of the step before], where y is a further part of the state, `attended` (Luong et al. 2015).
    ///
    ///     h' = cell(x, h);  c = read(h');  y = tanh(W [c, h'])
    case after(inputFeeding: Bool)
  }
  /// The equations of one step.
  public let cell: Cell
  /// When a step looks.
  public let order: Order
  /// How it looks, for each memory.
  public let attentions: [Attention]
  /// W of `.after`.
  public let combine: Linear?
  /// Values in a time step of the input.
  public let inputSize: Int
  /// Noise and normalisation inside the step.
  public let regularization: Regularization
  /// What layer normalisation has learnt; empty without it.
  public private(set) var norms = ProductNorms()
  private let recurrences = Recurrences()

  /// A layer whose cell `make` creates for the input that it will have: with `.before` `inputSize` and the sizes of all
  /// memories, with input feeding `inputSize` and the size of the cell's output.
  ///
  /// Traps without an attention, for a rate that cannot be, or when a query's size is not that of the cell's first part
  /// of the state or, with `.after`, of its output. With input feeding `make` is called a first time to find that size.
  public init(
    inputSize: Int, order: Order = .before, attentions: [Attention], regularization: Regularization = .none,
    using random: inout RandomSource, cell make: (_ inputSize: Int, _ random: inout RandomSource) -> Cell
  ) {
    demand(!attentions.isEmpty, "AttentiveRecurrent: no attention; a plain layer is Recurrent")
    let read = attentions.reduce(0) { $0 + $1.memorySize }
    switch order {
    case .before: cell = make(inputSize + read, &random)
    case .after(let feeds):
      var untouched = random
      cell = make(feeds ? inputSize + make(inputSize, &untouched).outputSize : inputSize, &random)
    }
    let outputSize = cell.outputSize
    combine =
      order == .before ? nil : Linear(inputs: read + outputSize, outputs: outputSize, bias: false, using: &random)
    (self.inputSize, self.order, self.attentions) = (inputSize, order, attentions)
    self.regularization = regularization
    let asked = order == .before ? Self.stateWidths(cell)[0] : outputSize
    for attention in attentions {
      demand(
        attention.querySize == asked,
        "AttentiveRecurrent: a query has \(attention.querySize) values, \(Cell.self) gives one of \(asked)")
    }
    if let fault = regularization.fault(parts: partNames) { mistake("AttentiveRecurrent: \(fault.message)") }
    if regularization.normalizesLayers {
      var own = ProductNorms()
      _ = recurrence(places: attentions.map { _ in 2 }) { own.append($0, of: self) }
      norms = own
    }
  }

  private static func stateWidths(_ cell: Cell) -> [Int] {
    Recording.$current.withValue(.none) { cell.initialState(batch: 1).tensors.map(\.shape.last) }
  }

  /// Values in a time step of the output.
  public var outputSize: Int {
    cell.outputSize + (order == .before ? attentions.reduce(0) { $0 + $1.memorySize } : 0)
  }

  /// The layer that looks at these memories, one for each attention: their sequences belong to those of the batch that
  /// it will get, in the same order. Where gradients are to flow into memories, it is called while they are recorded.
  ///
  /// Traps when there are more or fewer memories than attentions, of other sizes, or of different batches.
  public func attending(to memories: SequenceBatch...) -> Attending<Cell> { attending(to: memories) }

  /// The same for an array of memories.
  public func attending(to memories: [SequenceBatch]) -> Attending<Cell> {
    demand(
      memories.count == attentions.count,
      "AttentiveRecurrent: \(memories.count) memories for \(attentions.count) attentions")
    let batches = Set(memories.map(\.layout.batch))
    demand(batches.count == 1, "AttentiveRecurrent: memories of batches of \(batches.sorted()) sequences")
    let read = zip(memories, attentions).map { AttentionMemory($0, for: $1) }
    let recurrence = recurrences.recurrence(places: read.map(\.places)) { places in
      // The equations are the same for all places, and so is the order of their products.
      var rest = norms.values[...]
      return self.recurrence(places: places) { _ in
        let norm = rest.removeFirst()
        return (norm.gain, norm.shift)
      }
    }
    return Attending(layer: self, memories: read, recurrence: recurrence)
  }

  /// The initial state: the cell's, and zeros as what was attended to before.
  public func initialState(batch: Int) -> LayerState {
    let state = cell.initialState(batch: batch)
    var parts = zip(state.names, state.tensors).map { LayerState.Part(name: $0, tensor: $1) }
    if feedsInput { parts.append(LayerState.Part(name: "attended", tensor: .zeros([batch, cell.outputSize]))) }
    return LayerState(parts: parts)
  }

  private var feedsInput: Bool { order == .after(inputFeeding: true) }

  private var partNames: [String] {
    Recording.$current.withValue(.none) { initialState(batch: 0).parts.map(\.name) }
  }

  private func recurrence(
    places: [Int], norms: (NormalizedProduct) -> (gain: Parameter, shift: Parameter)
  ) -> RegularizedRecurrence {
    let step = step(places: places)
    return regularization.recurrence(of: step, plain: Unroller(step), parts: partNames, norms: norms)
  }

  /// One step for memories of so many places. Contexts: keys, values and mask of each memory.
  private func step(places: [Int]) -> StepFunction {
    let template = Recording.$current.withValue(.none) { cell.initialState(batch: 1) }
    let fed = feedsInput ? [cell.outputSize] : []
    let contexts = zip(attentions, places).flatMap { attention, places in
      [
        StepFunction.Context(width: places * attention.keySize, hasGradient: true),
        .init(width: places * attention.memorySize), .init(width: places, hasGradient: false),
      ]
    }
    return StepFunction(
      inputWidths: [inputSize], stateWidths: template.tensors.map(\.shape.last) + fed, contexts: contexts
    ) { arguments in
      let state = template.replacing(Array(arguments.states.prefix(template.tensors.count)))
      func look(_ query: Tensor) -> [(read: Tensor, weights: Tensor)] {
        attentions.enumerated().map { i, attention in
          let own = arguments.contexts[3 * i..<3 * i + 3]
          return attention.read(
            query, keys: own[own.startIndex], values: own[own.startIndex + 1], mask: own[own.startIndex + 2])
        }
      }
      guard let combine else {
        let looks = look(arguments.states[0])
        let result = cell.step(concatenated(arguments.inputs + looks.map(\.read)), state)
        return ([concatenated([result.output] + looks.map(\.read))] + looks.map(\.weights), result.state.tensors)
      }
      let result = cell.step(concatenated(arguments.inputs + (feedsInput ? [arguments.states.last!] : [])), state)
      let looks = look(result.output)
      let output = tanh(combine(concatenated(looks.map(\.read) + [result.output])))
      return ([output] + looks.map(\.weights), result.state.tensors + (feedsInput ? [output] : []))
    }
  }

  /// The compiled steps, by the places of the memories.
  private final class Recurrences: Sendable {
    private let known = Mutex<[[Int]: RegularizedRecurrence]>([:])

    func recurrence(places: [Int], make: ([Int]) -> RegularizedRecurrence) -> RegularizedRecurrence {
      known.withLock { known in
        if let recurrence = known[places] { return recurrence }
        let recurrence = make(places)
        known[places] = recurrence
        return recurrence
      }
    }
  }
}

/// An ``AttentiveRecurrent`` with the memories of a batch to look at.
public struct Attending<Cell: RecurrentCell>: SequenceLayer {
  /// The layer.
  public let layer: AttentiveRecurrent<Cell>
  let memories: [AttentionMemory]
  let recurrence: RegularizedRecurrence

  /// Values in a time step of the input.
  public var inputSize: Int { layer.inputSize }
  /// Values in a time step of the output.
  public var outputSize: Int { layer.outputSize }

  /// The layer's initial state.
  public func initialState(batch: Int) -> LayerState { layer.initialState(batch: batch) }

  private var contexts: [Tensor] { memories.flatMap { [$0.keys, $0.values, $0.mask] } }

  /// Runs the layer, and says where it looked: for each memory the weights of its places at each time step, the
  /// memory's longest length in a row; they sum to 1 over a sequence's own places. Traps when the state's parts are not
  /// the layer's, or when the memories belong to another number of sequences.
  public func run(_ input: SequenceBatch, from state: LayerState, in evaluation: inout Evaluation) -> (
    output: SequenceBatch, state: LayerState, weights: [SequenceBatch]
  ) {
    let names = initialState(batch: 0).parts.map(\.name)
    demand(
      state.parts.map(\.name) == names,
      "AttentiveRecurrent: the state has parts \(state.parts.map(\.name)), the layer has \(names)")
    demand(
      memories[0].mask.shape[0] == input.layout.batch,
      "AttentiveRecurrent: memories of \(memories[0].mask.shape[0]) sequences for a batch of \(input.layout.batch)")
    let source = input.dropped(layer.regularization.inputDropout, in: &evaluation)
    let result = recurrence(
      [source.rows], states: state.parts.map(\.tensor), contexts: contexts, layout: input.layout, evaluation.unrolling,
      checkpointing: evaluation.checkpointing, precision: evaluation.precision, random: &evaluation.random)
    let parts = zip(names, result.states).map { LayerState.Part(name: $0, tensor: $1) }
    let weights = zip(result.outputs.dropFirst(), memories).map { weights, memory in
      input.replacingRows(with: weights.features(0..<memory.time))
    }
    let output = input.replacingRows(with: result.outputs[0])
      .dropped(layer.regularization.outputDropout, in: &evaluation)
    return (output, LayerState(parts: parts), weights)
  }

  /// Runs the layer without telling where it looked.
  public func callAsFunction(_ input: SequenceBatch, from state: LayerState, in evaluation: inout Evaluation) -> (
    output: SequenceBatch, state: LayerState
  ) {
    let result = run(input, from: state, in: &evaluation)
    return (result.output, result.state)
  }
}

extension Attending: StreamingLayer {
  package func stream(from state: LayerState, precision: Precision) -> any LayerStream {
    recurrence.inference.stream(from: state.parts.map(\.tensor), contexts: contexts, precision: precision)
  }
}

/// An ``AttentiveRecurrent`` of any cell.
public protocol AttentiveLayer: Module {
  /// Values in a time step of the input, of the output.
  var inputSize: Int { get }
  var outputSize: Int { get }
  /// The state before the first time step.
  func initialState(batch: Int) -> LayerState
  /// The layer that looks at these memories.
  func anyAttending(to memories: [SequenceBatch]) -> any AttendingLayer
}

/// An ``Attending`` of any cell.
public protocol AttendingLayer: SequenceLayer {
  /// Runs the layer, and says where it looked: see ``Attending/run(_:from:in:)``.
  func run(_ input: SequenceBatch, from state: LayerState, in evaluation: inout Evaluation) -> (
    output: SequenceBatch, state: LayerState, weights: [SequenceBatch]
  )
}

extension Attending: AttendingLayer {}

extension AttentiveRecurrent: AttentiveLayer {
  /// The layer that looks at these memories.
  public func anyAttending(to memories: [SequenceBatch]) -> any AttendingLayer { attending(to: memories) }
}

extension RecurrentCell {
  /// A layer of this cell that looks at memories before each step, and reads [x, c]; the cell takes that many values.
  public func attentive(
    inputSize: Int, attentions: [Attention], regularization: Regularization = .none, using random: inout RandomSource
  ) -> any AttentiveLayer {
    AttentiveRecurrent(
      inputSize: inputSize, attentions: attentions, regularization: regularization, using: &random
    ) { _, _ in self }
  }
}
