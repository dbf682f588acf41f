import Recurrence
import Tensors

extension TokenBatch {
  /// The batch in which each token is replaced by `token` with probability `rate`, while training: what is read must
  /// not be relied upon (Bowman et al. 2016, word dropout). Without a random source in the evaluation nothing happens.
  ///
  ///     network(tokens.replacing(at: 0.1, with: vocabulary.unknown, in: &evaluation), …)
  ///
  /// Traps unless 0 <= rate < 1.
  public func replacing(at rate: Float, with token: Int32, in evaluation: inout Evaluation) -> TokenBatch {
    demand(rate >= 0 && rate < 1, "word dropout: a rate is in 0..<1, not \(rate)")
    guard rate > 0, evaluation.random != nil else { return self }
    let kept = evaluation.random!.dropoutMask([tokens.count], rate: rate).values
    return TokenBatch(packed: zip(tokens, kept).map { $1 == 0 ? token : $0 }, layout: layout)
  }
}

extension Embedding {
  /// The vector of each token, where whole rows of the table are dropped while training: with probability `rate` a
  /// token's vector is zero wherever it stands in the batch, the others are scaled by 1 / (1 - rate) (Gal & Ghahramani
  /// 2016; embedding dropout of Merity et al. 2017). Without a random source in the evaluation nothing happens.
  ///
  /// Traps unless 0 <= rate < 1, and on a token that the table does not have.
  public func callAsFunction(_ batch: TokenBatch, dropping rate: Float, in evaluation: inout Evaluation)
    -> SequenceBatch
  {
    demand(rate >= 0 && rate < 1, "embedding dropout: a rate is in 0..<1, not \(rate)")
    let vectors = self(batch)
    guard rate > 0, evaluation.random != nil else { return vectors }
    let mask = evaluation.random!.dropoutMask([tokens, 1], rate: rate).gatheringRows(batch.tokens)
    return vectors.mapRows { $0 * mask }
  }
}
