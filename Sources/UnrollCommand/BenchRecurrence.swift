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

  /// The median time of a run in milliseconds, measured for at least so many seconds.
  func measure(seconds: Double = 0.25) -> Double { Self.milliseconds(of: work, seconds: seconds) }

  /// The median time of some work in milliseconds: warmed up, at least five runs, and so many seconds of them.
  static func milliseconds(of work: () -> Void, seconds: Double) -> Double {
    let clock = ContinuousClock()
    let warm = clock.now + .seconds(seconds / 8)
    work()
    while clock.now < warm { work() }
    var times: [Double] = []
    var total = 0.0
    while times.count < 5 || (total < seconds && times.count < 20_000) {
      times.append(clock.measure(work) / .seconds(1))
      total += times[times.count - 1]
    }
    return 1000 * KernelBenchmark.median(times)
  }

  // MARK: Networks

  /// The layers of a row, with weights by formula.
  static func stack(_ row: RecurrentRow) -> Stack {
    if row.cell == .invented { return InventedNetwork.stack(row) }
    let size = row.hidden
    // Every parameter is set afterwards; orthogonal matrices would take their time.
    let zeros = CellInitialization(input: .zeros, recurrent: .zeros)
    var random = RandomSource(seed: 1)
    return Stack(
      (1...row.layers).map { number -> any SequenceLayer in
        let input = row.inputSize(ofLayer: number)
        return switch row.cell {
        case .elman:
          layer(number, row, Elman(inputSize: input, hiddenSize: size, initialization: zeros, using: &random))
        case .gru:
          layer(number, row, GRU(inputSize: input, hiddenSize: size, initialization: zeros, using: &random))
        case .gruResetAfter:
          layer(
            number, row, GRU(.resetAfter, inputSize: input, hiddenSize: size, initialization: zeros, using: &random))
        case .lstm, .lstmZoneout, .lstmRecurrentDropout, .lstmStateDropout, .lstmDropConnect, .lstmLayerNorm:
          layer(number, row, LSTM(inputSize: input, hiddenSize: size, initialization: zeros, using: &random))
        case .minGRU:
          layer(number, row, MinGRU(inputSize: input, hiddenSize: size, initialization: zeros, using: &random))
        case .minLSTM:
          layer(number, row, MinLSTM(inputSize: input, hiddenSize: size, initialization: zeros, using: &random))
        case .sru:
          layer(number, row, SRU(inputSize: input, hiddenSize: size, initialization: zeros, using: &random))
        case .tide, .invented:
          layer(number, row, Tide(inputSize: input, hiddenSize: size, initialization: zeros, using: &random))
        case .dense:
          layer(
            number, row,
            FeedforwardCell(
              Feedforward(sizes: [size + input, 2 * size, size], activations: [.relu, .tanh], using: &random)))
        }
      })
  }

  private static func layer<Cell: RecurrentCell>(_ number: Int, _ row: RecurrentRow, _ cell: Cell) -> Recurrent<Cell> {
    setByFormula(cell, number, size: cell.outputSize)
    return Recurrent(cell, regularization: row.regularization)
  }

  /// Gives the parameters of layer `number`, from 1, values by formula.
  static func setByFormula(_ module: some Module, _ number: Int, size: Int) {
    for (place, named) in module.parameters.enumerated() {
      named.parameter.value = BenchNoise.tensor(
        named.parameter.shape, salt: BenchNoise.layer * number + place, scale: 1 / Float(size).squareRoot())
    }
  }

  /// The sequences of a row.
  static func input(_ row: RecurrentRow) -> SequenceBatch {
    SequenceBatch(
      values: BenchNoise.tensor([row.time, row.batch, row.inputSize(ofLayer: 1)], salt: BenchNoise.input),
      lengths: row.lengths)
  }

  private static func prepare(_ row: RecurrentRow) -> (checks: [String: [Double]], work: () -> Void) {
    switch row.kind {
    case .train, .ragged: training(stack(row), input(row))
    case .forward: forward(stack(row), input(row), row.precision ?? .float32)
    case .step: steps(row, stack(row))
    }
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

  /// A training step without the update: gradients of the sum of all outputs, by input and parameters.
  static func trainingStep(_ stack: Stack, _ input: SequenceBatch, _ evaluation: Evaluation = .inference) -> (
    input: Parameter, gradients: () -> Gradients
  ) {
    let trained = Trained(input: Parameter(input.rows), stack: stack)
    let parameters = stack.parameters.map(\.parameter)
    let state = stack.initialState(batch: input.layout.batch)
    return (
      trained.input,
      {
        // As after an update: weights have to be packed again.
        for parameter in parameters { parameter.update { _ in } }
        return valueAndGradient(of: trained) {
          var evaluation = evaluation
          return stack(input.replacingRows(with: trained.input.tensor), from: state, in: &evaluation).output.rows.sum()
        }.gradients
      }
    )
  }

  private static func training(_ stack: Stack, _ input: SequenceBatch) -> (
    checks: [String: [Double]], work: () -> Void
  ) {
    let step = trainingStep(stack, input, .training(RandomSource(seed: 1)))
    let first = step.gradients()
    let weights = stack.parameters.map(\.parameter).filter { $0.shape.rank == 2 }.flatMap { first[$0]?.values ?? [] }
    let inputGradient = first[step.input].map { input.replacingRows(with: $0).values.values } ?? []
    return (
      [
        "output": BenchNoise.checksum(stack(input).output.values.values),
        "inputGradient": BenchNoise.checksum(inputGradient),
        "weightGradient": BenchNoise.checksum(weights),
      ], { _ = step.gradients() }
    )
  }

  /// Steps of a session over sixteen inputs, again and again.
  private static func steps(_ row: RecurrentRow, _ stack: Stack) -> (checks: [String: [Double]], work: () -> Void) {
    let count = 16
    let width = row.inputSize(ofLayer: 1)
    let inputs = BenchNoise.tensor([count, width], salt: BenchNoise.input)
    let session = Session(stack, precision: row.precision ?? .float32)
    let outputs = (0..<count).flatMap { session.push(inputs.rows($0..<$0 + 1)).values }
    let values = inputs.values
    var (next, output) = (0, [Float](repeating: 0, count: session.outputSize))
    return (
      ["output": BenchNoise.checksum(outputs)],
      {
        values.withUnsafeBufferPointer { all in
          output.withUnsafeMutableBufferPointer {
            session.push(UnsafeBufferPointer(rebasing: all[next * width..<(next + 1) * width]), into: $0)
          }
        }
        next = (next + 1) % count
      }
    )
  }
}
