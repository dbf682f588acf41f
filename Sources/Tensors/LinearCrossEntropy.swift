import CKernels
import Foundation

/// Cross-entropy of a linear layer's scores x · Wᵀ + b, computed with the layer: one operation, so that the scores
/// [rows, classes], the largest array of a language model, are written once and read once in training, and stand
/// nowhere as a whole otherwise.
///
/// The scores are made piece by piece, ``ReadoutPieces/width`` classes of some rows. While a piece is in the second
/// cache its rows' running maximum and sum of exponentials are taken; backwards, the piece becomes the scores' gradient
/// in a scratch of its size, and that is multiplied both ways, into the gradients of x and of W, before the next one.
package func linearCrossEntropy(_ x: Tensor, weight: Tensor, bias: Tensor?, targets: Indices) -> Tensor {
  demand(
    x.shape.rank == 2 && weight.shape.rank == 2 && x.shape[1] == weight.shape[1]
      && (bias == nil || bias?.shape == [weight.shape[0]]) && targets.count == x.shape[0],
    "crossEntropy: \(targets.count) targets for inputs \(x.shape), a weight \(weight.shape) and a bias "
      + "\(bias?.shape.description ?? "none")")
  if let target = targets.values.first(where: { $0 >= weight.shape[0] }) {
    mistake("crossEntropy: target \(target) for a weight \(weight.shape)")
  }
  let operands = [x, weight] + (bias.map { [$0] } ?? [])
  let readout = Readout(
    x: x.storage, weight: weight.storage, bias: bias?.storage, targets: targets.values,
    pieces: ReadoutPieces(rows: x.shape[0], classes: weight.shape[0]), size: x.shape[1])
  guard case .tape(let tape) = Recording.current, operands.contains(where: { tape.index(of: $0) != nil }) else {
    return Tensor(shape: [targets.count], storage: readout.losses(keeping: nil).losses)
  }
  let scores = Storage(count: readout.pieces.count)
  let result = readout.losses(keeping: scores)
  let operation = LinearCrossEntropy(readout: readout, scores: scores, tops: result.tops, sums: result.sums)
  return tape.record(
    operation, operands: operands, results: [Tensor(shape: [targets.count], storage: result.losses)])[0]
}

/// How scores [rows, classes] are cut. The longer side is split into parts, which threads take; what is summed over it
/// is summed part by part, then over the parts in order, so that the number of threads changes no bit.
struct ReadoutPieces: Sendable {
  /// Classes of a piece: with ``height`` rows, and what they are multiplied with, about the second cache.
  static let width = 128
  /// Rows of a piece at most.
  static let height = 768
  /// Parts at most.
  static let most = 16

  let rows: Int
  let classes: Int
  let rowParts: [Range<Int>]
  let classParts: [Range<Int>]

  init(rows: Int, classes: Int) {
    self.rows = rows
    self.classes = classes
    rowParts = Self.parts(of: rows, multiple: 32, splitting: rows > classes)
    classParts = Self.parts(of: classes, multiple: Self.width, splitting: rows <= classes)
  }

  private static func parts(of extent: Int, multiple: Int, splitting: Bool) -> [Range<Int>] {
    let units = (extent + multiple - 1) / multiple
    let count = splitting ? min(most, units) : min(1, units)
    return (0..<count).map { units * $0 / count * multiple..<min(extent, units * ($0 + 1) / count * multiple) }
  }

  /// Floats between two rows of the piece that begins at a class.
  func pitch(at first: Int) -> Int { (min(Self.width, classes - first) + 15) / 16 * 16 }

  /// Where the scores of a row stand that belong to the piece of classes from `first` on. Pieces stand one after the
  /// other, so that each is read from one place in memory.
  func offset(row: Int, first: Int) -> Int { first * rows + row * pitch(at: first) }

  /// Floats of all pieces.
  var count: Int { classes == 0 ? 0 : offset(row: rows, first: (classes - 1) / Self.width * Self.width) }

  /// Runs `body` for all parts, on all threads, with their numbers among the parts of rows and of classes.
  func forEachPart(_ body: (_ rowPart: Int, _ classPart: Int) -> Void) {
    parallel(rowParts.count * classParts.count) { body($0 / classParts.count, $0 % classParts.count) }
  }

  static func widths(of part: Range<Int>) -> [Range<Int>] { cut(part, by: width) }
  static func heights(of part: Range<Int>) -> [Range<Int>] { cut(part, by: height) }

