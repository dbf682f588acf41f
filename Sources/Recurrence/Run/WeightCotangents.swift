import CKernels
import Tensors

/// Sums the weights' cotangents over all rows and time steps, right where the cotangents of their sources stand: one
/// product over the whole sequence for each block of a weight.
///
/// Threads take pieces of all sums at once, so that none waits for another's sum to end; a number is summed in the
/// order of the rows whoever does it.
struct WeightCotangents {
  private(set) var sums: [Tensor?]
  private let weights: [BlockedWeight]

  /// No sums yet.
  init(_ weights: WeightSources) {
    self.weights = weights.weights
    sums = [Tensor?](repeating: nil, count: 1 + (self.weights.flatMap(\.blocks).map(\.source).max() ?? -1))
  }

  /// Adds what a run has computed. `sources` are the values of the weights' sources.
  mutating func add(_ run: ProgramRun, sources: [Tensor]) {
    let sums = sources.indices.map { self.sums[$0] ?? .zeros(sources[$0].shape) }
    // The sums are nobody else's until they are returned.
    let floats = sums.map(\.storage.floats)
    for wave in waves(run.program.reductions, run, sources) {
      let most = (4 * Threads.count + wave.count - 1) / wave.count
      let pieces = wave.flatMap { $0.pieces(rows: run.layout.rowCount, most: most) }
      parallel(pieces.count) { pieces[$0].add(to: floats) }
    }
    self.sums = sums
  }

  /// The sums in groups whose members touch different numbers.
  private func waves(_ reductions: [Reduction], _ run: ProgramRun, _ sources: [Tensor]) -> [[BlockSum]] {
    let biases = biases(of: reductions)
    var waves: [[BlockSum]] = []
    for (i, reduction) in reductions.enumerated() where !biases.values.contains(i) {
      let segments = run.segments(of: reduction)
      let bias = biases[i].map { weights[reductions[$0].weight].blocks }
      for (number, block) in weights[reduction.weight].blocks.enumerated() {
        var sum = BlockSum(reduction, weights[reduction.weight], block, segments, sources[block.source].shape)
        sum.bias = bias?[number]
        if waves.last?.allSatisfy({ !$0.touches(sum) }) != true { waves.append([]) }
        waves[waves.count - 1].append(sum)
      }
    }
    return waves
  }
}

extension WeightCotangents {
  /// Which column sums come along with which products, by number: those of the same rows, where the bias is in as many
  /// blocks as the weight, gate by gate, and nothing else adds to it. A product reads each row once to copy it, and the
  /// sums are taken from that.
  private func biases(of reductions: [Reduction]) -> [Int: Int] {
    var biases: [Int: Int] = [:]
    for (i, reduction) in reductions.enumerated() {
      guard case .columnSum(let bias, let a, let width) = reduction, weights[bias].shape.count == width else {
        continue
      }
      let sources = Set(weights[bias].blocks.map(\.source))
      let isAlone = reductions.enumerated().allSatisfy { other, reduction in
        other == i || sources.isDisjoint(with: weights[reduction.weight].blocks.map(\.source))
      }
      let product = reductions.indices.first { other in
        guard case .outer(let weight, a, width, _, _) = reductions[other], biases[other] == nil else { return false }
        return weights[weight].blocks.map(\.rows) == weights[bias].blocks.map(\.columns)
      }
      if isAlone, let product { biases[product] = i }
    }
    return biases
  }
}

/// The sum for one block of a weight, or a piece of it.
private struct BlockSum {
  private enum Kind {
    case outer, columns
    /// One number that all columns share.
    case number(width: Int)
  }
  private let kind: Kind
  private let segments: Segments
  private let block: BlockedWeight.Block
  /// The bias whose cotangent comes along: of as many columns as the block has rows.
  var bias: BlockedWeight.Block?
  /// Floats of a row of the source.
  private let stride: Int

  init(
    _ reduction: Reduction, _ weight: BlockedWeight, _ block: BlockedWeight.Block, _ segments: Segments, _ source: Shape
  ) {
    switch reduction {
    case .outer: kind = .outer
    case .columnSum(_, _, let width): kind = weight.shape.count == 1 && width > 1 ? .number(width: width) : .columns
    }
    self.segments = segments
    self.block = block
    stride = source.rank == 2 ? source[1] : source.count
  }

  private init(_ whole: BlockSum, _ block: BlockedWeight.Block) {
    kind = whole.kind
    segments = whole.segments
    stride = whole.stride
    self.block = block
    bias = whole.bias
    bias?.sourceColumn += block.rows.lowerBound - whole.block.rows.lowerBound
  }

