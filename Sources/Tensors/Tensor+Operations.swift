/// Elementwise sum, with broadcasting.
public func + (a: Tensor, b: Tensor) -> Tensor { .apply(.pointwise(.add), [a, b]) }
/// Elementwise difference, with broadcasting.
public func - (a: Tensor, b: Tensor) -> Tensor { .apply(.pointwise(.subtract), [a, b]) }
/// Elementwise product, with broadcasting. The matrix product is ``matmul(_:_:transposeA:transposeB:)``.
public func * (a: Tensor, b: Tensor) -> Tensor { .apply(.pointwise(.multiply), [a, b]) }
/// Elementwise quotient, with broadcasting.
public func / (a: Tensor, b: Tensor) -> Tensor { .apply(.pointwise(.divide), [a, b]) }
/// Adds a number to every value.
public func + (a: Tensor, b: Float) -> Tensor { a.applying(.pointwise(.affine(scale: 1, offset: b))) }
/// Adds a number to every value.
public func + (a: Float, b: Tensor) -> Tensor { b + a }
/// Subtracts a number from every value.
public func - (a: Tensor, b: Float) -> Tensor { a + -b }
/// Subtracts every value from a number: `1 - z`.
public func - (a: Float, b: Tensor) -> Tensor { b.applying(.pointwise(.affine(scale: -1, offset: a))) }
/// Multiplies every value by a number.
public func * (a: Tensor, b: Float) -> Tensor { a.applying(.pointwise(.affine(scale: b, offset: 0))) }
/// Multiplies every value by a number.
public func * (a: Float, b: Tensor) -> Tensor { b * a }
/// Divides every value by a number.
public func / (a: Tensor, b: Float) -> Tensor { a * (1 / b) }
/// Divides a number by every value.
public func / (a: Float, b: Tensor) -> Tensor { a * b.applying(.pointwise(.reciprocal)) }
/// Changes every sign.
public prefix func - (a: Tensor) -> Tensor { a * -1 }

/// e to the power of every value.
public func exp(_ a: Tensor) -> Tensor { a.applying(.pointwise(.exp)) }
/// The natural logarithm of every value.
public func log(_ a: Tensor) -> Tensor { a.applying(.pointwise(.log)) }
/// The hyperbolic tangent of every value.
public func tanh(_ a: Tensor) -> Tensor { a.applying(.pointwise(.tanh)) }
/// The logistic function σ(a) = 1 / (1 + e^-a) of every value.
public func sigmoid(_ a: Tensor) -> Tensor { a.applying(.pointwise(.sigmoid)) }
/// max(a, 0) of every value.
public func relu(_ a: Tensor) -> Tensor { a.applying(.pointwise(.relu)) }
/// The square of every value.
public func square(_ a: Tensor) -> Tensor { a.applying(.pointwise(.square)) }
/// The square root of every value.
public func sqrt(_ a: Tensor) -> Tensor { a.applying(.pointwise(.squareRoot)) }
/// The cosine of every value, to 3e-7 up to 10,000 radians.
public func cos(_ a: Tensor) -> Tensor { a.applying(.pointwise(.cosine)) }
/// The sine of every value: the cosine of a - π/2, and as exact as that difference.
public func sin(_ a: Tensor) -> Tensor { cos(a - .pi / 2) }
/// The larger of two values, with broadcasting. Where they are equal the gradient goes to the second.
public func maximum(_ a: Tensor, _ b: Tensor) -> Tensor { .apply(.pointwise(.maximum), [a, b]) }
/// Probabilities along the innermost axis: e^a / Σ e^a.
public func softmax(_ a: Tensor) -> Tensor { a.applying(.softmax) }
/// log(softmax(a)) along the innermost axis, without overflow.
public func logSoftmax(_ a: Tensor) -> Tensor { a.applying(.logSoftmax) }

/// The product of two matrices, either one transposed when asked.
///
///     matmul(x, w, transposeB: true)  // x [batch, in] · w [out, in]ᵀ = [batch, out]
///
/// Traps when an operand is no matrix or the inner extents differ.
public func matmul(_ a: Tensor, _ b: Tensor, transposeA: Bool = false, transposeB: Bool = false) -> Tensor {
  .apply(.product(transposeA: transposeA, transposeB: transposeB), [a, b])
}

/// The tensors one after the other along the innermost axis: `[h, x]` of a textbook is `concatenated(h, x)`.
///
/// Traps when the other extents differ.
public func concatenated(_ tensors: Tensor...) -> Tensor { concatenated(tensors) }

/// The tensors one after the other along the innermost axis.
public func concatenated(_ tensors: [Tensor]) -> Tensor {
  tensors.count == 1 ? tensors[0] : .apply(.concatenate(.features), tensors)
}

/// Cross-entropy of logits [rows, classes] with the right classes, fused with the softmax:
/// -log softmax(logits)[target], one value a row, in nats. A negative target is left out: its loss and its gradient
/// are 0.
///
///     crossEntropy(logits, [2, 0, -1]).sum() / 2
///
/// Traps when the number of targets is not the number of rows or a target is not below `classes`.
public func crossEntropy(_ logits: Tensor, _ targets: [Int32]) -> Tensor {
  logits.applying(.crossEntropy(Indices(targets)))
}

extension Tensor {
  /// The sum of all values, a scalar.
  public func sum() -> Tensor { applying(.reduce(to: [])) }
  /// The mean of all values, a scalar.
  public func mean() -> Tensor { sum() / Float(max(1, shape.count)) }

  /// The same values in another shape of the same count.
  public func reshaped(to shape: Shape) -> Tensor { shape == self.shape ? self : applying(.reshape(shape)) }

  /// Columns `range` of the innermost axis.
  public func features(_ range: Range<Int>) -> Tensor {
    applying(.slice(.features, from: range.lowerBound, to: range.upperBound))
  }

  /// Entries `range` of the outermost axis.
  public func rows(_ range: Range<Int>) -> Tensor {
    applying(.slice(.rows, from: range.lowerBound, to: range.upperBound))
  }

  /// Rows of a matrix by number, in the order given; a row may be asked for twice. Traps when a number is out of range.
  public func gatheringRows(_ rows: [Int32]) -> Tensor { applying(.gather(Indices(rows))) }

  /// The sum over what a broadcast from `shape` had repeated; the tensor itself when shapes are equal.
  package func reduced(to shape: Shape) -> Tensor { shape == self.shape ? self : applying(.reduce(to: shape)) }

  /// The transposed matrix, computed outside any tape.
  package func transposed() -> Tensor {
    let result = Storage(count: shape.count)
    Kernels.active.table.pointee.transpose(shape[0], shape[1], storage.floats, shape[1], result.floats, shape[0])
    return Tensor(shape: [shape[1], shape[0]], storage: result)
  }
}
