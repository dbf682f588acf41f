import CKernels
import Tensors

/// A place in memory that depends on the time step in one simple way, so that the loop finds it without a search.
struct Place {
  enum Motion {
    /// Always the same: scratch of a step, a weight's vector.
    case fixed
    /// The packed rows of the running step.
    case rows
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

  /// The first row. `row` is the first packed row of the time step, `previousRow` that of the step before (nil at the
  /// first), `isOdd` says whether an odd number of steps ran before this one.
  @inline(__always)
  func pointer(row: Int, previousRow: Int?, isOdd: Bool) -> UnsafeMutablePointer<Float> {
    switch motion {
    case .fixed: return base
    case .rows: return base + row * stride
    case .previousRows: return previousRow.map { base + $0 * stride } ?? alternate
    case .alternating: return isOdd ? alternate : base
    }
  }
}

/// What one shard of the batch works with while a program runs: its scratch, and where every address stands.
struct ShardMemory {
  let shard: Layout.Shard
  private let run: ProgramRun
  private let steps: [Storage]
  /// Two buffers for each part of the state that is not kept over time.
  let carried: [(even: Storage, odd: Storage)]

  init(_ run: ProgramRun, _ shard: Layout.Shard) {
    self.run = run
    self.shard = shard
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

  func place(_ address: Address) -> Place {
    let column = address.column
    switch address.kind {
    case .sequence:
      let stride = run.program.sequences[address.index].stride
      let base = run.sequences[address.index].floats + shard.firstRow * stride + column
      return Place(motion: .rows, base: base, alternate: base, stride: stride)
    case .step:
      let base = steps[address.index].floats + column
      return Place(motion: .fixed, base: base, alternate: base, stride: run.program.steps[address.index].stride)
    case .previous:
      let state = run.keptStates[address.index]
      let width = run.program.stateWidths[address.index]
      let stride = run.program.sequences[state.index].stride
      let base = run.sequences[state.index].floats + shard.firstRow * stride + state.column + column
      return Place(
        motion: .previousRows, base: base,
        alternate: run.initial[address.index].floats + shard.firstSequence * width + column, stride: stride)
    case .carriedIn, .carriedOut:
      let (even, odd) = carried[address.index]
      let isIn = address.kind == .carriedIn
      return Place(
        motion: .alternating, base: (isIn ? even : odd).floats + column, alternate: (isIn ? odd : even).floats + column,
        stride: run.program.stateWidths[address.index])
    case .vector:
      let base = run.vectors[address.index]!.storage.floats + column
      return Place(motion: .fixed, base: base, alternate: base, stride: 0)
    }
  }
}
