import Tensors

/// The initial state of a layer from a vector, or from the final state of another layer, whatever the sizes of both
/// (Bahdanau et al. 2015): for each part of the state
///
///     s = tanh(W · v + b)
///
///     let bridge = Bridge(from: encoder, to: decoder, using: &random)     // from all parts of the encoder's state
///     decoder(target, from: bridge(encoder(source).state), in: &evaluation)
///
///     let bridge = Bridge(inputSize: 512, to: decoder, using: &random)    // from features of a picture
///     decoder(caption, from: bridge(features), in: &evaluation)
///
/// Gradients flow through it. Where names and sizes of both states are equal nothing has to be learnt, and none is
/// needed: `decoder(target, from: encoder(source).state, in: &evaluation)`.
public struct Bridge: Module {
  /// What gives each part of the state, [size of the part, ``inputSize``], under the part's name.
  public let maps: Maps
  /// Values in a vector.
  public let inputSize: Int
  /// The parts that are read of a state, in this order; empty: a vector is read.
  private let sources: [String]
  /// The state that the layer begins with by itself, for one sequence.
  private let own: LayerState

  /// Dense layers by the names of the parts that they give.
  public struct Maps: Module, CustomReflectable {
    /// The parts' names, as in ``LayerState``.
    public let names: [String]
    /// One layer for each name.
    public let layers: [Linear]

    /// The layer that gives this part; nil when there is none.
    public subscript(name: String) -> Linear? { zip(names, layers).first { $0.0 == name }?.1 }

    /// Shows the layers under the names of their parts.
    public var customMirror: Mirror { Mirror(self, children: zip(names, layers).map { ($0, $1) }) }
  }

  /// A bridge from vectors of `inputSize` values. Weights are Glorot's, biases begin as 0.
  public init(inputSize: Int, to layer: any SequenceLayer, using random: inout RandomSource) {
    self.init(inputSize: inputSize, sources: [], to: layer, using: &random)
  }

  /// A bridge from the final states of a layer: all their parts, one after the other in the order of ``LayerState``.
  public init(from source: any SequenceLayer, to layer: any SequenceLayer, using random: inout RandomSource) {
    let parts = Recording.$current.withValue(.none) { source.initialState(batch: 1) }.parts.filter { !$0.isCounter }
    demand(!parts.isEmpty, "Bridge: the layer that it comes from has no state")
    self.init(
      inputSize: parts.reduce(0) { $0 + $1.tensor.shape.last }, sources: parts.map(\.name), to: layer, using: &random)
  }

  private init(
    inputSize: Int, sources: [String], to layer: any SequenceLayer, using random: inout RandomSource
  ) {
    own = Recording.$current.withValue(.none) { layer.initialState(batch: 1) }.detached
    let parts = own.parts.filter { !$0.isCounter }
    maps = Maps(
      names: parts.map(\.name),
      layers: parts.map { Linear(inputs: inputSize, outputs: $0.tensor.shape.last, using: &random) })
    self.inputSize = inputSize
    self.sources = sources
  }

  /// The state for vectors [batch, inputSize].
  public func callAsFunction(_ vector: Tensor) -> LayerState {
    demand(
      vector.shape.rank == 2 && vector.shape[1] == inputSize,
      "Bridge: a vector \(vector.shape) should be [batch, \(inputSize)]")
    return LayerState(
      parts: own.parts.map { part in
        let (batch, size) = (vector.shape[0], part.tensor.shape.last)
        let tensor = maps[part.name].map { tanh($0(vector)) } ?? part.tensor.applying(.broadcast(to: [batch, size]))
        return LayerState.Part(name: part.name, tensor: tensor, isCounter: part.isCounter)
      })
  }

  /// The state for the final state of the layer that the bridge comes from. Traps when it has not its parts.
  public func callAsFunction(_ state: LayerState) -> LayerState {
    let parts = sources.map { name in
      guard let tensor = state[name] else {
        mistake("Bridge: a state of \(state.parts.map(\.name)) has no `\(name)`")
      }
      return tensor
    }
    demand(!parts.isEmpty, "Bridge: made for vectors of \(inputSize) values, not for a state")
    return self(concatenated(parts))
  }
}
