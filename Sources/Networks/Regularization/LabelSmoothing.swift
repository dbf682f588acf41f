import Tensors

/// Cross-entropy with smoothed labels (Szegedy et al. 2016): the target has 1 - `smoothing` of the probability, the
/// rest is spread evenly over all classes, the target among them. One value a row, in nats; a negative target is left
/// out.
///
///     crossEntropy(logits, targets, smoothing: 0.1)
///
/// Traps as the plain cross-entropy does, and unless 0 <= smoothing < 1.
public func crossEntropy(_ logits: Tensor, _ targets: [Int32], smoothing: Float) -> Tensor {
  checkSmoothing(smoothing)
  let plain = crossEntropy(logits, targets)
  guard smoothing > 0 else { return plain }
  // -Σ q log p = cross-entropy + smoothing · (the target's score - the mean score)
  let classes = logits.shape[1]
  let target = Tensor(
    shape: logits.shape,
    values: targets.flatMap { target in
      (0..<classes).map { target < 0 ? 0 : ($0 == Int(target) ? 1 : 0) - 1 / Float(classes) }
    })
  return plain + smoothing * (logits * target).reduced(to: [targets.count, 1]).reshaped(to: [targets.count])
}

extension Linear {
  /// The layer's cross-entropy as ``crossEntropy(_:_:)``, with smoothed labels: the target has 1 - `smoothing` of the
  /// probability, the rest is spread evenly over all classes, the target among them (Szegedy et al. 2016).
  ///
  ///     readout.crossEntropy(rows, targets, smoothing: 0.1).sum()
  ///
  /// The scores are not needed for it: the target's and the mean score come from rows of the weight. Traps unless
  /// 0 <= smoothing < 1.
  public func crossEntropy(_ x: Tensor, _ targets: [Int32], smoothing: Float) -> Tensor {
    checkSmoothing(smoothing)
    let plain = crossEntropy(x, targets)
    guard smoothing > 0, !targets.isEmpty else { return plain }
    let isCounted = Tensor(shape: [targets.count, 1], values: targets.map { $0 < 0 ? 0 : 1 })
    let rows = targets.map { max(0, $0) }
    let mean = weight.tensor.reduced(to: [1, inputSize]) / Float(outputSize)
    let direction = weight.tensor.gatheringRows(rows) - mean
    var difference = (x * direction).reduced(to: [targets.count, 1])
    if let bias {
      let column = bias.tensor.reshaped(to: [outputSize, 1])
      difference = difference + column.gatheringRows(rows) - column.reduced(to: [1, 1]) / Float(outputSize)
    }
    return plain + smoothing * (difference * isCounted).reshaped(to: [targets.count])
  }
}

private func checkSmoothing(_ smoothing: Float) {
  demand(smoothing >= 0 && smoothing < 1, "crossEntropy: a label smoothing is in 0..<1, not \(smoothing)")
}
