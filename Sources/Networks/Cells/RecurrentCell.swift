import Tensors

/// The state that a cell hands from one time step to the next: a tensor, or a struct of tensors, each [batch, size].
///
///     struct State: RecurrentState {
///       var hidden, cell: Tensor
///       static var parts: [WritableKeyPath<State, Tensor>] { [\.hidden, \.cell] }
///     }
public protocol RecurrentState: Sendable {
  /// The tensors of the state, in the order in which they are listed, saved and named.
  static var parts: [WritableKeyPath<Self, Tensor>] { get }
}

extension Tensor: RecurrentState {
  /// The tensor itself.
  public static var parts: [WritableKeyPath<Tensor, Tensor>] { [\.self] }
}

extension RecurrentState {
  /// The tensors in order.
  package var tensors: [Tensor] { Self.parts.map { self[keyPath: $0] } }

  /// The state with other tensors, in the same order.
  package func replacing(_ tensors: [Tensor]) -> Self {
    var copy = self
    for (part, tensor) in zip(Self.parts, tensors) { copy[keyPath: part] = tensor }
    return copy
  }

  /// The property names in order; a state that is one tensor is `hidden`.
  package var names: [String] {
    if self is Tensor { return ["hidden"] }
    let labels = Mirror(reflecting: self).children.compactMap { $0.value is Tensor ? $0.label : nil }
    return labels.count == Self.parts.count ? labels : Self.parts.indices.map { "part\($0)" }
  }
}

/// A feedforward step with a cycle in it: the equations of one time step.
///
/// A cell is all one has to write for a new kind of recurrent layer; batches, lengths, time, direction and speed are
/// the business of ``Recurrent``. `step` is traced once with symbolic tensors, so it must be a function of its
/// arguments and the cell's parameters: it cannot look at values, and its operations must keep the rows of a batch
/// apart.
///
///     struct Leaky: RecurrentCell {
///       let mix: Linear          // takes [h, x]
///       let hiddenSize: Int
///       var inputSize: Int { mix.inputSize - hiddenSize }
///       func initialState(batch: Int) -> Tensor { .zeros([batch, hiddenSize]) }
///       func step(_ x: Tensor, _ h: Tensor) -> (output: Tensor, state: Tensor) {
///         let new = 0.9 * h + 0.1 * tanh(mix(concatenated(h, x)))
///         return (output: new, state: new)
///       }
///     }
public protocol RecurrentCell: Module {
  /// What is carried over time.
  associatedtype State: RecurrentState
  /// Values in a row of the input.
  var inputSize: Int { get }
  /// Values in a row of the output.
  var outputSize: Int { get }
  /// The state before the first time step of `batch` sequences, by convention zeros.
  func initialState(batch: Int) -> State
  /// One time step: input [batch, inputSize] and the state before, to output [batch, outputSize] and the state after.
  func step(_ input: Tensor, _ state: State) -> (output: Tensor, state: State)
}

extension RecurrentCell {
  /// Found by running one step.
  public var outputSize: Int {
    Recording.$current.withValue(.none) {
      step(.zeros([1, inputSize]), initialState(batch: 1)).output.shape.last
    }
  }
}

/// How the weights of a cell begin. Each product of a cell is with [h, x]: its columns for the state and those for the
/// input begin in ways of their own.
public struct CellInitialization: Hashable, Sendable, Codable {
  /// Columns for the input; Glorot's by default.
  public var input: Initializer
  /// Columns for the state; orthogonal by default.
  public var recurrent: Initializer

  /// Creates a choice.
  public init(input: Initializer = .glorotUniform, recurrent: Initializer = .orthogonal(gain: 1)) {
    self.input = input
    self.recurrent = recurrent
  }
}

extension Linear {
  /// A dense layer on [h, x]: weight [outputs, hidden + input]; every value of the bias begins as `bias`, nil: no bias.
  public init(
    hidden: Int, input: Int, outputs: Int, bias: Float? = 0, initialization: CellInitialization = CellInitialization(),
    using random: inout RandomSource
  ) {
    let recurrent = initialization.recurrent(outputs: outputs, inputs: hidden, using: &random)
    let rest = initialization.input(outputs: outputs, inputs: input, using: &random)
    self.init(
      weight: Parameter(concatenated(recurrent, rest)),
      bias: bias.map { Parameter(Tensor(shape: [outputs], repeating: $0)) })
  }
}

extension Linear {
  /// The dense layers of several gates as one, without a bias: weight [gates · outputs, inputs], each gate's part begun
  /// by itself.
  init(gates: Int, inputs: Int, outputs: Int, initializer: Initializer, using random: inout RandomSource) {
    let parts = (0..<gates).map { _ in initializer(outputs: outputs, inputs: inputs, using: &random) }
    self.init(weight: Parameter(Tensor.apply(.concatenate(.rows), parts)), bias: nil)
  }
}
