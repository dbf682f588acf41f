import Recurrence
import Tensors

/// A slower layer: runs the layer inside at every n-th time step of each sequence only, beginning with the first, and
/// holds its output in between (in the spirit of Koutník et al. 2014, whose modules have clocks of their own).
///
///     Stack([
///       Recurrent(LSTM(inputSize: 32, hiddenSize: 64, using: &random)),
///       // Runs at the time steps 0, 4, 8, …
///       Clockwork(Recurrent(LSTM(inputSize: 64, hiddenSize: 64, using: &random)), every: 4),
///     ])
///
/// Lengths stay. A long memory has n times fewer steps to bridge, and the layer costs n times less; inputs between its
/// steps are not read (a ``Pyramid`` reads them all). Fast and slow side by side: a ``Skip`` around the slow one.
///
/// The state's parts are those of the layer inside (`layer.hidden`), then `held`, the output that is shown, which
/// begins as zeros, and `phase` [batch, 1], the time steps so far modulo n: chunks of any lengths with carried state
/// equal the whole. At phase 0 the next time step runs.
public struct Clockwork: WrappingLayer {
  /// The layer that runs at every n-th time step.
  public let layer: any SequenceLayer
  /// n.
  public let period: Int

  /// A layer that runs at every `period`-th time step. Traps when that is below 1.
  public init(_ layer: any SequenceLayer, every period: Int) {
    demand(period >= 1, "Clockwork: every \(period) time steps should be at least 1")
    self.layer = layer
    self.period = period
  }

  /// The initial state of the layer inside, with nothing held, at the beginning of a period.
  public func initialState(batch: Int) -> LayerState {
    state(layer.initialState(batch: batch), held: .zeros([batch, outputSize]), phase: .zeros([batch, 1]))
  }

  private func state(_ inner: LayerState, held: Tensor, phase: Tensor) -> LayerState {
    var state = LayerState(joining: [("layer", inner)])
    state.parts.append(LayerState.Part(name: "held", tensor: held))
    state.parts.append(LayerState.Part(name: "phase", tensor: phase, isCounter: true))
    return state
  }

  /// Runs the layer at its time steps. Traps when the state is not one of this layer, or the layer inside changes the
  /// lengths.
  public func callAsFunction(_ input: SequenceBatch, from state: LayerState, in evaluation: inout Evaluation) -> (
    output: SequenceBatch, state: LayerState
  ) {
    let before = checked(state, batch: input.layout.batch)
    let ticks = Ticks(input.layout, phases: before.phases, period: period)
    let slow = SequenceBatch(rows: input.rows.gatheringRows(ticks.sources), layout: ticks.layout)
    let result = layer(slow, from: before.inner, in: &evaluation)
    result.output.demandLengths(of: slow, for: "Clockwork")
    // What is held comes first, one row for each sequence.
    let shown = Tensor.apply(.concatenate(.rows), [before.held, result.output.rows])
    let phases = zip(before.phases, input.lengths).map { Float(($0 + $1) % period) }
    return (
      input.replacingRows(with: shown.gatheringRows(ticks.shown)),
      self.state(
        result.state, held: shown.gatheringRows(ticks.held), phase: Tensor(shape: [phases.count, 1], values: phases))
    )
  }

  /// The parts of a state of this layer.
  private func checked(_ state: LayerState, batch: Int) -> (inner: LayerState, held: Tensor, phases: [Int]) {
    let inner = state.state(of: "layer")
    guard let held = state["held"], let phase = state["phase"], inner.parts.count + 2 == state.parts.count else {
      mistake("Clockwork: a state of parts \(state.parts.map(\.name)), not of layer, held and phase")
    }
    demand(
      held.shape == [batch, outputSize] && phase.shape == [batch, 1],
      "Clockwork: held \(held.shape) and phase \(phase.shape) should be [\(batch), \(outputSize)] and [\(batch), 1]")
    let phases = phase.values.map { value in
      guard let phase = Int(exactly: value), (0..<period).contains(phase) else {
        mistake("Clockwork: a phase of \(value) is no whole number in 0..<\(period)")
      }
      return phase
    }
    return (inner, held, phases)
  }

  /// Which time steps run, and what is shown at each.
  private struct Ticks {
    /// The time steps that run, and the packed rows of the input that they read.
    let layout: Layout
    let sources: [Int32]
    /// Rows of what was held and the outputs behind it: for each packed row, and after each sequence's last step.
    let shown, held: [Int32]

    init(_ input: Layout, phases: [Int], period: Int) {
      let first = phases.map { ($0 == 0 ? 0 : period - $0) }
      layout = Layout(lengths: zip(input.lengths, first).map { max(0, ($0 - $1 + period - 1) / period) })
      let (rows, ticks) = (input.rowsOfSequences, layout.rowsOfSequences)
      var sources = [Int32](repeating: 0, count: layout.rowCount)
      var shown = [Int32](repeating: 0, count: input.rowCount)
      var held = (0..<Int32(input.batch)).map { $0 }
      for sequence in rows.indices {
        for (step, row) in rows[sequence].enumerated() {
          let elapsed = step - first[sequence]
          if elapsed >= 0, elapsed % period == 0 {
            let tick = ticks[sequence][elapsed / period]
            sources[Int(tick)] = row
            held[sequence] = Int32(input.batch) + tick
          }
          shown[Int(row)] = held[sequence]
        }
      }
      (self.sources, self.shown, self.held) = (sources, shown, held)
    }
  }
}

extension Clockwork: StreamingLayer {
  package func stream(from state: LayerState, precision: Precision) -> any LayerStream {
    let before = checked(state, batch: 1)
    return ClockworkStream(
      layer.openStream(from: before.inner, precision: precision), held: before.held, phase: before.phases[0],
      period: period)
  }
}

/// A stream that runs at every n-th step and shows its output until then.
private final class ClockworkStream: LayerStream {
  private let inner: any LayerStream
  private let held: Storage
  private var phase: Int
  private let period: Int

  init(_ inner: any LayerStream, held: Tensor, phase: Int, period: Int) {
    self.inner = inner
    self.held = Storage(count: inner.outputWidth)
    self.held.floats.update(from: held.storage.floats, count: inner.outputWidth)
    self.phase = phase
    self.period = period
  }

  var inputWidth: Int { inner.inputWidth }
  var outputWidth: Int { held.count }

  func push(_ values: UnsafePointer<Float>) -> UnsafePointer<Float> {
    if phase == 0 { held.floats.update(from: inner.push(values), count: held.count) }
    phase = (phase + 1) % period
    return UnsafePointer(held.floats)
  }

  var states: [Tensor] {
    get { inner.states + [Tensor(shape: [1, held.count], values: Array(held.buffer)), Tensor([[Float(phase)]])] }
    set {
      let (tensor, counter) = (newValue[newValue.count - 2], newValue[newValue.count - 1])
      guard tensor.shape == [1, held.count], counter.shape == [1, 1], let new = Int(exactly: counter.scalar),
        (0..<period).contains(new)
      else {
        mistake("Clockwork: a session's state of held \(tensor) and phase \(counter) for a period of \(period)")
      }
      inner.states = newValue.dropLast(2)
      held.floats.update(from: tensor.storage.floats, count: held.count)
      phase = new
    }
  }

  func forked() -> ClockworkStream {
    ClockworkStream(
      inner.forked(), held: Tensor(shape: [1, held.count], values: Array(held.buffer)), phase: phase, period: period)
  }
}
