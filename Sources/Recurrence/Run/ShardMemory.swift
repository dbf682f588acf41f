import CKernels
import Tensors

/// A place in memory that depends on the time step in one simple way, so that the loop finds it without a search.
struct Place {
  enum Motion {
    /// Always the same: scratch of a step, a weight's vector.
    case fixed
    /// A row for each sequence of the shard, the same at all time steps.
    case sequences
    /// The packed rows of the running step.
    case rows
    /// The same, where the first row is the first of the running stretch.
    case rowsOfStretch
    /// The packed rows of the step before; at the first step the initial rows, at `alternate`.
    case previousRows
    /// `base` at even steps, `alternate` at odd ones.
    case alternating
  }
  var motion: Motion
  var base: UnsafeMutablePointer<Float>
  var alternate: UnsafeMutablePointer<Float>
  /// Floats between rows.
  var stride: Int
  /// The first packed row of the running stretch.
  var origin: UnsafePointer<Int>

  /// The first row. `row` is the first packed row of the time step, `previousRow` that of the step before (nil at the
  /// first), `isOdd` says whether an odd number of steps ran before this one.
  @inline(__always)
  func pointer(row: Int, previousRow: Int?, isOdd: Bool) -> UnsafeMutablePointer<Float> {
    switch motion {
    case .fixed, .sequences: return base
    case .rows: return base + row * stride
    case .rowsOfStretch: return base + (row - origin.pointee) * stride
    case .previousRows: return previousRow.map { base + $0 * stride } ?? alternate
    case .alternating: return isOdd ? alternate : base
    }
  }
}

/// What one shard of the batch works with while a program runs: its scratch, and where every address stands.
struct ShardMemory {
  let shard: Layout.Shard
  private let run: ProgramRun
  private let stretches: [Storage]
  private let origin = StretchOrigin()
  private let steps: [Storage]
  /// Two buffers for each part of the state that is not kept over time.
  let carried: [(even: Storage, odd: Storage)]

  /// Memory for stretches of so many rows.
  init(_ run: ProgramRun, _ shard: Layout.Shard, rowsOfStretch: Int) {
    self.run = run
    self.shard = shard
    stretches = run.program.stretches.map { Storage(count: rowsOfStretch * $0.stride) }
    steps = run.program.steps.map { Storage(count: shard.sequences * $0.stride, repeating: 0) }
    carried = run.program.stateWidths.enumerated().map { part, width in
      let count = shard.sequences * width
      let source = run.start[part].floats + shard.firstSequence * width
      let (even, odd) = (Storage(count: count), Storage(count: count))
      even.floats.update(from: source, count: count)
      // A sequence that never runs a step keeps its first state, whichever buffer is asked at the end.
      odd.floats.update(from: source, count: count)
      return (even, odd)
    }
  }

  /// Makes a packed row the first of the running stretch.
  func beginStretch(at row: Int) { origin.row.pointee = row }

  func place(_ address: Address) -> Place {
    let column = address.column
    switch address.kind {
    case .sequence:
      let stride = run.program.sequences[address.index].stride
      let base = run.sequences[address.index].floats + shard.firstRow * stride + column
      return place(.rows, base, stride: stride)
    case .stretch:
      let base = stretches[address.index].floats + column
      return place(.rowsOfStretch, base, stride: run.program.stretches[address.index].stride)
    case .step:
      let base = steps[address.index].floats + column
      return place(.fixed, base, stride: run.program.steps[address.index].stride)
    case .previous:
      let state = run.keptStates[address.index]
      let width = run.program.stateWidths[address.index]
      let stride = run.program.sequences[state.index].stride
      let base = run.sequences[state.index].floats + shard.firstRow * stride + state.column + column
      let first = run.initial[address.index].floats + shard.firstSequence * width + column
      return place(.previousRows, base, alternate: first, stride: stride)
    case .carriedIn, .carriedOut:
      let (even, odd) = carried[address.index]
      let isIn = address.kind == .carriedIn
      return place(
        .alternating, (isIn ? even : odd).floats + column, alternate: (isIn ? odd : even).floats + column,
        stride: run.program.stateWidths[address.index])
    case .scanned:
      return place(
        .fixed, carried[address.index].even.floats + column, stride: run.program.stateWidths[address.index])
    case .context:
      let width = run.program.contextWidths[address.index]
      return place(
        .sequences, run.contexts[address.index].floats + shard.firstSequence * width + column, stride: width)
    case .vector:
      let base = run.vectors[address.index]!.storage.floats + column
      return place(.fixed, base, stride: 0)
    }
  }

  private func place(
    _ motion: Place.Motion, _ base: UnsafeMutablePointer<Float>, alternate: UnsafeMutablePointer<Float>? = nil,
    stride: Int
  ) -> Place {
    Place(motion: motion, base: base, alternate: alternate ?? base, stride: stride, origin: UnsafePointer(origin.row))
  }
}

/// Where the running stretch begins.
private final class StretchOrigin {
  let row = UnsafeMutablePointer<Int>.allocate(capacity: 1)
  init() { row.initialize(to: 0) }
  deinit { row.deallocate() }
}
