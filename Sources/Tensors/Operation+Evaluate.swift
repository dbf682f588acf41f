import CKernels

extension Operation {
  /// Computes the result of shape `shape` from concrete operands, on all threads.
  package func evaluate(_ operands: [Tensor], shape: Shape) -> Storage {
    switch self {
    case .pointwise(let operation): return Self.pointwise(operation, operands, shape)
    case .product(let a, let b): return Self.product(operands[0], operands[1], a, b, shape)
    case .rowMatrices(let kind): return Self.rowMatrices(kind, operands[0], operands[1], shape)
    case .concatenate(let along): return Self.concatenate(operands, along, shape)
    case .slice(let along, let from, _): return Self.window(operands[0], along, from: from, result: shape)
    case .pad(let along, let from, _): return Self.pad(operands[0], along, from: from, result: shape)
    case .reduce: return Self.reduce(operands[0], to: shape)
    case .broadcast: return Self.pointwise(.affine(scale: 1, offset: 0), operands, shape)
    case .reshape: return operands[0].storage
    case .gather(let indices): return Self.gather(operands[0], indices, shape)
    case .scatter(let indices, _): return Self.scatter(operands[0], indices, shape)
    case .softmax: return Self.softmax(operands[0], Kernels.active.table.pointee.softmax)
    case .logSoftmax: return Self.softmax(operands[0], Kernels.active.table.pointee.log_softmax)
    case .normalize(let epsilon): return Self.normalize(operands[0], epsilon)
    case .normalizeGradient(let epsilon): return Self.normalizeGradient(operands[0], operands[1], epsilon)
    case .crossEntropy(let targets): return Self.crossEntropy(operands[0], targets).losses
    case .crossEntropyGradient(let targets):
      return Self.crossEntropyGradient(operands[0], operands[1], targets)
    }
  }

  /// Elements below which work is not worth a second thread.
  private static let grain = 1 << 14

  private static func pointwise(_ operation: Pointwise, _ operands: [Tensor], _ shape: Shape) -> Storage {
    let result = Storage(count: shape.count)
    guard shape.count > 0 else { return result }
    let layouts = operands.map { Broadcast($0.shape, to: shape)! }
    let columns = commonColumns(operands, layouts, shape)
    let rows = shape.count / columns
    var code: [ur_instruction] = []
    var registers: [Int] = []
    for (i, operand) in operands.enumerated() {
      let repeatsOneValue = operand.shape.count == 1 && columns > 1
      if layouts[i] == .column && columns > 1 || repeatsOneValue {
        let temporary = operands.count + 1 + i
        code.append(
          ur_instruction(
            opcode: UInt16(UR_SPLAT.rawValue), destination: UInt16(temporary), a: UInt16(i), b: 0, scale: 0, offset: 0))
        registers.append(temporary)
      } else {
        registers.append(i)
      }
    }
    code.append(operation.instruction(destination: operands.count, a: registers[0], b: registers.last!))
    parallelRanges(rows, grain: max(1, grain / columns)) { part in
      let scratch = Storage(count: 3 * Int(UR_TILE))
      var memory = zip(operands, layouts).map { operand, layout in
        let stride = layout == .full ? columns : layout == .suffix ? 0 : 1
        return ur_operand(base: operand.storage.floats + part.lowerBound * stride, stride: stride)
      }
      memory.append(ur_operand(base: result.floats + part.lowerBound * columns, stride: columns))
      Kernels.active.table.pointee.pointwise(
        code, code.count, memory, memory.count, part.count, columns, scratch.floats)
    }
    return result
  }

  /// The number of columns under which every operand is a whole matrix, one repeated row or one value a row.
  private static func commonColumns(_ operands: [Tensor], _ layouts: [Broadcast], _ shape: Shape) -> Int {
    var columns: Int?
    for (operand, layout) in zip(operands, layouts) where layout != .full && operand.shape.count > 1 {
      let own = layout == .suffix ? operand.shape.count : shape.last
      demand(columns == nil || columns == own, "two different broadcasts in one operation")
      columns = own
    }
    // Without a broadcast any split into rows will do; rows of a tile's length suit the threads.
    return columns ?? (shape.count % Int(UR_TILE) == 0 ? Int(UR_TILE) : max(1, shape.last))
  }

  private static func product(_ a: Tensor, _ b: Tensor, _ transposeA: Bool, _ transposeB: Bool, _ shape: Shape)
    -> Storage
  {
    if transposeA {
      let right = transposeB ? b.transposed() : b
      let result = Storage(count: shape.count)
      let segment = ur_segment(a: a.storage.floats, b: right.storage.floats, rows: a.shape[0])
      accumulateOuter(
        m: shape[0], n: shape[1], segments: [segment], lda: a.shape[1], ldb: right.shape[1], into: result.floats,
        ldc: shape[1], accumulate: false)
      return result
    }
    let result = Storage(count: shape.count)
    let packed = PackedMatrix(
      b.storage.floats, k: a.shape[1], n: shape[1], columns: b.shape[1], transposed: transposeB)
    packed.multiply(rows: shape[0], a.storage.floats, lda: a.shape[1], into: result.floats, ldc: shape[1])
    return result
  }

  private static func concatenate(_ operands: [Tensor], _ along: Along, _ shape: Shape) -> Storage {
    let result = Storage(count: shape.count)
    let axis = along.axis(in: shape)
    let outer = shape.extents[..<axis].reduce(1, *)
    let whole = shape.count / max(1, outer)
    var offset = 0
    for operand in operands {
      let part = operand.shape.count / max(1, outer)
      for row in 0..<outer {
        (result.floats + row * whole + offset).update(from: operand.storage.floats + row * part, count: part)
      }
      offset += part
    }
    return result
  }

