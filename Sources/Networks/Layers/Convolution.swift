import Recurrence
import Tensors

/// Pictures, or maps of features, of one size: rows of channels, a row for each place, picture by picture, from the top
/// left to the bottom right.
///
///     let pictures = PictureBatch(rows: rows, count: 64, height: 32, width: 32)   // rows [65536, 3]
///     pictures.places.features                                                     // sequences of 1024 places
public struct PictureBatch: Sendable {
  /// [count · height · width, channels].
  public let rows: Tensor
  /// Pictures, and the places of each.
  public let count, height, width: Int

  /// A batch. Traps when there is not one row for each place.
  public init(rows: Tensor, count: Int, height: Int, width: Int) {
    demand(
      rows.shape.rank == 2 && rows.shape[0] == count * height * width && height > 0 && width > 0,
      "PictureBatch: rows \(rows.shape) of \(count) pictures of \(height) x \(width)")
    (self.rows, self.count, self.height, self.width) = (rows, count, height, width)
  }

  /// Values of a place.
  public var channels: Int { rows.shape[1] }

  /// The batch with a function applied to its rows.
  public func mapRows(_ transform: (Tensor) throws -> Tensor) rethrows -> PictureBatch {
    PictureBatch(rows: try transform(rows), count: count, height: height, width: width)
  }

  /// The places of each picture as a sequence, for a layer that attends to them.
  public var places: SequenceBatch {
    let layout = Layout(time: height * width, batch: count)
    let order = layout.paddedIndex.map { Int32($0 % count * height * width + $0 / count) }
    return SequenceBatch(rows: rows.gatheringRows(order), layout: layout)
  }

  /// The largest values of each 2 x 2 places: half the height and width, rounded up; at an odd edge of those there are.
  public func pooledByTwo() -> PictureBatch {
    let (high, wide) = ((height + 1) / 2, (width + 1) / 2)
    func corner(_ dy: Int, _ dx: Int) -> Tensor {
      var numbers: [Int32] = []
      numbers.reserveCapacity(count * high * wide)
      for n in 0..<count {
        for y in 0..<high {
          let row = (n * height + min(2 * y + dy, height - 1)) * width
          for x in 0..<wide { numbers.append(Int32(row + min(2 * x + dx, width - 1))) }
        }
      }
      return rows.gatheringRows(numbers)
    }
    return PictureBatch(
      rows: maximum(maximum(corner(0, 0), corner(0, 1)), maximum(corner(1, 0), corner(1, 1))), count: count,
      height: high, width: wide)
  }
}

/// A convolution of pictures: at each place the same linear map of the square of places around it, zeros outside.
///
///     y[place] = W · [x of all places of the window, from the top left] + b
///
///     let layer = Convolution(inputs: 3, outputs: 32, using: &random)
///     relu(layer(pictures).rows)   // [count · height · width, 32]
///
/// PyTorch's `Conv2d(3, 32, 3, padding=1)` is the same; its weight [outputs, inputs, rows, columns] is here
/// [outputs, rows · columns · inputs].
public struct Convolution: Module {
  /// W, [outputs, window · window · inputs], and b.
  public let map: Linear
  /// Places of a window's side, odd.
  public let window: Int

  /// A new layer; the bias starts as 0. Traps unless the window is odd and positive.
  public init(
    inputs: Int, outputs: Int, window: Int = 3, initializer: Initializer = .glorotUniform,
    using random: inout RandomSource
  ) {
    demand(window > 0 && window % 2 == 1, "Convolution: a window of \(window) places has no middle")
    self.window = window
    map = Linear(inputs: window * window * inputs, outputs: outputs, initializer: initializer, using: &random)
  }

  /// Values of a place of the input, of the output.
  public var inputSize: Int { map.inputSize / (window * window) }
  /// Values of a place of the output.
  public var outputSize: Int { map.outputSize }

  /// Maps of the same height and width. Traps when a place has other than ``inputSize`` values.
  public func callAsFunction(_ pictures: PictureBatch) -> PictureBatch {
    demand(
      pictures.channels == inputSize,
      "Convolution: pictures of \(pictures.channels) channels should have \(inputSize)")
    return pictures.mapRows { rows in
      // One more row, of zeros, stands for all places outside.
      let padded = rows.applying(.pad(.rows, from: 0, extent: rows.shape[0] + 1))
      let windows = padded.gatheringRows(windowRows(of: pictures))
      return map(windows.reshaped(to: [rows.shape[0], window * window * inputSize]))
    }
  }

  /// The rows of each place's window.
  private func windowRows(of pictures: PictureBatch) -> [Int32] {
    let (height, width, reach) = (pictures.height, pictures.width, window / 2)
    let outside = Int32(pictures.rows.shape[0])
    var numbers: [Int32] = []
    numbers.reserveCapacity(pictures.rows.shape[0] * window * window)
    for n in 0..<pictures.count {
      for y in 0..<height {
        for x in 0..<width {
          for row in y - reach...y + reach {
            for column in x - reach...x + reach {
              let isInside = row >= 0 && row < height && column >= 0 && column < width
              numbers.append(isInside ? Int32((n * height + row) * width + column) : outside)
            }
          }
        }
      }
    }
    return numbers
  }
}
