import Recurrence
import Tensors

/// How well a place of a memory answers a query: a score for each place, whose softmax are the weights of a weighted
/// sum of the memory's rows.
///
///     score(q, m) = q · m                        dot        Luong et al. 2015
///     score(q, m) = q · (W m)                    general    Luong et al. 2015
///     score(q, m) = v · tanh(Wq q + b + Wm m)    additive   Bahdanau et al. 2015
///
/// What needs no query (W m, Wm m) is computed once for a memory, not at every time step. It is part of a layer that
/// asks at each of its steps, ``AttentiveRecurrent``.
public struct Attention: Module {
  /// The form of the score.
  public enum Scoring: Hashable, Sendable, Codable {
    /// q · m; query and memory have the same size.
    case dot
    /// q · (W m)
    case general
    /// v · tanh(Wq q + b + Wm m) through a hidden layer of `size` units.
    case additive(size: Int)
  }
  /// The form of the score.
  public let scoring: Scoring
  /// Values of a query.
  public let querySize: Int
  /// Values in a row of the memory, and of what is read.
  public let memorySize: Int
  /// W or Wm: from a row of the memory to its key; nil: the row is the key.
  public let key: Linear?
  /// Wq and b.
  public let query: Linear?
  /// v, [size].
  public let score: Parameter?

  /// New attention; weights are Glorot's, the bias begins as 0. Traps when `.dot` gets two different sizes.
  public init(_ scoring: Scoring, querySize: Int, memorySize: Int, using random: inout RandomSource) {
    self.scoring = scoring
    self.querySize = querySize
    self.memorySize = memorySize
    switch scoring {
    case .dot:
      demand(
        querySize == memorySize,
        "Attention: dot needs a query and a memory of one size, not \(querySize) and \(memorySize); general takes both")
      (key, query, score) = (nil, nil, nil)
    case .general:
      key = Linear(inputs: memorySize, outputs: querySize, bias: false, using: &random)
      (query, score) = (nil, nil)
    case .additive(let size):
      demand(size > 0, "Attention: a hidden layer of \(size) units")
      key = Linear(inputs: memorySize, outputs: size, bias: false, using: &random)
      query = Linear(inputs: querySize, outputs: size, using: &random)
      score = Parameter(Initializer.glorotUniform(outputs: 1, inputs: size, using: &random).reshaped(to: [size]))
    }
  }

  /// Values of a place's key.
  var keySize: Int { key?.outputSize ?? memorySize }

  /// One step's reading of a memory of p places: what is read, [batch, memorySize], and the weights, [batch, p], whose
  /// sum is 1, or 0 where a memory is empty.
  ///
  /// - Parameters:
  ///   - query: [batch, querySize].
  ///   - keys: [batch, p · keySize]; `values`: [batch, p · memorySize], the places one after the other.
  ///   - mask: [batch, p], 1 where there is a place and 0 behind the memory's length.
  func read(_ query: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> (read: Tensor, weights: Tensor) {
    // Behind the length e^-1e9 is 0; a memory without any place gets equal weights, which the mask takes away.
    let scores = scores(query, keys, mask) + 1e9 * (mask - 1)
    let weights = softmax(scores) * mask
    return (rowwiseProduct(values, weights, transposed: true), weights)
  }

  private func scores(_ query: Tensor, _ keys: Tensor, _ mask: Tensor) -> Tensor {
    guard let layer = self.query, let score else { return rowwiseProduct(keys, query) }
    let asked = layer(query)
    // The query's row once for each place, and v once for each sequence.
    let everywhere = rowwiseOuterProduct(0 * mask + 1, asked)
    return rowwiseProduct(tanh(keys + everywhere), 0 * asked + score.tensor)
  }
}

/// A memory as the steps of a layer read it: keys and rows of each sequence one after the other.
struct AttentionMemory: Sendable {
  /// Places that each sequence has room for.
  let places: Int
  /// The longest memory's length.
  let time: Int
  /// [batch, places · keySize], [batch, places · memorySize], [batch, places].
  let keys, values, mask: Tensor

  /// Rows are multiples of 16 places: few different sizes for which a step is compiled, and sums whose bits do not
  /// depend on how many places follow.
  static func places(_ time: Int) -> Int { max(1, (time + 15) / 16) * 16 }

  init(_ memory: SequenceBatch, for attention: Attention) {
    demand(
      memory.features == attention.memorySize,
      "Attention: the memory has rows of \(memory.features) values, not \(attention.memorySize)")
    time = memory.layout.time
    let places = Self.places(time)
    self.places = places
    values = memory.joined(places: places)
    keys = attention.key.map { memory.mapRows($0.callAsFunction).joined(places: places) } ?? values
    mask = Tensor(
      shape: [memory.layout.batch, places],
      values: memory.lengths.flatMap { length in (0..<places).map { $0 < length ? 1 : 0 } })
  }
}

extension SequenceBatch {
  /// The rows of each sequence one after the other, zeros behind its length: [batch, places · features].
  fileprivate func joined(places: Int) -> Tensor {
    let batch = layout.batch
    let indices = layout.paddedIndex.map { Int32($0 % batch * places + $0 / batch) }
    return rows.applying(.scatter(Indices(indices), rows: batch * places))
      .reshaped(to: [batch, places * features])
  }
}
