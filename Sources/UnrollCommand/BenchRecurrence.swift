import Foundation
import Unroll

/// A row of `unroll bench recurrent`, ready to be measured: its network built, run once, and its numbers taken.
final class RecurrentBenchmark {
  let row: RecurrentRow
  /// The same in float32, which a row of fewer bits is held against.
  let float32: RecurrentBenchmark?
  /// Sum, sum of squares and projection of the outputs; of the gradients, where there are any.
  let checks: [String: [Double]]
  private let work: () -> Void

  init(_ row: RecurrentRow) {
    self.row = row
    float32 = row.inFloat32.map(RecurrentBenchmark.init)
    (checks, work) = Self.prepare(row)
  }

  /// The median time of a run in milliseconds: warmed up, at least five runs, and a quarter of a second of them.
  func measure() -> Double {
    let clock = ContinuousClock()
    func seconds() -> Double { clock.measure(work) / .seconds(1) }
    let warm = clock.now + .milliseconds(30)
    work()
    while clock.now < warm { work() }
    var times: [Double] = []
    var total = 0.0
    while times.count < 5 || (total < 0.25 && times.count < 20_000) {
      times.append(seconds())
      total += times[times.count - 1]
    }
    return 1000 * KernelBenchmark.median(times)
  }

  // MARK: Networks

  private static func prepare(_ row: RecurrentRow) -> (checks: [String: [Double]], work: () -> Void) {
    let size = row.hidden
    // Every parameter is set afterwards; orthogonal matrices would take their time.
    let zeros = CellInitialization(input: .zeros, recurrent: .zeros)
    var random = RandomSource(seed: 1)
    func cells<Cell>(_ make: (inout RandomSource) -> Cell) -> [Cell] { (0..<row.layers).map { _ in make(&random) } }
    switch row.cell {
    case .elman:
      return prepare(row, cells { Elman(inputSize: size, hiddenSize: size, initialization: zeros, using: &$0) })
    case .gru:
      return prepare(row, cells { GRU(inputSize: size, hiddenSize: size, initialization: zeros, using: &$0) })
    case .gruResetAfter:
      return prepare(
        row, cells { GRU(.resetAfter, inputSize: size, hiddenSize: size, initialization: zeros, using: &$0) })
    case .lstm:
      return prepare(row, cells { LSTM(inputSize: size, hiddenSize: size, initialization: zeros, using: &$0) })
    case .tide:
      return prepare(row, cells { Tide(inputSize: size, hiddenSize: size, initialization: zeros, using: &$0) })
    }
  }

  private static func prepare<Cell: RecurrentCell>(_ row: RecurrentRow, _ cells: [Cell]) -> (
    checks: [String: [Double]], work: () -> Void
  ) {
    for (layer, cell) in cells.enumerated() {
      for (place, named) in cell.parameters.enumerated() {
        named.parameter.value = BenchNoise.tensor(
          named.parameter.shape, salt: BenchNoise.layer * (layer + 1) + place, scale: 1 / Float(row.hidden).squareRoot()
        )
      }
    }
    let layers = cells.map { Recurrent($0) }
    if row.kind == .step { return steps(row, layers) }
    let input = SequenceBatch(
      values: BenchNoise.tensor([row.time, row.batch, row.hidden], salt: BenchNoise.input), lengths: row.lengths)
    return row.kind == .forward
      ? forward(Stack(layers), input, row.precision ?? .float32) : training(Stack(layers), input)
  }

  private static func forward(_ stack: Stack, _ input: SequenceBatch, _ precision: Precision) -> (
    checks: [String: [Double]], work: () -> Void
  ) {
    func output() -> SequenceBatch {
      var evaluation = Evaluation.inference(precision)
      return stack(input, from: stack.initialState(batch: input.layout.batch), in: &evaluation).output
    }
    return (["output": BenchNoise.checksum(output().values.values)], { _ = output() })
  }

  /// A stack whose input is watched like a parameter, so that its gradient is taken as well.
  private struct Trained: Module {
    let input: Parameter
    let stack: Stack
  }

  private static func training(_ stack: Stack, _ input: SequenceBatch) -> (
    checks: [String: [Double]], work: () -> Void
  ) {
    let trained = Trained(input: Parameter(input.rows), stack: stack)
    let parameters = stack.parameters.map(\.parameter)
    func gradients() -> Gradients {
      // As after an update: weights have to be packed again.
      for parameter in parameters { parameter.update { _ in } }
      return valueAndGradient(of: trained) {
        stack(input.replacingRows(with: trained.input.tensor)).output.rows.sum()
      }.gradients
    }
    let first = gradients()
    let weights = parameters.filter { $0.shape.rank == 2 }.flatMap { first[$0]?.values ?? [] }
    let inputGradient = first[trained.input].map { input.replacingRows(with: $0).values.values } ?? []
    return (
      [
        "output": BenchNoise.checksum(stack(input).output.values.values),
        "inputGradient": BenchNoise.checksum(inputGradient),
        "weightGradient": BenchNoise.checksum(weights),
      ], { _ = gradients() }
    )
  }

  /// Steps of a session over sixteen inputs, again and again.
  private static func steps<Cell: RecurrentCell>(_ row: RecurrentRow, _ layers: [Recurrent<Cell>]) -> (
    checks: [String: [Double]], work: () -> Void
  ) {
    let count = 16
    let inputs = BenchNoise.tensor([count * row.batch, row.hidden], salt: BenchNoise.input)
    let session = Session(Stack(layers), precision: row.precision ?? .float32)
    let outputs = (0..<count).flatMap { session.push(inputs.rows($0..<$0 + 1)).values }
    let values = inputs.values
    var (next, output) = (0, [Float](repeating: 0, count: session.outputSize))
    return (
      ["output": BenchNoise.checksum(outputs)],
      {
        values.withUnsafeBufferPointer { all in
          output.withUnsafeMutableBufferPointer {
            session.push(UnsafeBufferPointer(rebasing: all[next * row.hidden..<(next + 1) * row.hidden]), into: $0)
          }
        }
        next = (next + 1) % count
      }
    )
  }
}

/// The cell that no library has: a slow memory that the state is read from.
///
///     a  = σ(Wa·[h, x] + ba)            how much moves
///     m' = m + a * (tanh(Wm·[h, x] + bm) - m)
///     h' = (1 - a) * h + a * tanh(W·[m', x] + b)
private struct Tide: RecurrentCell {
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