  /// Whether both add to a number.
  func touches(_ other: BlockSum) -> Bool {
    func inSource(_ block: BlockedWeight.Block) -> (rows: Range<Int>, columns: Range<Int>) {
      (
        block.sourceRow..<block.sourceRow + block.rows.count,
        block.sourceColumn..<block.sourceColumn + block.columns.count
      )
    }
    let (a, b) = (inSource(block), inSource(other.block))
    return block.source == other.block.source && a.rows.overlaps(b.rows) && a.columns.overlaps(b.columns)
  }

  /// The sum in at most so many pieces of about equal work, none too small to be worth a thread's attention.
  func pieces(rows: Int, most: Int) -> [BlockSum] {
    guard case .outer = kind else { return [self] }
    let tile = Kernels.active.table.pointee.tile
    let tiles = (block.rows.count + tile - 1) / tile
    let work = rows * block.rows.count * block.columns.count
    // The second operand is copied anew for each piece: pieces are no smaller than balance needs.
    let count = max(1, min(most, tiles / 4, work >> 19))
    return (0..<count).map { piece in
      let from = min(block.rows.count, tiles * piece / count * tile)
      let to = min(block.rows.count, tiles * (piece + 1) / count * tile)
      var part = block
      part.sourceRow += from
      part.rows = block.rows.lowerBound + from..<block.rows.lowerBound + to
      return BlockSum(self, part)
    }
  }

  func add(to sums: [UnsafeMutablePointer<Float>]) {
    let sum = sums[block.source] + block.sourceRow * stride + block.sourceColumn
    let kernels = Kernels.active.table
    switch kind {
    case .outer:
      let scratch = Storage(count: ur_outer_scratch(kernels, block.columns.count))
      let own = segments.list.map {
        ur_segment(a: $0.a + block.rows.lowerBound, b: $0.b + block.columns.lowerBound, rows: $0.rows)
      }
      own.withUnsafeBufferPointer {
        kernels.pointee.outer(
          block.rows.count, block.columns.count, $0.baseAddress, $0.count, segments.strideA, segments.strideB, sum,
          stride, true, bias.map { sums[$0.source] + $0.sourceColumn }, scratch.floats)
      }
    case .columns:
      for segment in segments.list {
        kernels.pointee.column_sum(
          segment.rows, block.columns.count, segment.a + block.columns.lowerBound, segments.strideA, sum, true)
      }
    case .number(let width):
      let columns = Storage(count: width, repeating: 0)
      for segment in segments.list {
        kernels.pointee.column_sum(segment.rows, width, segment.a, segments.strideA, columns.floats, true)
      }
      sum[0] += Float(kernels.pointee.sum(width, columns.floats))
    }
  }
}

/// The rows of a reduction's operands side by side, in as few pieces as they are contiguous in.
struct Segments {
  var list: [ur_segment]
  let strideA, strideB: Int
}

extension ProgramRun {
  fileprivate func segments(of reduction: Reduction) -> Segments {
    switch reduction {
    case .outer(_, let a, _, let b, _):
      Segments(list: segments(a, b), strideA: rowStride(a), strideB: rowStride(b))
    case .columnSum(_, let a, _): Segments(list: segments(a, a), strideA: rowStride(a), strideB: rowStride(a))
    }
  }

  private func rowStride(_ address: Address) -> Int {
    program.sequences[address.kind == .previous ? keptStates[address.index].index : address.index].stride
  }

  private func segments(_ a: Address, _ b: Address) -> [ur_segment] {
    guard a.kind == .previous || b.kind == .previous else {
      return [ur_segment(a: whole(a), b: whole(b), rows: layout.rowCount)]
    }
    var segments: [ur_segment] = []
    for shard in layout.shards {
      for (t, rows) in shard.active.enumerated() {
        let (from, to) = (pointer(a, shard, t), pointer(b, shard, t))
        if let last = segments.last, t > 0, last.a + last.rows * rowStride(a) == from,
          last.b + last.rows * rowStride(b) == to
        {
          segments[segments.count - 1].rows += rows
        } else {
          segments.append(ur_segment(a: from, b: to, rows: rows))
        }
      }
    }
    return segments
  }

  private func whole(_ address: Address) -> UnsafePointer<Float> {
    UnsafePointer(sequences[address.index].floats + address.column)
  }

  private func pointer(_ address: Address, _ shard: Layout.Shard, _ t: Int) -> UnsafePointer<Float> {
    guard address.kind == .previous else {
      return whole(address) + (shard.firstRow + shard.offsets[t]) * rowStride(address)
    }
    let state = keptStates[address.index]
    if t == 0 {
      let width = program.stateWidths[address.index]
      return UnsafePointer(initial[address.index].floats + shard.firstSequence * width + address.column)
    }
    return whole(state) + address.column + (shard.firstRow + shard.offsets[t - 1]) * rowStride(address)
  }
}
