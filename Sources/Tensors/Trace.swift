import Synchronization

/// What a node of a trace stands for when it is not an operation.
package enum Leaf: Hashable, Sendable {
  /// The step's input number `index`.
  case input(Int)
  /// Part `index` of the state before the step.
  case state(Int)
  /// Context number `index`: a row for each sequence, the same at all its time steps.
  case context(Int)
  /// A learnt or constant value, the same at every time step.
  case parameter(ParameterReference)
  case constant(Int)
  /// A value computed once per run from parameters and constants: weight number `index` of a plan.
  case weight(Int)
  /// In an adjoint: the value of the forward graph's node.
  case saved(Int)
  /// In an adjoint: the cotangent of output `index`, of part `index` of the state after the step.
  case outputCotangent(Int)
  case stateCotangent(Int)

  /// Whether the value has one row for each sequence of the batch.
  package var hasRows: Bool {
    switch self {
    case .input, .state, .context, .saved, .outputCotangent, .stateCotangent: true
    case .parameter, .constant, .weight: false
    }
  }
}

/// A parameter by identity.
package struct ParameterReference: Hashable, Sendable {
  package let parameter: Parameter
  package init(_ parameter: Parameter) { self.parameter = parameter }
  package static func == (a: Self, b: Self) -> Bool { a.parameter === b.parameter }
  package func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(parameter)) }
}

/// A symbolic tensor's identity: a node of a trace.
package struct Symbol: Sendable {
  package let trace: Trace
  package let node: Int
}

/// Records the operations on symbolic tensors as nodes, once, while a step's equations run.
package final class Trace: Sendable {
  package enum Source: Hashable, Sendable {
    case leaf(Leaf)
    case operation(Operation, [Int])
  }
  package struct Node: Sendable {
    package let source: Source
    package let shape: Shape
  }
  private struct State {
    var nodes: [Node] = []
    var numbers: [Source: Int] = [:]
    var constants: [Tensor] = []
  }
  private let state = Mutex(State())

  package init() {}

  package var nodes: [Node] { state.withLock { $0.nodes } }
  package var constants: [Tensor] { state.withLock { $0.constants } }

  /// The tensor of a leaf; the same leaf gives the same node.
  package func leaf(_ leaf: Leaf, shape: Shape) -> Tensor {
    Tensor(shape: shape, symbol: Symbol(trace: self, node: add(.leaf(leaf), shape)))
  }

  /// Adds an operation, or finds the node that computes the same already.
  package func apply(_ operation: Operation, _ operands: [Tensor], shape: Shape) -> Tensor {
    let numbers = operands.map(number)
    return Tensor(shape: shape, symbol: Symbol(trace: self, node: add(.operation(operation, numbers), shape)))
  }

  /// The node of a tensor; a concrete one becomes a constant.
  package func number(_ tensor: Tensor) -> Int {
    if case .symbol(let symbol) = tensor.content {
      demand(symbol.trace === self, "a symbolic tensor of one trace is used in another")
      return symbol.node
    }
    return state.withLock { state in
      state.constants.append(tensor.detached)
      return Self.add(.leaf(.constant(state.constants.count - 1)), tensor.shape, &state)
    }
  }

  /// The tensor of a node.
  package func tensor(_ node: Int) -> Tensor {
    Tensor(shape: state.withLock { $0.nodes[node].shape }, symbol: Symbol(trace: self, node: node))
  }

  private func add(_ source: Source, _ shape: Shape) -> Int { state.withLock { Self.add(source, shape, &$0) } }

  private static func add(_ source: Source, _ shape: Shape, _ state: inout State) -> Int {
    if let known = state.numbers[source] { return known }
    state.nodes.append(Node(source: source, shape: shape))
    state.numbers[source] = state.nodes.count - 1
    return state.nodes.count - 1
  }
}