  private static func cut(_ part: Range<Int>, by step: Int) -> [Range<Int>] {
    stride(from: part.lowerBound, to: part.upperBound, by: step).map { $0..<min($0 + step, part.upperBound) }
  }
}

/// A linear layer, its input and the right classes.
struct Readout: Sendable {
  let x: Storage
  let weight: Storage
  let bias: Storage?
  let targets: [Int32]
  let pieces: ReadoutPieces
  /// Values in a row of x.
  let size: Int

  /// The losses, and each row's largest score and sum of exponentials. The scores go to `scores` if it is given.
  func losses(keeping scores: Storage?) -> (losses: Storage, tops: Storage, sums: Storage) {
    let parts = pieces.classParts.count
    let losses = Storage(count: pieces.rows, repeating: 0)
    let tops = Storage(count: parts * pieces.rows, repeating: -.infinity)
    let sums = Storage(count: parts * pieces.rows, repeating: 0)
    pieces.forEachPart { rowPart, classPart in
      let scratch = ReadoutScratch(size: size, rows: scores == nil ? pieces.rowParts[rowPart].count : 0)
      for columns in ReadoutPieces.widths(of: pieces.classParts[classPart]) {
        scratch.packTransposed(weight.floats + columns.lowerBound * size, classes: columns.count)
        for rows in ReadoutPieces.heights(of: pieces.rowParts[rowPart]) {
          let first = columns.lowerBound
          let pitch = pieces.pitch(at: first)
          let piece = scores.map { $0.floats + pieces.offset(row: rows.lowerBound, first: first) } ?? scratch.piece
          scratch.table.product(
            rows.count, columns.count, size, x.floats + rows.lowerBound * size, size, scratch.packed.floats,
            bias.map { $0.floats + first }, 0, piece, pitch)
          let at = classPart * pieces.rows + rows.lowerBound
          scratch.table.exp_sums(rows.count, columns.count, piece, pitch, tops.floats + at, sums.floats + at)
          for row in rows {
            let column = Int(targets[row]) - first
            guard column >= 0, column < columns.count else { continue }
            losses.floats[row] = piece[(row - rows.lowerBound) * pitch + column]
          }
        }
      }
    }
    parallelRanges(pieces.rows, grain: 64) { rows in
      for row in rows {
        merge(row, tops, sums)
        losses.floats[row] =
          targets[row] < 0 ? 0 : log(sums.floats[row]) - (losses.floats[row] - tops.floats[row])
      }
    }
    return (losses, tops, sums)
  }

  /// Brings what the parts know of a row together, in the first part's place.
  private func merge(_ row: Int, _ tops: Storage, _ sums: Storage) {
    var (top, sum) = (tops.floats[row], sums.floats[row])
    for part in 1..<max(1, pieces.classParts.count) {
      let (other, more) = (tops.floats[part * pieces.rows + row], sums.floats[part * pieces.rows + row])
      // Nothing but -infinity there.
      if other == -.infinity { continue }
      if other > top {
        sum *= exp(top - other)
        top = other
      }
      sum += more * exp(other - top)
    }
    (tops.floats[row], sums.floats[row]) = (top, sum)
  }
}

/// The tape's entry: losses from x, weight and bias, with the scores of the forward run.
private struct LinearCrossEntropy: CompositeOperation {
  let readout: Readout
  let scores: Storage
  let tops: Storage
  let sums: Storage

