import CKernels
import Unroll

/// Something that makes recurrences faster or smaller and can be switched off, with a row to see it by.
struct EngineSwitch {
  enum Kind: String, Encodable {
    /// A rewrite of the step's graph.
    case pass
    /// A way of running the programs.
    case engine
    /// An instruction set, against a lower one.
    case kernels
  }
  /// Milliseconds of a run, measured for at least so many seconds.
  typealias Measurement = (_ seconds: Double) throws -> Double

  let kind: Kind
  /// What is switched off: `split`.
  let name: String
  let row: RecurrentRow
  /// Makes both ways ready to be measured.
  let prepare: () throws -> (on: Measurement, off: Measurement)

  /// Whether every word of `text` is the kind, the name, or one of the row's label.
  func matches(_ text: String) -> Bool {
    RecurrentRow.words(of: text).isSubset(of: RecurrentRow.words(of: "\(kind.rawValue) \(name) \(row.label)"))
  }

  /// The sizes of a training step.
  struct Shape {
    var time, batch, hidden: Int
  }

  /// Every pass, then all of them, on training steps of a plain LSTM, the textbook's GRU, and two dense layers as a
  /// cell; scans on cells that have some.
  static func passes(_ shapes: [Shape]) -> [EngineSwitch] {
    (PassSet.inOrder.map { (name: $0.pass.name, flag: $0.flag) } + [("all", .all)]).flatMap { name, flag in
      (flag == .scanAffine ? [RecurrentRow.Cell.minGRU, .minLSTM] : [.lstm, .gru, .dense]).flatMap { cell in
        shapes.map { shape in
          training(.pass, name, cell, shape, off: Evaluation(unrolling: .compiled(PassSet.all.subtracting(flag))))
        }
      }
    }
  }

  /// Threads, the team of threads that shares one sequence, sessions, packed weights that are kept, checkpointing.
  static func engine(_ shapes: [Shape]) -> [EngineSwitch] {
    let threads = Threads.count
    guard let large = shapes.last else { return [] }
    let alone = RecurrentRow(.lstm, .forward, time: large.time, batch: 1, hidden: large.hidden)
    let scan = RecurrentRow(.minGRU, .train, time: large.time, batch: 1, hidden: large.hidden)
    let parallel = shapes.map { row(.lstm, $0) } + [scan, alone]
    return (threads == 1 ? [] : parallel).map { row in
      EngineSwitch(kind: .engine, name: row == alone ? "team" : "threads", row: row) {
        let benchmark = RecurrentBenchmark(row)
        func measurement(_ count: Int) -> Measurement {
          { seconds in
            Threads.count = count
            defer { Threads.count = threads }
            return benchmark.measure(seconds: seconds)
          }
        }
        return (measurement(threads), measurement(1))
      }
    } + [session(hidden: large.hidden), keptWeights(hidden: large.hidden)]
      + shapes.map {
        training(
          .engine, "checkpointing", .lstm, $0, on: Evaluation(checkpointing: .squareRoot), off: .inference)
      }
  }

  /// The instruction set in use against each lower one: training steps, and a row of int8 weights.
  static func kernels(_ shapes: [Shape]) -> [EngineSwitch] {
    guard let large = shapes.last else { return [] }
    let rows =
      shapes.map { row(.lstm, $0) }
      + [RecurrentRow(.lstm, .forward, time: large.time, batch: 1, hidden: large.hidden, precision: .int8)]
    let active = KernelBenchmark().instructionSet
    return lowerInstructionSets.flatMap { lower in
      rows.map { row in
        EngineSwitch(kind: .kernels, name: lower, row: row) {
          let (on, off) = (try BenchProcess(instructionSet: active), try BenchProcess(instructionSet: lower))
          return ({ _ in try on.milliseconds(of: row) }, { _ in try off.milliseconds(of: row) })
        }
      }
    }
  }

  // MARK: Parts

  private static func row(_ cell: RecurrentRow.Cell, _ shape: Shape) -> RecurrentRow {
    RecurrentRow(cell, .train, time: shape.time, batch: shape.batch, hidden: shape.hidden)
  }

  private static func training(
    _ kind: Kind, _ name: String, _ cell: RecurrentRow.Cell, _ shape: Shape, on: Evaluation = .inference,
    off: Evaluation
  ) -> EngineSwitch {
    let row = row(cell, shape)
    return EngineSwitch(kind: kind, name: name, row: row) {
      let (stack, input) = (RecurrentBenchmark.stack(row), RecurrentBenchmark.input(row))
      func measurement(_ evaluation: Evaluation) -> Measurement {
        let step = RecurrentBenchmark.trainingStep(stack, input, evaluation)
        return { RecurrentBenchmark.milliseconds(of: { _ = step.gradients() }, seconds: $0) }
      }
      return (measurement(on), measurement(off))
    }
  }

  /// A step pushed through a session, against a batch of one step with the state handed on.
  private static func session(hidden: Int) -> EngineSwitch {
    let row = RecurrentRow(.lstm, .step, time: 1, batch: 1, hidden: hidden)
    return EngineSwitch(kind: .engine, name: "session", row: row) {
      let benchmark = RecurrentBenchmark(row)
      let (stack, input) = (RecurrentBenchmark.stack(row), RecurrentBenchmark.input(row))
      var state = stack.initialState(batch: 1)
      return (
        benchmark.measure,
        {
          RecurrentBenchmark.milliseconds(
            of: {
              var evaluation = Evaluation.inference
              state = stack(input, from: state, in: &evaluation).state
            }, seconds: $0)
        }
      )
    }
  }

  /// Inference with the packed weights that are kept, against packing them at each run.
  private static func keptWeights(hidden: Int) -> EngineSwitch {
    let row = RecurrentRow(.lstm, .forward, time: 10, batch: 1, hidden: hidden)
    return EngineSwitch(kind: .engine, name: "kept-weights", row: row) {
      let (stack, input) = (RecurrentBenchmark.stack(row), RecurrentBenchmark.input(row))
      let parameters = stack.parameters.map(\.parameter)
      return (
        { RecurrentBenchmark.milliseconds(of: { _ = stack(input) }, seconds: $0) },
        {
          RecurrentBenchmark.milliseconds(
            of: {
              for parameter in parameters { parameter.update { _ in } }
              _ = stack(input)
            }, seconds: $0)
        }
      )
    }
  }

  /// Names of the instruction sets that this machine has beside the one in use and below it, best first.
  private static var lowerInstructionSets: [String] {
    var tables = [UnsafePointer<ur_kernels>?](repeating: nil, count: 8)
    let count = ur_available_kernels(&tables, tables.count)
    let names = tables.prefix(count).compactMap { $0.map { String(cString: $0.pointee.name) } }
    return names.prefix { $0 != KernelBenchmark().instructionSet }.reversed()
  }
}