  private static func window(_ operand: Tensor, _ along: Along, from: Int, result shape: Shape) -> Storage {
    let result = Storage(count: shape.count)
    let axis = along.axis(in: shape)
    let outer = shape.extents[..<axis].reduce(1, *)
    let inner = shape.extents[(axis + 1)...].reduce(1, *)
    let (part, whole) = (shape[axis] * inner, operand.shape[axis] * inner)
    for row in 0..<outer {
      (result.floats + row * part).update(from: operand.storage.floats + row * whole + from * inner, count: part)
    }
    return result
  }

  private static func pad(_ operand: Tensor, _ along: Along, from: Int, result shape: Shape) -> Storage {
    let result = Storage(count: shape.count, repeating: 0)
    let axis = along.axis(in: shape)
    let outer = shape.extents[..<axis].reduce(1, *)
    let inner = shape.extents[(axis + 1)...].reduce(1, *)
    let (part, whole) = (operand.shape[axis] * inner, shape[axis] * inner)
    for row in 0..<outer {
      (result.floats + row * whole + from * inner).update(from: operand.storage.floats + row * part, count: part)
    }
    return result
  }

  private static func reduce(_ operand: Tensor, to shape: Shape) -> Storage {
    let table = Kernels.active.table.pointee
    let result = Storage(count: shape.count)
    let source = operand.storage
    if shape.count == 1 {
      result.floats[0] = Float(table.sum(source.count, source.floats))
    } else if Broadcast(shape, to: operand.shape) == .column {
      parallelRanges(shape.count, grain: grain / max(1, operand.shape.last)) { part in
        let columns = operand.shape.last
        table.row_sum(
          part.count, columns, source.floats + part.lowerBound * columns, columns, result.floats + part.lowerBound, 1)
      }
    } else {
      table.column_sum(
        operand.shape.count / max(1, shape.count), shape.count, source.floats, shape.count, result.floats, false)
    }
    return result
  }

  private static func gather(_ table: Tensor, _ indices: Indices, _ shape: Shape) -> Storage {
    if let row = indices.values.first(where: { $0 < 0 || $0 >= table.shape[0] }) {
      mistake("gather: row \(row) of a table \(table.shape)")
    }
    let result = Storage(count: shape.count)
    indices.values.withUnsafeBufferPointer {
      ur_gather_rows($0.count, shape[1], $0.baseAddress, table.storage.floats, shape[1], result.floats, shape[1])
    }
    return result
  }

  private static func scatter(_ operand: Tensor, _ indices: Indices, _ shape: Shape) -> Storage {
    if let row = indices.values.first(where: { $0 < 0 || $0 >= shape[0] }) {
      mistake("scatter: row \(row) of \(shape)")
    }
    let result = Storage(count: shape.count)
    // The table of a large vocabulary: clearing it is the work, not the few rows that are added.
    parallelRanges(shape.count, grain: 1 << 16) { part in
      (result.floats + part.lowerBound).update(repeating: 0, count: part.count)
    }
    indices.values.withUnsafeBufferPointer {
      ur_scatter_add_rows(
        $0.count, shape[1], $0.baseAddress, operand.storage.floats, shape[1], result.floats, shape[1])
    }
    return result
  }

  private typealias RowKernel =
    @convention(c) (Int, Int, UnsafePointer<Float>?, Int, UnsafeMutablePointer<Float>?, Int) -> Void

  private static func softmax(_ operand: Tensor, _ kernel: RowKernel) -> Storage {
    let result = Storage(count: operand.shape.count)
    let columns = operand.shape.last
    parallelRanges(operand.shape.rows, grain: max(1, grain / max(1, columns))) { part in
      let offset = part.lowerBound * columns
      kernel(part.count, columns, operand.storage.floats + offset, columns, result.floats + offset, columns)
    }
    return result
  }

  /// Losses and the probabilities that their derivative needs, in one pass.
  package static func crossEntropy(_ logits: Tensor, _ targets: Indices) -> (losses: Storage, probabilities: Storage) {
    let (rows, columns) = (logits.shape[0], logits.shape[1])
    if let target = targets.values.first(where: { $0 >= columns }) {
      mistake("crossEntropy: target \(target) for logits \(logits.shape)")
    }
    let losses = Storage(count: rows)
    let probabilities = Storage(count: logits.shape.count)
    targets.values.withUnsafeBufferPointer { targets in
      parallelRanges(rows, grain: max(1, grain / max(1, columns))) { part in
        let offset = part.lowerBound * columns
        Kernels.active.table.pointee.cross_entropy(
          part.count, columns, logits.storage.floats + offset, columns, targets.baseAddress! + part.lowerBound,
          losses.floats + part.lowerBound, probabilities.floats + offset, columns)
      }
    }
    return (losses, probabilities)
  }

  private static func crossEntropyGradient(_ probabilities: Tensor, _ cotangent: Tensor, _ targets: Indices) -> Storage
  {
    let (rows, columns) = (probabilities.shape[0], probabilities.shape[1])
    let result = Storage(count: probabilities.shape.count)
    targets.values.withUnsafeBufferPointer { targets in
      parallelRanges(rows, grain: max(1, grain / max(1, columns))) { part in
        let offset = part.lowerBound * columns
        Kernels.active.table.pointee.cross_entropy_gradient(
          part.count, columns, probabilities.storage.floats + offset, columns, targets.baseAddress! + part.lowerBound,
          cotangent.storage.floats + part.lowerBound, result.floats + offset, columns)
      }
    }
    return result
  }
}