  // All of them, as a readout is trained and so is what it reads.
  func cotangents(_ results: [Tensor?], needed _: [Bool]) -> [Tensor?] {
    guard let scale = results[0]?.storage else { return [] }
    let (pieces, size) = (readout.pieces, readout.size)
    let (rows, classes) = (pieces.rows, pieces.classes)
    let ofX = PartialSums(parts: pieces.classParts.count, count: rows * size)
    let ofWeight = PartialSums(parts: pieces.rowParts.count, count: classes * size)
    let ofBias = PartialSums(parts: pieces.rowParts.count, count: classes)
    pieces.forEachPart { rowPart, classPart in
      let scratch = ReadoutScratch(size: size, rows: pieces.rowParts[rowPart].count)
      let classRange = pieces.classParts[classPart]
      for columns in ReadoutPieces.widths(of: classRange) {
        let first = columns.lowerBound
        let pitch = pieces.pitch(at: first)
        scratch.pack(readout.weight.floats + first * size, classes: columns.count)
        for part in ReadoutPieces.heights(of: pieces.rowParts[rowPart]) {
          let row = part.lowerBound
          readout.targets.withUnsafeBufferPointer {
            scratch.table.scores_gradient(
              part.count, columns.count, scores.floats + pieces.offset(row: row, first: first), pitch,
              $0.baseAddress! + row, first, tops.floats + row, sums.floats + row, scale.floats + row, scratch.piece,
              pitch)
          }
          let continues = row > pieces.rowParts[rowPart].lowerBound
          let x = readout.x.floats + row * size
          let dx = ofX.floats(classPart) + row * size
          scratch.table.product(
            part.count, size, columns.count, scratch.piece, pitch, scratch.packed.floats,
            first > classRange.lowerBound ? dx : nil, size, dx, size)
          scratch.outer(rows: part.count, x, pitch: pitch, classes: columns.count, accumulate: continues)
          scratch.table.column_sum(
            part.count, columns.count, scratch.piece, pitch, ofBias.floats(rowPart) + first, continues)
        }
        scratch.table.transpose(
          size, columns.count, scratch.turned.floats, ReadoutPieces.width, ofWeight.floats(rowPart) + first * size,
          size)
      }
    }
    return [
      Tensor(shape: [rows, size], storage: ofX.total()), Tensor(shape: [classes, size], storage: ofWeight.total()),
      Tensor(shape: [classes], storage: ofBias.total()),
    ]
  }
}

/// A sum that comes in parts; with one part it is that part, without a copy.
private struct PartialSums {
  let parts: Int
  let count: Int
  private let storage: Storage

  init(parts: Int, count: Int) {
    self.parts = parts
    self.count = count
    // Without parts, nothing was summed.
    storage = parts == 0 ? Storage(count: count, repeating: 0) : Storage(count: parts * count)
  }

  func floats(_ part: Int) -> UnsafeMutablePointer<Float> { storage.floats + part * count }

  /// The sum over the parts, in their order.
  func total() -> Storage {
    guard parts > 1 else { return storage }
    let total = Storage(count: count)
    parallelRanges(count, grain: 1 << 14, multiple: 64) { range in
      Kernels.active.table.pointee.column_sum(
        parts, range.count, storage.floats + range.lowerBound, count, total.floats + range.lowerBound, false)
    }
    return total
  }
}

/// One thread's memory for a piece and what it is multiplied with.
private struct ReadoutScratch {
  let table = Kernels.active.table.pointee
  let size: Int
  /// The weights of a piece's classes, packed one way or the other.
  let packed: Storage
  /// The same, or their gradient, [size, ``ReadoutPieces/width``].
  let turned: Storage
  private let scores: Storage
  private let outerScratch: Storage

  init(size: Int, rows: Int) {
    self.size = size
    let width = ReadoutPieces.width
    packed = Storage(count: max(Kernels.active.packedCount(size, width), Kernels.active.packedCount(width, size)))
    turned = Storage(count: size * width)
    scores = Storage(count: min(rows, ReadoutPieces.height) * width)
    outerScratch = Storage(count: ur_outer_scratch(Kernels.active.table, width))
  }

  var piece: UnsafeMutablePointer<Float> { scores.floats }

  /// Packs weights [classes, size] to multiply scores with.
  func pack(_ weight: UnsafePointer<Float>, classes: Int) {
    table.pack(classes, size, weight, size, 1, packed.floats)
  }

  /// Packs weights [classes, size] to make scores. Turned first: a pack along columns reads one float at a time.
  func packTransposed(_ weight: UnsafePointer<Float>, classes: Int) {
    table.transpose(classes, size, weight, size, turned.floats, ReadoutPieces.width)
    table.pack(size, classes, turned.floats, ReadoutPieces.width, 1, packed.floats)
  }

  /// `turned` = x' · piece, or that added to it: this way around, a piece's width is whole panels, whatever the size.
  func outer(rows: Int, _ x: UnsafePointer<Float>, pitch: Int, classes: Int, accumulate: Bool) {
    var segment = ur_segment(a: x, b: scores.floats, rows: rows)
    table.outer(
      size, classes, &segment, 1, size, pitch, turned.floats, ReadoutPieces.width, accumulate, nil,
      outerScratch.floats)
  }
}
