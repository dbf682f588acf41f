import Tensors

/// The LSTM's variants, each by itself or together; without any it is the ``LSTM``:
///
///     i  = σ(Wi·[h, x] + bi + pi * C)
///     f  = σ(Wf·[h, x] + bf + pf * C)
///     C' = f * C + i * tanh(Wc·[h, x] + bc)
///     o  = σ(Wo·[h, x] + bo + po * C')
///     h' = o * tanh(C')
///
/// - Peepholes, the vectors pi, pf and po: gates see their own unit's memory (Gers & Schmidhuber 2000).
/// - Coupled gates: f = 1 - i, what is forgotten is what is written (Greff et al. 2015).
/// - A projection, h' = P·(o * tanh(C')): a state that is smaller than the memory (Sak, Senior & Beaufays 2014).
/// - A cell clip, C' kept in -clip…clip, before o and h' see it (Sak et al. 2014).
///
/// Input [batch, inputSize], memory C [batch, hiddenSize], state and output h [batch, projection or hiddenSize]. The
/// state begins as zeros, the forget gate's bias as 1, other biases and peepholes as 0.
///
///     let options = VariantLSTM.Options(peepholes: true, projection: 5)
///     let layer = Recurrent(VariantLSTM(inputSize: 3, hiddenSize: 8, options: options, using: &random))
public struct VariantLSTM: RecurrentCell {
  /// Which variants; none by default.
  public struct Options: Hashable, Sendable, Codable {
    /// Whether gates see their unit's memory.
    public var peepholes: Bool
    /// Whether the forget gate is 1 minus the input gate.
    public var couplesGates: Bool
    /// Values of the hidden state; nil: it is not projected.
    public var projection: Int?
    /// The largest magnitude of the memory; nil: it has none.
    public var cellClip: Float?

    /// A choice of variants.
    public init(peepholes: Bool = false, couplesGates: Bool = false, projection: Int? = nil, cellClip: Float? = nil) {
      self.peepholes = peepholes
      self.couplesGates = couplesGates
      self.projection = projection
      self.cellClip = cellClip
    }
  }

  /// A gate before its σ.
  public struct Gate: Module {
    /// [hiddenSize, h and x].
    public let weight: Parameter
    /// [hiddenSize].
    public let bias: Parameter
    /// [hiddenSize]; nil: the gate does not see the memory.
    public let peephole: Parameter?

    func callAsFunction(_ hx: Tensor, _ cell: Tensor) -> Tensor {
      let sum = matmul(hx, weight.tensor, transposeB: true) + bias.tensor
      return peephole.map { sum + $0.tensor * cell } ?? sum
    }
  }

  /// Hidden state and memory, as in an ``LSTM``; the hidden state may be projected.
  public typealias State = LSTM.State

  /// Which variants.
  public let options: Options
  /// The forget gate; nil: it is coupled to the input gate.
  public let forget: Gate?
  /// The input gate.
  public let input: Gate
  /// The output gate.
  public let output: Gate
  /// What is new, before its tanh, a layer on [h, x].
  public let candidate: Linear
  /// P, without a bias; nil: none.
  public let projection: Linear?

  /// A new cell. Recurrent columns begin orthogonal, the others and P Glorot's. Traps when a clip is not above 0.
  public init(
    inputSize: Int, hiddenSize: Int, options: Options = Options(), forgetBias: Float = 1,
    initialization: CellInitialization = CellInitialization(), using random: inout RandomSource
  ) {
    if let clip = options.cellClip { demand(clip > 0, "VariantLSTM: a cell clip of \(clip), and it must be above 0") }
    func layer() -> Linear {
      Linear(
        hidden: options.projection ?? hiddenSize, input: inputSize, outputs: hiddenSize,
        initialization: initialization, using: &random)
    }
    func gate(bias: Float = 0) -> Gate {
      let peephole = options.peepholes ? Parameter(.zeros([hiddenSize])) : nil
      return Gate(
        weight: layer().weight, bias: Parameter(Tensor(shape: [hiddenSize], repeating: bias)), peephole: peephole)
    }
    self.options = options
    forget = options.couplesGates ? nil : gate(bias: forgetBias)
    input = gate()
    output = gate()
    candidate = layer()
    projection = options.projection.map { Linear(inputs: hiddenSize, outputs: $0, bias: false, using: &random) }
  }

  /// Values of the memory.
  public var hiddenSize: Int { candidate.outputSize }
  /// Values in a row of the input.
  public var inputSize: Int { candidate.inputSize - outputSize }
  /// Values of the hidden state, which is the output.
  public var outputSize: Int { projection?.outputSize ?? hiddenSize }

  /// Zeros [batch, outputSize] and [batch, hiddenSize].
  public func initialState(batch: Int) -> State {
    State(hidden: .zeros([batch, outputSize]), cell: .zeros([batch, hiddenSize]))
  }

  /// The equations.
  public func step(_ x: Tensor, _ previous: State) -> (output: Tensor, state: State) {
    let hx = concatenated(previous.hidden, x)
    let i = sigmoid(input(hx, previous.cell))
    let f = forget.map { sigmoid($0(hx, previous.cell)) } ?? 1 - i
    let cell = clipped(f * previous.cell + i * tanh(candidate(hx)))
    let o = sigmoid(output(hx, cell))
    let hidden = projected(o * tanh(cell))
    return (output: hidden, state: State(hidden: hidden, cell: cell))
  }

  private func projected(_ hidden: Tensor) -> Tensor { projection.map { $0(hidden) } ?? hidden }

  private func clipped(_ cell: Tensor) -> Tensor {
    guard let clip = options.cellClip else { return cell }
    let least = Tensor([-clip])
    return maximum(-maximum(-cell, least), least)
  }
}
