import Recurrence
import Tensors

/// A table with one learnt vector for each token.
///
///     let embed = Embedding(tokens: 65, size: 32, using: &random)
///     embed(TokenBatch([[4, 7, 1], [2]])).features  // 32
public struct Embedding: Module {
  /// [tokens, size].
  public let table: Parameter

  /// A table of given vectors [tokens, size].
  public init(table: Parameter) {
    demand(table.shape.rank == 2, "Embedding: a table has two axes, not \(table.shape)")
    self.table = table
  }

  /// A new table, by default of normally distributed values with deviation 1.
  ///
  /// Smaller vectors are too weak beside an orthogonal recurrent state: at the beginning of training the state then
  /// drifts by itself, and may never come back from a start with zeros.
  public init(
    tokens: Int, size: Int, initializer: Initializer = .normal(deviation: 1), using random: inout RandomSource
  ) {
    self.init(table: Parameter(initializer(outputs: tokens, inputs: size, using: &random)))
  }

  /// Number of tokens.
  public var tokens: Int { table.shape[0] }
  /// Values in a vector.
  public var size: Int { table.shape[1] }

  /// The vector of each token. Traps on a token that the table does not have.
  public func callAsFunction(_ batch: TokenBatch) -> SequenceBatch {
    SequenceBatch(rows: table.tensor.gatheringRows(batch.tokens), layout: batch.layout)
  }
}
