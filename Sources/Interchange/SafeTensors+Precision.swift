import Tensors

/// Weights of a network in a file, in the precision that inference uses: matrices (two axes) in fewer bits, everything
/// else in F32.
///
///     try SafeTensors(weights: tensors, as: .int8).write(to: path)
///     let types = SafeTensors.elementTypes(of: .int8)
///     let weights = try SafeTensors.read(from: path, accepting: types).weights(as: .int8, at: path)
///
/// `.bfloat16` stores BF16, rounded to the nearest. `.int8` stores whole numbers in -127...127 (I8) and, as the tensor
/// `NAME.scale` (F32, one value for each row), what a row's numbers are to be multiplied with.
extension SafeTensors {
  /// The types of values in a file of a precision.
  public static func elementTypes(of precision: Precision) -> Set<ElementType> {
    [.float32, matrixType(precision)]
  }

  private static func matrixType(_ precision: Precision) -> ElementType {
    switch precision {
    case .float32: .float32
    case .bfloat16: .bfloat16
    case .int8: .int8
    }
  }

  /// The content of a file with these weights.
  ///
  /// - Throws: `UnrollError` of kind `.notFinite` when a matrix to be rounded holds an infinity or NaN.
  public init(
    weights: [(name: String, tensor: Tensor)], as precision: Precision, metadata: [String: String] = [:]
  ) throws(UnrollError) {
    self.init(tensors: [], metadata: metadata)
    for (name, tensor) in weights {
      guard tensor.shape.rank == 2, precision != .float32 else {
        tensors.append((name, tensor))
        continue
      }
      guard tensor.storage.buffer.allSatisfy(\.isFinite) else {
        throw UnrollError(
          .notFinite, "tensor `\(clipped(name))` holds a value that is not finite", at: clipped(name),
          hint: "use weights of a training that did not leave the numbers")
      }
      elementTypes[name] = Self.matrixType(precision)
      if precision == .bfloat16 {
        tensors.append((name, tensor.roundedToBfloat16()))
      } else {
        let (whole, scale) = tensor.inBytes()
        tensors += [(name, whole), (Self.scaleName(name), scale)]
      }
    }
  }

  private static func scaleName(_ name: String) -> String { name + ".scale" }

  /// The weights, as 32-bit floats, of a file of this precision; `path` is for messages.
  ///
  /// - Throws: `UnrollError` of kind `.invalidData` when a matrix is not stored in that precision, something else is,
  ///   or a scale is missing, of another shape, or no number that a scale can be.
  public func weights(
    as precision: Precision, at path: String
  ) throws(UnrollError) -> [(name: String, tensor: Tensor)] {
    func refuse(_ message: String) -> UnrollError {
      UnrollError(
        .invalidData, message, at: path,
        hint: "weights and config.json are not of one model: make the folder again with unroll quantize")
    }
    var scales: [String: Tensor] = [:]
    if precision == .int8 {
      let byName = Dictionary(tensors.map { ($0.name, $0.tensor) }, uniquingKeysWith: { first, _ in first })
      for (name, type) in elementTypes where type == .int8 {
        scales[Self.scaleName(name)] = byName[Self.scaleName(name)]
      }
    }
    var weights: [(name: String, tensor: Tensor)] = []
    for (name, tensor) in tensors where scales[name] == nil {
      let type = elementTypes[name, default: .float32]
      let expected = tensor.shape.rank == 2 ? Self.matrixType(precision) : .float32
      guard type == expected else {
        throw refuse(
          "tensor `\(clipped(name))` of shape \(tensor.shape) is \(type.rawValue); in \(precision) it is "
            + expected.rawValue)
      }
      guard type == .int8 else {
        weights.append((name, tensor))
        continue
      }
      guard let scale = scales[Self.scaleName(name)] else {
        throw refuse("the scale of tensor `\(clipped(name))` is missing: `\(clipped(Self.scaleName(name)))`")
      }
      guard scale.shape == [tensor.shape[0]], elementTypes[Self.scaleName(name)] == nil else {
        throw refuse(
          "tensor `\(clipped(Self.scaleName(name)))` has shape \(scale.shape), and should be [\(tensor.shape[0])] "
            + "in F32"
        )
      }
      guard let row = scale.storage.buffer.firstIndex(where: { !($0 >= 0 && $0.isFinite) }) else {
        weights.append((name, tensor.scalingRows(by: scale)))
        continue
      }
      throw refuse(
        "tensor `\(clipped(Self.scaleName(name)))` holds \(scale.storage.floats[row]) for row \(row): no scale")
    }
    return weights
  }
}

extension Tensor {
  /// To 8 significant bits, ties to even; what is beyond the largest of these numbers becomes that number.
  fileprivate func roundedToBfloat16() -> Tensor {
    let largest: UInt32 = 0x7F7F_0000
    return Tensor(
      shape: shape,
      values: storage.buffer.map { value in
        let bits = value.bitPattern
        let rounded = (bits & 0x7FFF_FFFF) + 0x7FFF + (bits >> 16 & 1)
        return Float(bitPattern: bits & 0x8000_0000 | min(rounded & 0xFFFF_0000, largest))
      })
  }

  /// Whole numbers in -127...127, and what a row of them is to be multiplied with.
  fileprivate func inBytes() -> (whole: Tensor, scale: Tensor) {
    let columns = shape[1]
    var (whole, scales): ([Float], [Float]) = ([], [])
    whole.reserveCapacity(shape.count)
    for row in 0..<shape[0] {
      let values = UnsafeBufferPointer(start: storage.floats + row * columns, count: columns)
      let largest = values.reduce(0) { max($0, abs($1)) }
      // Rows of the smallest numbers of all have no scale that could be divided by.
      let scale = largest / 127 < 0x1p-120 ? 0 : largest / 127
      scales.append(scale)
      whole += values.map { scale == 0 ? 0 : min(127, max(-127, ($0 / scale).rounded())) }
    }
    return (Tensor(shape: shape, values: whole), Tensor(scales))
  }

  fileprivate func scalingRows(by scale: Tensor) -> Tensor {
    let columns = shape[1]
    let result = Storage(count: shape.count)
    for row in 0..<shape[0] {
      for i in row * columns..<(row + 1) * columns { result.floats[i] = storage.floats[i] * scale.storage.floats[row] }
    }
    return Tensor(shape: shape, storage: result)
  }
}
