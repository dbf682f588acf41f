import Unroll

/// A network that nobody has fused by hand: an invented cell, three layers deep, with everything that usually takes a
/// network off a library's fast way.
///
///     Bidirectional(Tide, Tide), summed       zoneout
///     Residual(Tide)                          zoneout, layer normalisation
///     AttentiveRecurrent(Tide)                attention over 16 places at each step, zoneout
enum InventedNetwork {
  static let places = 16
  static let layers = 3

  static func stack(_ row: RecurrentRow) -> Stack {
    let size = row.hidden
    let zeros = CellInitialization(input: .zeros, recurrent: .zeros)
    var random = RandomSource(seed: 1)
    func tide(_ input: Int, _ random: inout RandomSource) -> Tide {
      Tide(inputSize: input, hiddenSize: size, initialization: zeros, using: &random)
    }
    let zoneout = Regularization(zoneout: 0.1)
    let both = Bidirectional(
      forward: tide(size, &random), backward: tide(size, &random), merging: .sum, regularization: zoneout)
    let normalised = Recurrent(
      tide(size, &random), regularization: Regularization(zoneout: 0.1, normalizesLayers: true))
    let attentive = AttentiveRecurrent(
      inputSize: size, attentions: [Attention(.dot, querySize: size, memorySize: size, using: &random)],
      regularization: zoneout, using: &random, cell: tide)
    RecurrentBenchmark.setByFormula(both, 1, size: size)
    RecurrentBenchmark.setByFormula(normalised.cell, 2, size: size)
    RecurrentBenchmark.setByFormula(attentive, 3, size: size)
    let memory = SequenceBatch(
      values: BenchNoise.tensor([places, row.batch, size], salt: BenchNoise.input),
      lengths: [Int](repeating: places, count: row.batch))
    return Stack([both, Residual(normalised), attentive.attending(to: memory)])
  }

  /// Multiply-adds of a time step: four cells, the last of which reads [x, c], and scores and sums of the attention.
  static func multiplyAdds(hidden: Int) -> Int {
    let cell = 3 * hidden
    return 3 * cell * 2 * hidden + cell * 3 * hidden + 2 * places * hidden
  }
}

/// The cell that no library has: a slow memory that the state is read from.
///
///     a  = σ(Wa·[h, x] + ba)            how much moves
///     m' = m + a * (tanh(Wm·[h, x] + bm) - m)
///     h' = (1 - a) * h + a * tanh(W·[m', x] + b)
struct Tide: RecurrentCell {
  struct State: RecurrentState {
    var hidden, memory: Tensor
    static var parts: [WritableKeyPath<State, Tensor>] { [\.hidden, \.memory] }
  }
  let rate: Linear
  let memory: Linear
  let hidden: Linear

  init(inputSize: Int, hiddenSize: Int, initialization: CellInitialization, using random: inout RandomSource) {
    func layer() -> Linear {
      Linear(
        hidden: hiddenSize, input: inputSize, outputs: hiddenSize, initialization: initialization, using: &random)
    }
    (rate, memory, hidden) = (layer(), layer(), layer())
  }

  var hiddenSize: Int { rate.outputSize }
  var inputSize: Int { rate.inputSize - hiddenSize }

  func initialState(batch: Int) -> State {
    State(hidden: .zeros([batch, hiddenSize]), memory: .zeros([batch, hiddenSize]))
  }

  func step(_ x: Tensor, _ previous: State) -> (output: Tensor, state: State) {
    let hx = concatenated(previous.hidden, x)
    let a = sigmoid(rate(hx))
    let m = previous.memory + a * (tanh(memory(hx)) - previous.memory)
    let new = (1 - a) * previous.hidden + a * tanh(hidden(concatenated(m, x)))
    return (output: new, state: State(hidden: new, memory: m))
  }
}
